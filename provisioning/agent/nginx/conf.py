"""What others have nginx do: its configuration, read as text. No program is started for it.

Files that Homeport wrote are passed over: what matters is what stands beside them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple

from provisioning.agent import layout
from provisioning.agent.errors import AgentError

if TYPE_CHECKING:
    from provisioning.agent.machine.system import System

ROOT = "/etc/nginx"
MAIN = ROOT + "/nginx.conf"
ENTRIES = tuple(f"{ROOT}/{folder}/zz-homeport.conf" for folder in ("sites-enabled", "conf.d"))
"""Directories through which Homeport's sites can be added to an nginx.conf of others."""

ENTRY = "homeport"
"""Name of the directive that marks a place in which a file of ENTRIES is read."""

TOKEN = re.compile(
    r"""\s+|\#[^\n]*
    |(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>[;{}])
    |(?P<word>(?:[^\s;{\\]|\\.|(?<=\$){)+)""",
    re.DOTALL | re.VERBOSE,
)


def is_ours(text: bytes) -> bool:
    """Return whether a file's content was written by Homeport."""
    return layout.MARK in text.partition(b"\n")[0]


@dataclass(frozen=True)
class Directive:
    """One directive.

    Args:
        name, args: Its words, without quotes.
        path, line: Where it stands.
        blocks: The blocks around it, the outermost first: name and number of each.
    """

    name: str
    args: Tuple[str, ...]
    path: str
    line: int
    blocks: Tuple[Tuple[str, int], ...]

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Listen:
    """Where a server listens.

    Args:
        address: As written; "" for all of the family.
        port: The port.
        ipv6: Whether the address is one of IPv6.
        options: Further words.
        where: Where it stands.
    """

    address: str
    port: int
    ipv6: bool
    options: Tuple[str, ...]
    where: str

    @property
    def socket(self) -> str:
        """The port, and "v6" for IPv6: as in `Facts.nginx_taken`."""
        return f"{self.port}{'v6' if self.ipv6 else ''}"


@dataclass
class Server:
    """A server of another's.

    Args:
        protocol: "http", "stream" or "mail".
        where: Where it stands.
        entries: How many places of ENTRIES come before it.
        listens: Where it listens.
        names: Its names, and where they stand.
        says_where: Whether it says where it listens, be it elsewhere.
        is_encrypted: Whether it says `ssl on`, as nginx before 1.25.1 takes it.
    """

    protocol: str
    where: str
    entries: int
    listens: List[Listen] = field(default_factory=list)
    names: List[Tuple[str, str]] = field(default_factory=list)
    says_where: bool = False
    is_encrypted: bool = False


class Configuration:
    """nginx's configuration, without Homeport's part.

    Args:
        system: The host.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._blocks = 0
        self.unreadable: List[str] = []
        self.entries: List[str] = []
        """The files of ENTRIES that are read, in the order in which they would be."""
        self.user: Optional[Directive] = None
        self.http: Optional[Directive] = None
        self.modules: List[str] = []
        """The files of the modules that are loaded."""
        self._servers: Dict[Tuple[Tuple[str, int], ...], Server] = {}
        for each in self._file(MAIN, (), ()):
            self._take(each)
        self.servers = list(self._servers.values())
        for server in self.servers:
            if server.protocol == "http" and not server.says_where:
                server.listens.append(Listen("", 80, False, (), server.where))

    def _take(self, each: Directive) -> None:
        names = tuple(name for name, _ in each.blocks)
        if each.name == ENTRY:
            self.entries.append(each.args[0])
        elif each.name == "user" and not names:
            self.user = each
        elif each.name == "load_module" and each.args and not names:
            self.modules.append(each.args[0])
        elif each.name == "http" and not names:
            self.http = each
        elif each.name == "server" and names in (("http",), ("stream",), ("mail",)):
            server = Server(names[0], each.where, len(self.entries))
            self._servers[(*each.blocks, ("server", self._blocks + 1))] = server
        elif each.blocks in self._servers:
            _take_into(self._servers[each.blocks], each)

    def _file(
        self, path: str, blocks: Tuple[Tuple[str, int], ...], within: Tuple[str, ...]
    ) -> Iterator[Directive]:
        try:
            data = self._system.read(path)
        except (AgentError, OSError):
            self.unreadable.append(path)
            return
        # Of one that includes itself nginx would never see the end.
        if path in within or (is_ours(data) and path != MAIN):
            return
        text = data.decode(errors="replace")
        words: List[str] = []
        at, line, started, outside = 0, 1, 1, len(blocks)
        while at < len(text):
            token = TOKEN.match(text, at)
            # An unpaired quote: nginx refuses it.
            at, begin = (token.end() if token else at + 1), line
            line += token[0].count("\n") if token else 0
            if token is None or token.lastgroup is None:
                continue
            if token.lastgroup != "sign":
                started = started if words else begin
                words.append(token[0][1:-1] if token["quoted"] else token[0])
                continue
            if token[0] == "}":
                blocks = blocks[:-1] if len(blocks) > outside else blocks
            elif words:
                made = Directive(words[0], tuple(words[1:]), path, started, blocks)
                yield made
                if token[0] == "{" and made.name.endswith("_by_lua_block"):
                    after = _end_of_block(text, at)
                    line, at = line + text.count("\n", at, after), after
                elif token[0] == "{":
                    self._blocks += 1
                    blocks = (*blocks, (made.name, self._blocks))
                elif made.name == "include" and made.args:
                    yield from self._included(made, (*within, path))
            words = []

    def _included(self, include: Directive, within: Tuple[str, ...]) -> Iterator[Directive]:
        pattern = os.path.normpath(os.path.join(ROOT, include.args[0]))
        paths = self._expand(pattern)
        if [name for name, _ in include.blocks] == ["http"] and "*" in pattern:
            paths += [each for each in ENTRIES if fnmatchcase(each, pattern)]
        for path in sorted(dict.fromkeys(paths)):
            if path in ENTRIES:
                yield Directive(ENTRY, (path,), include.path, include.line, include.blocks)
            else:
                yield from self._file(path, include.blocks, within)

    def _expand(self, pattern: str) -> List[str]:
        """Return the files that a pattern leads to. Source: glob(3): none that starts with "."."""
        if not re.search(r"[*?[]", pattern):
            return [pattern]
        found = ["/"]
        for part in pattern.strip("/").split("/"):
            if re.search(r"[*?[]", part):
                found = [
                    os.path.join(folder, name)
                    for folder in found
                    for name in self._system.list(folder)
                    if fnmatchcase(name, part) and (name[0] != "." or part[0] == ".")
                ]
            else:
                found = [os.path.join(folder, part) for folder in found]
        return found


def _end_of_block(text: str, at: int) -> int:
    """Return where a block of Lua ends that begins here; braces in its strings are in pairs."""
    depth = 1
    for brace in re.finditer(r"[{}]", text[at:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return at + brace.end()
    return len(text)


def _take_into(server: Server, each: Directive) -> None:
    if each.name == "listen" and each.args:
        server.says_where = True
        server.listens += _listens(each)
    elif each.name == "server_name":
        server.names += [(name.lower(), each.where) for name in each.args]
    elif each.name == "ssl":
        server.is_encrypted = each.args == ("on",)


def _listens(directive: Directive) -> Iterator[Listen]:
    """Yield where a server listens. Source: nginx's documentation, "listen"."""
    written, options = directive.args[0], directive.args[1:]
    if written.startswith("unix:"):
        return
    ipv6 = written.startswith("[")
    address, _, ports = written.rpartition(":")
    if ipv6 and written.endswith("]"):
        address, ports = written, ""
    elif not address and not re.fullmatch(r"[\d-]+", ports):
        address, ports = ports, ""
    if address in ("*", "0.0.0.0", "[::]"):  # noqa: S104  # nosec B104 # read, not listened on
        address = ""
    first, _, last = (ports or "80").partition("-")
    if first.isdigit() and (last or first).isdigit():
        for port in (80, 443):
            if int(first) <= port <= int(last or first):
                yield Listen(address, port, ipv6, options, directive.where)
