"""What every command that works on hosts needs: inventory, hosts, connections, a sink."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning.cli.options import Options
from provisioning.errors import ConfigurationError
from provisioning.hosts.fleet import Fleet
from provisioning.hosts.host import Mode, Place, RemoteHost
from provisioning.inventory import Inventory, load
from provisioning.render import use_templates_of
from provisioning.report import Sink, exit_code, make_sink
from provisioning.secrets import REDACTOR, EnvSource, Secret, fetch_secrets
from provisioning.transport import Address, AskOnce, Channel, Counters, HostKeyPolicy, connect
from provisioning.transport.login.prompt import ask_secret

if TYPE_CHECKING:
    from provisioning.inventory.models.host import Host
    from provisioning.lab.state import LabPaths, LabState
    from provisioning.transport import Connection

LAB = "lab"
"""The environment whose hosts `fab lab.up` starts."""

LAB_DIRECTORY = ".homeport/lab"


def project_directory() -> Path:
    """Return the folder of the fabfile: here or above, as `fab` itself looks for it."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / "fabfile.py").is_file() or (directory / "fabfile").is_dir():
            return directory
    return here


class CommandContext:
    """The stage of one command.

    Args:
        options: What the person said.
    """

    def __init__(self, options: Options) -> None:
        if options.parallel < 1:
            raise ConfigurationError(f"--parallel {options.parallel}: at least one host at a time")
        self.options = options
        self.project = project_directory()
        use_templates_of(self.project)
        self.inventory, self._ssh_config = _with_lab(
            load(self.project, options.env or None), self.project
        )
        self.hosts = self._hosts()
        if not self.hosts:
            raise ConfigurationError(
                f"there are no hosts in {self.inventory.environment}",
                hint="fab lab.up" if self.inventory.environment == LAB else "add [hosts.<name>]",
            )
        self.sink: Sink = make_sink(json=options.json, diff=options.diff, check=options.check)
        _mask_environment(self.inventory)
        if self.inventory.environment == LAB:
            names = _names_without_host(self.inventory, self.project)
            if names:
                self.sink.note(
                    f"the names {', '.join(names)} point to no host of the lab: run fab lab.up "
                    "again"
                )
        self._asked = AskOnce(self._ask_password)
        self._connections: list[Connection] = []

    def _hosts(self) -> tuple[Host, ...]:
        """Return the hosts of -H, else those of --limit, else all of the environment."""
        if not self.options.hosts:
            return self.inventory.select([self.options.limit] if self.options.limit else [])
        return tuple(self._named(text) for text in dict.fromkeys(self.options.hosts))

    def _named(self, text: str) -> Host:
        """Return a host of -H: one of the inventory, or any that can be connected to."""
        from provisioning.inventory.models.host import Host

        address = Address.parse(text)
        known = [
            host
            for host in self.inventory.hosts.values()
            if address.name in (host.name, host.address)
        ]
        host = known[0] if known else Host(name=address.name, address=address.address)
        changes: dict[str, Any] = {}
        if address.user:
            changes["user"] = address.user
        if address.port:
            changes["port"] = address.port
        return host.model_copy(update=changes)

    def run(self, host: Host) -> RemoteHost:
        """Return a host's run; it connects when it is first used."""
        connections: list[Connection] = []

        def open_channel(command: str) -> Channel:
            # One that was lost is replaced: a run in the background can be come back to.
            if not connections or not connections[-1].alive:
                connections.append(self._connect(host))
                self._connections.append(connections[-1])
            return connections[-1].open(command, sudo=True)

        def counters() -> Counters:
            return sum((each.counters for each in connections), Counters())

        def place() -> Place:
            login = connections[-1].login
            is_direct = not (login.proxy_jump or login.proxy_command)
            return Place(login.host if is_direct else "", login.port)

        return RemoteHost(
            host.name,
            open_channel,
            counters=counters,
            sink=self.sink,
            mode=Mode(
                self.options.check,
                self.options.diff,
                self.inventory.owner,
                (*host.adopt, *self.options.adopted),
            ),
            place=place,
        )

    def fleet(self, hosts: Sequence[Host]) -> Fleet:
        """Return the runs of several hosts."""
        return Fleet([self.run(host) for host in hosts], self.options.parallel)

    def _connect(self, host: Host) -> Connection:
        ssh = self.inventory.ssh
        config = self._ssh_config
        if config is None and ssh.config_file:
            config = self.inventory.local_path(ssh.config_file)
        identities = []
        if host.identity_file:
            identities.append(self.inventory.local_path(host.identity_file))
        new = self.options.accept_new_host_keys
        options: dict[str, Any] = {
            "ssh_config": config,
            "identities": identities,
            "ask_passphrase": self._ask_passphrase,
            "connect_timeout_s": ssh.connect_timeout_s,
            "known_hosts": self.inventory.local_path(ssh.known_hosts) if ssh.known_hosts else None,
        }
        # What stands on the command line is nearer to the person than the inventory.
        options.update(self.options.connect)
        if "sudo_password" not in options:
            options["sudo_password"] = self._sudo_password(host)
        return connect(
            Address(host.name, host.address, host.user, host.port),
            policy=HostKeyPolicy.ACCEPT_NEW if new else HostKeyPolicy.STRICT,
            **options,
        )

    def _sudo_password(self, host: Host) -> Secret | Callable[[], Secret | None]:
        if host.sudo_password is None:
            return self._asked
        fetched = fetch_secrets(
            {"sudo_password": host.sudo_password},
            of=f"hosts.{host.name}",
            directory=self.inventory.path.parent,
        )
        for warning in fetched.warnings:
            self.sink.note(f"warning: {warning}", host.name)
        return fetched.values["sudo_password"]

    def _ask_password(self) -> Secret | None:
        with self.sink.paused():
            return ask_secret("sudo password: ")

    def _ask_passphrase(self, path: Path) -> Secret | None:
        with self.sink.paused():
            return ask_secret(f"passphrase of {path}: ")

    @property
    def authority(self) -> str:
        """PEM of the authority of the lab, which this machine need not trust; "" elsewhere."""
        from provisioning.lab import Lab

        lab = Lab.find(self.project / LAB_DIRECTORY) if self.inventory.environment == LAB else None
        return lab.acme.root_certificate.decode() if lab else ""

    def close(self) -> None:
        """Close all connections; agents end by themselves then. Callable from any thread."""
        for connection in list(self._connections):
            connection.close()

    def end(
        self,
        runs: Sequence[RemoteHost],
        *,
        exit_code_on_change: bool = False,
        conclusion: str = "",
        next: Sequence[str] = (),
    ) -> int:
        """Close everything, print the summary, and return the exit code."""
        reports = [run.end() for run in runs]
        self.close()
        self.sink.end(reports, conclusion=conclusion, next=next)
        return exit_code(reports, check=self.options.check, exit_code_on_change=exit_code_on_change)


def _mask_environment(inventory: Inventory) -> None:
    """Mask secrets that stand in our own environment, also where a command does not need them.

    A role of the person's own runs in this process, and its errors may show `os.environ`.
    """
    sources: list[object] = [
        source for app in inventory.apps.values() for source in app.secrets.values()
    ]
    sources += [source for app in inventory.apps.values() for source in app.basic_auth.values()]
    sources += [source for app in inventory.apps.values() for source in app.build_secrets.values()]
    sources += [hook.webhook for app in inventory.apps.values() for hook in app.hooks]
    passwords = [host.sudo_password for host in inventory.hosts.values()]
    for source in (*sources, *passwords):
        if isinstance(source, EnvSource):
            REDACTOR.add(os.environ.get(source.env, ""))


def _names_without_host(inventory: Inventory, project: Path) -> list[str]:
    """Return the names of apps that lead nowhere in the lab."""
    lab = _lab_state(_lab_paths(project))
    known = lab.domains if lab else {}
    names = [domain for app in inventory.apps.values() for domain in app.names]
    return [name for name in dict.fromkeys(names) if name not in known]


def _with_lab(inventory: Inventory, project: Path) -> tuple[Inventory, Path | None]:
    """Put the lab's hosts and its authority into the environment that describes it.

    Returns:
        The inventory, and the ssh_config that leads to the lab's hosts.
    """
    if inventory.environment != LAB:
        if inventory.tls.is_lab:
            raise ConfigurationError(
                'directory_url = "lab" in [tls] works in the environment "lab" only, not in '
                f'"{inventory.environment}"',
                hint=f"name the file inventory/{LAB}.toml, and pass --env {LAB}",
            )
        return inventory, None
    paths = _lab_paths(project)
    lab = _lab_state(paths)
    if lab is None:
        raise ConfigurationError("the lab is not up", hint="fab lab.up")
    pattern = next(iter(inventory.hosts.values()))
    hosts = {}
    for name in lab.hosts:
        named = inventory.hosts.get(name)
        host = named or pattern.model_copy(update={"name": name, "address": name})
        # The lab leads a name to one of its hosts: others are behind it where the file says so.
        peer = named.peer_address if named else None
        hosts[name] = host.model_copy(update={"peer_address": peer or "off"})
    inventory = inventory.with_hosts(hosts)
    if inventory.tls.is_lab:
        inventory = inventory.with_acme_directory(lab.acme_directory_url)
    return inventory, paths.ssh_config


def _lab_paths(project: Path) -> LabPaths:
    from provisioning.lab.state import LabPaths

    return LabPaths((project / LAB_DIRECTORY).resolve())


def _lab_state(paths: LabPaths) -> LabState | None:
    # Its state only: the lab itself makes certificates, and is slow to import.
    from provisioning.lab.state import read

    return read(paths)
