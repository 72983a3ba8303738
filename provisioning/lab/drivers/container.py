"""Hosts as containers of Docker or Podman, where there is no root on Linux.

Less than the real thing: no Pebble, no small disks, no look at files from outside.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab import keys, network, registry
from provisioning.lab.drivers import container_image as image
from provisioning.lab.processes import call, tail
from provisioning.lab.state import HostState, LabPaths, LabState

# What systemd as PID 1 needs beyond what a container usually may.
# Source: systemd's "The Container Interface".
_SYSTEMD = (
    *("--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cgroupns=private"),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--tmpfs=/run", "--tmpfs=/run/lock", "--tty"),
    # Source: systemd(1), SIGNALS: an orderly shutdown.
    "--stop-signal=SIGRTMIN+3",
)
# Engines mount the control groups read-only; systemd makes its own below.
_INIT = ("sh", "-c", "mount -o remount,rw /sys/fs/cgroup; exec /sbin/init")
# Reached by way of 127.0.0.1: not every engine lets its machine into the containers' network.
_PUBLISHED = (22, 80, 443)
_MAX_SUBNETS = 20


class ContainerDriver:
    """Hosts of one lab in a container engine.

    Args:
        paths: Where the lab's files lie.
        state: What the lab knows of itself; subnet and bases are filled in here.
        say: Told in one line about what takes long.
        engine: The program: `docker` or `podman`.
    """

    has_acme = False

    def __init__(
        self, paths: LabPaths, state: LabState, say: Callable[[str], None], *, engine: str
    ) -> None:
        self._paths = paths
        self._state = state
        self._say = say
        self._engine = engine
        self._network = f"hp-{state.lab_id}"
        self._label = f"homeport-lab={state.lab_id}"

    def start_lab(self, suites: Sequence[str]) -> None:
        """Have images and network ready."""
        for suite in suites:
            context = image.build_context(suite)
            tag = image.tag(suite, context)
            if not self._ask("images", "--quiet", tag):
                self._say(f"building the image of Debian {suite} with {self._engine} (once)")
                self._call("build", "--quiet", f"--tag={tag}", "-", stdin=context)
            self._state.bases[suite] = tag
        if not self._ask("network", "ls", "--quiet", f"--filter=name=^{self._network}$"):
            self._state.subnet = self._make_network()

    def stop_lab(self) -> None:
        """Remove all containers, saved images and the network of the lab."""
        mine = f"--filter=label={self._label}"
        if containers := self._ask("ps", "--all", "--quiet", mine).split():
            self._call("rm", "--force", "--volumes", *containers)
        if images := self._ask("images", "--quiet", mine).split():
            self._call("rmi", "--force", *dict.fromkeys(images))
        if self._ask("network", "ls", "--quiet", f"--filter=name=^{self._network}$"):
            self._call("network", "rm", self._network)

    def create(self, host: HostState) -> None:
        """Make its ssh keys; the container comes with the first boot."""
        if host.disk_size_mb is not None:
            raise HomeportError(
                f"cannot give {host.name} a small disk: its lab runs in {self._engine}",
                hint="use a lab as root on Linux",
            )
        keys.make_host_keys(self._seed(host))

    def remove(self, host: HostState) -> None:
        """Remove its container and its saved images."""
        self.erase(host)

    def boot(self, host: HostState, names: Mapping[str, str]) -> None:
        """Start the host's container, and create it if there is none."""
        name = self._name(host)
        if not self._ask("ps", "--all", "--quiet", f"--filter=name=^/?{name}$"):
            self._call(*self._create_argv(host))
        self._call("cp", "-", f"{name}:/", stdin=image.seed(self._seed(host), self._paths.key))
        self._call("start", name)
        if not self.is_started(host):
            log = tail(self._ask("logs", name))
            raise HomeportError(f"cannot boot {host.name}: its container ended", output=log)
        password = f"operator:{self._state.sudo_password}\n".encode()
        self._call("exec", "--interactive", name, "chpasswd", stdin=password)
        self.set_names(host, names)

    def reboot(self, host: HostState) -> None:
        """Restart its container: an engine takes a guest's own reboot for its end."""
        self._call("restart", self._name(host))

    def cut_power(self, host: HostState) -> None:
        """Kill its container."""
        if self.leader(host) is not None:
            self._call("kill", self._name(host))

    def is_started(self, host: HostState) -> bool:
        """Tell whether its container runs."""
        return self.leader(host) is not None

    def leader(self, host: HostState) -> int | None:
        """Return what the engine says; outside Linux it means no more than "on"."""
        with contextlib.suppress(HomeportError):
            return int(self._ask("inspect", "--format={{.State.Pid}}", self._name(host))) or None
        return None

    def start_time(self, host: HostState) -> float:
        """Return when its container was started, as the engine's clock has it."""
        # Source: docker-inspect(1): RFC 3339 with nanoseconds, which datetime does not take.
        text = self._ask("inspect", "--format={{.State.StartedAt}}", self._name(host))
        seconds, _, fraction = text.rstrip("Z").partition(".")
        started = datetime.fromisoformat(f"{seconds}.{fraction[:6].ljust(6, '0')}+00:00")
        return started.timestamp()

    def uptime_s(self, host: HostState) -> float:
        """Return the age of its container's run."""
        return time.time() - self.start_time(host)

    def memory_bytes(self, host: HostState) -> int:
        """Return what its control group counts; 0 where the engine's machine does not count."""
        with contextlib.suppress(HomeportError):
            counted = self._ask("exec", self._name(host), "cat", "/sys/fs/cgroup/memory.current")
            return int(counted)
        return 0

    def command(self, host: HostState, argv: Sequence[str]) -> list[str]:
        """Return the engine's own command for it."""
        return [self._engine, "exec", "--interactive", self._name(host), *argv]

    def endpoint(self, host: HostState, port: int) -> tuple[str, int]:
        """Return where the engine publishes the port; nowhere while the host is off."""
        if self.leader(host) is None:
            return host.address, port
        published = self._ask("port", self._name(host), f"{port}/tcp").splitlines()[0]
        address, _, number = published.rpartition(":")
        return address, int(number)

    def root(self, host: HostState) -> Path:
        """Refuse: an engine keeps its disks to itself."""
        raise HomeportError(
            f"cannot look at the files of {host.name} from outside: its lab runs in {self._engine}",
            hint="look from inside, or use a lab as root on Linux",
        )

    def clear(self, host: HostState) -> None:
        """Remove its container; the next boot makes a new one."""
        if self._ask("ps", "--all", "--quiet", f"--filter=name=^/?{self._name(host)}$"):
            self._call("rm", "--force", "--volumes", self._name(host))

    def erase(self, host: HostState) -> None:
        """Remove its container and its saved images."""
        self.clear(host)
        if images := self._ask("images", "--quiet", self._saved(host)).split():
            self._call("rmi", "--force", *dict.fromkeys(images))

    def freeze(self, host: HostState, layer: str) -> None:
        """Save its container as an image."""
        change = f"--change=LABEL {self._label}"
        self._call("commit", change, self._name(host), f"{self._saved(host)}:{layer}")
        self.clear(host)

    def renew_keys(self, host: HostState) -> None:
        """Make other ssh keys; the next boot copies them in."""
        for key in (self._seed(host) / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        keys.make_host_keys(self._seed(host))

    def public_keys(self, host: HostState) -> Path:
        """Return the directory on this machine where its keys were made."""
        return self._seed(host)

    def set_names(self, host: HostState, names: Mapping[str, str]) -> None:
        """Rewrite /etc/hosts in place: an engine mounts it there, so it cannot be replaced."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
        text = "".join(f"{line}\n" for line in lines).encode()
        argv = ["sh", "-c", "cat > /etc/hosts"]
        self._call("exec", "--interactive", self._name(host), *argv, stdin=text)

    def _create_argv(self, host: HostState) -> list[str]:
        from_image = self._state.bases[host.suite]
        if host.layers:
            from_image = f"{self._saved(host)}:{host.layers[-1]}"
        argv = ["create", f"--name={self._name(host)}", f"--hostname={host.name}", *_SYSTEMD]
        argv += [f"--network={self._network}", f"--ip={host.address}", f"--label={self._label}"]
        argv += [f"--publish=127.0.0.1::{port}" for port in _PUBLISHED]
        if self._engine == "podman":
            argv += ["--systemd=always"]
        return [*argv, from_image, *_INIT]

    def _make_network(self) -> str:
        # An engine refuses subnets of its own; those of its machine it would take.
        used = network.used_networks() if shutil.which("ip") else []
        candidates = [IPv4Network(self._state.subnet)] if self._state.subnet else []
        candidates += registry.candidates()
        free = [net for net in candidates if not any(net.overlaps(other) for other in used)]
        for subnet in free[:_MAX_SUBNETS]:
            with contextlib.suppress(HomeportError):
                self._call("network", "create", f"--subnet={subnet}", self._network)
                return str(subnet)
        raise HomeportError(f"cannot start the lab: {self._engine} gives it no network")

    def _seed(self, host: HostState) -> Path:
        return self._paths.host(host.name) / "seed"

    def _name(self, host: HostState) -> str:
        return f"{self._network}-{host.name}"

    def _saved(self, host: HostState) -> str:
        return f"homeport-lab/{self._state.lab_id}-{host.name}"

    def _ask(self, *argv: str) -> str:
        return self._call(*argv).strip()

    def _call(self, *argv: str, stdin: bytes | None = None) -> str:
        return call([self._engine, *argv], stdin=stdin, purpose=f"use {self._engine}")
