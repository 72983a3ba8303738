"""Real hosts by systemd-nspawn: overlayfs for the disk, a network namespace per host."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab import base, cgroups, guest, keys, machine, network, registry, seed
from provisioning.lab.drivers import nspawn_command, traces
from provisioning.lab.layers import Disk
from provisioning.lab.processes import call
from provisioning.lab.state import HostState, LabPaths, LabState
from provisioning.lab.supervisor import start_relay, start_supervised


class NspawnDriver:
    """Hosts of one lab on a Linux machine, as root.

    Args:
        paths: Where the lab's files lie.
        state: What the lab knows of itself; subnet and bases are filled in here.
        say: Told in one line about what takes long.
    """

    has_acme = True

    def __init__(self, paths: LabPaths, state: LabState, say: Callable[[str], None]) -> None:
        self._paths = paths
        self._state = state
        self._say = say

    def start_lab(self, suites: Sequence[str]) -> None:
        """Have programs, root file systems, network, and the lab's authority ready."""
        machine.install_programs(self._say)
        traces.remove_orphans()
        for suite in suites:
            # Hosts stay on the base they were made with, as long as the cache has it.
            if not Path(self._state.bases.get(suite, "/nonexistent")).is_dir():
                self._state.bases[suite] = str(base.ensure(suite, self._say))
        lab_id = self._state.lab_id
        subnet = registry.enter(
            lab_id, self._paths.directory, self._state.subnet, self._foreign_networks()
        )
        self._state.subnet = str(subnet)
        network.set_up(lab_id, subnet)
        for chain in network.dropping_chains():
            self._say(
                f"this machine's firewall drops what it forwards (chain {chain}):"
                f" the hosts may not reach the package index unless it lets {subnet} through"
            )
        if not network.resolvers()[0]:
            self._start_relay()
        keys.make_authority(self._paths.authority, f"Homeport lab {lab_id}")
        for suite in suites:
            root = Path(self._state.bases[suite])
            seed.make_trust(self._paths.trust / suite, root, self._paths.authority / "ca.pem")

    def stop_lab(self) -> None:
        """Remove everything that carries the lab's id, and every mount in its directory."""
        traces.remove(self._state.lab_id, self._paths.directory)

    def create(self, host: HostState) -> None:
        """Write the host's own layer."""
        directory = self._paths.host(host.name)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        seed.make(
            self._seed(host),
            Path(self._state.bases[host.suite]),
            host,
            user_key=self._paths.key,
            password=self._state.sudo_password,
            nameservers=network.resolvers()[0] or [self._state.gateway],
        )

    def remove(self, host: HostState) -> None:
        """End it, and remove its disk, its namespace and its directory."""
        self.cut_power(host)
        self._disk(host).erase()
        network.disconnect(self._state.lab_id, host.name)
        shutil.rmtree(self._paths.host(host.name))

    def boot(self, host: HostState, names: Mapping[str, str]) -> None:
        """Start systemd-nspawn under a supervisor of its own."""
        # What a dead supervisor may have left behind.
        self.cut_power(host)
        lab_id = self._state.lab_id
        network.connect(lab_id, self._state.network, host.name, host.number, host.address)
        root = self.root(host)
        seed.set_names(root, names)
        cgroups.make(self._group(host))
        cgroups.make(self._supervisor_group(host))
        start_supervised(
            nspawn_command.boot(
                root,
                machine=network.namespace(lab_id, host.name),
                hostname=host.name,
                namespace=network.namespace_path(lab_id, host.name),
            ),
            stays=self._supervisor_group(host),
            group=self._group(host),
            log=self._paths.host(host.name) / "console.log",
            env=nspawn_command.ENV,
        )

    def reboot(self, host: HostState) -> None:
        """Ask the guest; its supervisor boots it again."""
        argv = ["systemctl", "--no-block", "reboot"]
        call(self.command(host, argv), purpose=f"reboot {host.name}")

    def cut_power(self, host: HostState) -> None:
        """Kill all its processes and wipe off what systemd-nspawn would have."""
        # The supervisor first, or it might boot what is being switched off.
        cgroups.kill(self._supervisor_group(host))
        cgroups.kill(self._group(host))
        name = network.namespace(self._state.lab_id, host.name)
        traces.remove_nspawn_files(name, self._disk(host).root)

    def is_started(self, host: HostState) -> bool:
        """Tell whether its supervisor lives: it ends with the host, but not over a reboot."""
        return bool(cgroups.processes(self._supervisor_group(host)))

    def leader(self, host: HostState) -> int | None:
        """Return the one process of the guest that is PID 1 in there."""
        # systemd-nspawn puts the guest below `payload`, and itself below `supervisor`.
        for process in cgroups.processes(self._group(host) / "payload"):
            if guest.is_first_process(process):
                return process
        return None

    def start_time(self, host: HostState) -> float:
        """Return when its PID 1 started, counted from this machine's own boot."""
        leader = self.leader(host)
        if leader is None:
            raise HomeportError(f"cannot find when {host.name} was booted: the host is off")
        return guest.start_time_s(leader)

    def uptime_s(self, host: HostState) -> float:
        """Return the age of its PID 1."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.start_time(host)

    def memory_bytes(self, host: HostState) -> int:
        """Return the memory of all its processes, and of systemd-nspawn."""
        return guest.memory_bytes(cgroups.processes(self._group(host)))

    def command(self, host: HostState, argv: Sequence[str]) -> list[str]:
        """Return a command that enters the guest's namespaces."""
        leader = self.leader(host)
        if leader is None:
            raise HomeportError(f"cannot run {argv[0]} on {host.name}: the host is off")
        return nspawn_command.enter(leader, argv)

    def endpoint(self, host: HostState, port: int) -> tuple[str, int]:
        """Return the port itself: this machine is in the hosts' network."""
        return host.address, port

    def root(self, host: HostState) -> Path:
        """Return the mounted disk."""
        disk = self._disk(host)
        disk.mount(host.layers, host.disk_size_mb)
        return disk.root

    def clear(self, host: HostState) -> None:
        """Forget the written layer."""
        self._disk(host).clear()

    def erase(self, host: HostState) -> None:
        """Forget all layers but the base and the host's own."""
        self._disk(host).erase()

    def freeze(self, host: HostState, layer: str) -> None:
        """Turn the written layer into a read-only one."""
        self._disk(host).freeze(layer)

    def renew_keys(self, host: HostState) -> None:
        """Write other ssh keys into the host's own layer."""
        self._disk(host).unmount()
        for key in (self._seed(host) / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        keys.make_host_keys(self._seed(host))

    def public_keys(self, host: HostState) -> Path:
        """Return the host's own layer."""
        return self._seed(host)

    def set_names(self, host: HostState, names: Mapping[str, str]) -> None:
        """Write the lab's part of the host's /etc/hosts."""
        seed.set_names(self.root(host), names)

    def _foreign_networks(self) -> list[IPv4Network]:
        own = IPv4Network(self._state.subnet) if self._state.subnet else None
        return [used for used in network.used_networks() if used != own]

    def _start_relay(self) -> None:
        group = cgroups.lab_group(self._state.lab_id) / "dns.relay"
        if not cgroups.processes(group):
            local = network.resolvers()[1]
            start_relay(
                self._state.gateway,
                local[0] if local else "127.0.0.1",
                group=group,
                log=self._paths.directory / "relay.log",
            )

    def _group(self, host: HostState) -> Path:
        return cgroups.lab_group(self._state.lab_id) / host.name

    def _supervisor_group(self, host: HostState) -> Path:
        return cgroups.lab_group(self._state.lab_id) / f"{host.name}.supervisor"

    def _seed(self, host: HostState) -> Path:
        return self._paths.host(host.name) / "seed"

    def _disk(self, host: HostState) -> Disk:
        trust = self._paths.trust / host.suite
        lower = [self._seed(host), trust, Path(self._state.bases[host.suite])]
        return Disk(self._paths.host(host.name), lower)
