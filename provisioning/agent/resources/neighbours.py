"""Check that Homeport's sites fit next to other sites of the same nginx."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, Iterator, List, Mapping, Tuple

from provisioning.agent import layout
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.programs import CLEAN_ENVIRONMENT
from provisioning.agent.machine.system import System
from provisioning.agent.nginx.conf import MAIN, ROOT, Configuration, Listen, Server
from provisioning.agent.nginx.facts import NOWHERE
from provisioning.agent.resource import Change, Resource, State, differences, normalise
from provisioning.agent.resources.file_set import FileSet


@dataclass(frozen=True)
class Neighbours(Resource):
    """Have what others serve with this nginx leave room for our sites.

    It cannot be put right from here: who else is served must decide. It stands before all that
    changes something, so that a clash is told while the host is as it was.

    Args:
        label: The web server's name.
        names: Domain -> the file of ours in which it stands.
        ports: On which our servers listen.
        entry: See `Facts.nginx_beside`.
        files, absent, validate: What our set of files will be, where nginx.conf is another's: it
            is tested here already. See `FileSet`.
        notes: What a person should know whenever the set changes.
    """

    kind: ClassVar[str] = "neighbours"

    label: str
    names: Mapping[str, str]
    ports: Tuple[int, ...]
    entry: str = ""
    files: Mapping[str, Content] = field(default_factory=dict)
    absent: Tuple[str, ...] = ()
    validate: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        files = {path: as_blob(content) for path, content in self.files.items()}
        normalise(self, files=files, names=dict(self.names), ports=tuple(self.ports))
        normalise(self, absent=tuple(self.absent), notes=tuple(self.notes))
        normalise(self, validate=tuple(self.validate))

    @property
    def name(self) -> str:
        return self.label

    @property
    def _set(self) -> FileSet:
        return FileSet(self.label, ROOT, self.files, absent=self.absent, validate=self.validate)

    def blobs(self) -> Iterable[Blob]:
        return self._set.blobs()

    def missing(self, system: System) -> Iterable[Blob]:
        return self._set.missing(system)

    def desired(self) -> State:
        return {"in_the_way": None}

    def actual(self, system: System) -> State:
        read = Configuration(system)
        found = "\n".join(self._in_the_way(read, system))
        if self.files and not found:
            self._rehearse(system, read.unreadable)
        return {"in_the_way": found or None}

    def apply(self, system: System, change: Change) -> None:
        found = str(change["in_the_way"][0])
        number = len(found.splitlines())
        raise AgentError(
            "nginx serves other sites on this host in a way that conflicts with Homeport's: "
            + ("1 thing is" if number == 1 else f"{number} things are")
            + " in the way; nothing was changed",
            hint="change these lines, or the inventory, then run again",
            output=found,
        )

    def _in_the_way(self, found: Configuration, system: System) -> Iterator[str]:
        taken = _taken_by_default(found.servers, self.ports) if self.entry else {}
        if self.entry == NOWHERE:
            yield (
                f"{found.http.where if found.http else MAIN}: http includes neither "
                f"{ROOT}/sites-enabled/*.conf nor {ROOT}/conf.d/*.conf, through which sites are "
                "added"
            )
        elif self.entry:
            yield from self._workers_user(found, system)
        for server in found.servers:
            for listen in server.listens:
                if listen.port in self.ports:
                    yield from self._at_listen(server, listen)
            yield from self._at_names(server)
        for socket, server in taken.items():
            if server.entries >= len(found.entries) > 0:
                yield (
                    f"{server.where}: this server comes after Homeport's ({ROOT}/{self.entry}), "
                    f"and would no longer answer on port {socket.replace('v6', ' (IPv6)')} for "
                    "names that no site has: add default_server to its listen"
                )

    @staticmethod
    def _at_listen(server: Server, listen: Listen) -> Iterator[str]:
        if server.protocol != "http":
            yield f"{listen.where}: {server.protocol} listens on port {listen.port} already"
        elif listen.address and listen.address != "[::1]":
            yield (
                f"{listen.where}: listens on {listen.address}, port {listen.port}: connections "
                "to that address never reach sites that listen on all addresses, as Homeport's do"
            )
        elif "proxy_protocol" in listen.options:
            yield (
                f"{listen.where}: port {listen.port} accepts the PROXY protocol only, for all "
                "its sites; without it, Homeport's could not be reached"
            )
        elif listen.ipv6 and "ipv6only=off" in listen.options:
            yield (
                f"{listen.where}: accepts IPv4 on an IPv6 socket, which keeps other servers from "
                "listening on IPv4"
            )
        elif listen.port == 443 and "ssl" not in listen.options and not server.is_encrypted:
            yield (
                f"{listen.where}: port 443 without ssl, which Homeport's sites there would turn on"
            )

    def _at_names(self, server: Server) -> Iterator[str]:
        if server.protocol != "http" or not any(each.port in self.ports for each in server.listens):
            return
        for name, where in server.names:
            # ".example.com" is *.example.com and example.com.
            ours = name[1:] if name.startswith(".") else name
            if ours in self.names:
                yield (
                    f"{where}: server_name {name}, but {ours} belongs to Homeport, in "
                    f"{ROOT}/{self.names[ours]}; nginx would use one and ignore the other"
                )

    @staticmethod
    def _workers_user(found: Configuration, system: System) -> Iterator[str]:
        """Yield why the workers could not reach the apps: their sockets are for one group."""
        if found.user is None or not found.user.args:
            return
        user = found.user.args[0]
        group, account = layout.WEB_USER, system.user(user)
        if user == "root" or account is None or group in (account.group, *account.groups):
            return
        yield (
            f"{found.user.where}: nginx's workers run as {user}, who is not in the group "
            f"{group}, to which the apps' sockets belong: usermod --append --groups {group} "
            f"{user}"
        )

    def _rehearse(self, system: System, unreadable: List[str]) -> None:
        """Have nginx read its configuration as it would be with ours in it.

        Raises:
            AgentError: nginx refuses it.
        """
        made = self._set
        change = differences(made.desired(), made.actual(system))
        if not change or shutil.which(self.validate[0], path=CLEAN_ENVIRONMENT["PATH"]) is None:
            return
        system.notes += self.notes
        if unreadable:
            system.notes.append(
                f"users other than root can write {', '.join(unreadable)}, which nginx reads: "
                "the names there were not compared with Homeport's"
            )
        try:
            made.test(system, change)
        except AgentError as error:
            raise AgentError(
                "nginx would refuse its configuration with Homeport's sites in it; nothing was "
                "changed",
                hint="change these lines, then run again: docs/hosts-in-use.md",
                output=error.output or error.message,
            ) from None


def _taken_by_default(servers: List[Server], ports: Tuple[int, ...]) -> Dict[str, Server]:
    """Return the sockets whose default server is only the first of several: it, by socket."""
    first: Dict[str, Server] = {}
    said = set()
    for server in servers:
        for listen in server.listens if server.protocol == "http" else ():
            if listen.port in ports and not listen.address:
                first.setdefault(listen.socket, server)
                if {"default_server", "default"} & set(listen.options):
                    said.add(listen.socket)
    return {socket: server for socket, server in first.items() if socket not in said}
