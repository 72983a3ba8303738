"""Settings of the whole host, except those that others made."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, ClassVar, Dict, Iterable, Iterator, List, Mapping, Tuple

from provisioning.agent.claims import PATH, Claim
from provisioning.agent.machine.system import FILE, System
from provisioning.agent.resource import Change, Resource, State, normalise

INI, SYSCTL, APT = "ini", "sysctl", "apt"
"""How a file is written. Source: systemd.syntax(7), sysctl.conf(5), apt.conf(5)."""


LEFT = "to leave to others"
"""Name, in the state, of settings that others changed after Homeport."""


@dataclass(frozen=True)
class Settings(Resource):
    """Have a file with settings of the host, each of which no other file sets.

    What somebody has set elsewhere is theirs, and is left; where Homeport would have set something
    else, that is said once.

    Args:
        path: The file, absolute.
        syntax: "ini", "sysctl" or "apt".
        head: Lines above the settings: the mark, and a section's name.
        values: Name -> value.
        others: Files and directories in which others make such settings.
        override: Set them whatever others say; where a file of theirs is read after this one and
            wins all the same, that is said.
    """

    kind: ClassVar[str] = "settings"

    path: str
    syntax: str
    head: str
    values: Mapping[str, str] = field(default_factory=dict)
    others: Tuple[str, ...] = ()
    override: bool = False

    def __post_init__(self) -> None:
        normalise(self, values=dict(self.values), others=tuple(self.others))

    @property
    def name(self) -> str:
        return self.path

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {**self.values, LEFT: "", "head": self.head, "mode": "root root 0644"}

    def actual(self, system: System) -> State:
        found = system.stat(self.path)
        text = system.read(self.path).decode(errors="replace") if found else ""
        ours, theirs = dict(parse(self.syntax, text)), self._of_others(system)
        state: Dict[str, str] = {}
        if self.override:
            self._say_what_wins(system)
        for name, value in self.values.items():
            if name in theirs:
                self._say(system, name, value, *theirs[name])
            state[name] = value if name in theirs else ours.get(name, "")
        state[LEFT] = " ".join(name for name in self.values if name in theirs and name in ours)
        # Where all are others' there is no file.
        if found is None and set(theirs) >= set(self.values):
            return self.desired()
        is_file = found is not None and found.type == FILE
        return {
            **state,
            "head": self.head if is_file and text.startswith(self.head) else "",
            "mode": f"{found.owner} {found.group} {found.mode}" if found else "",
        }

    def _of_others(self, system: System) -> Dict[str, Tuple[str, str]]:
        """Return what others have set to something else: name -> file and value.

        To say the same once more changes nothing, and it stays so when theirs goes.
        """
        return {} if self.override else self._set_in(self._files(system), system)

    def _set_in(self, files: Iterable[str], system: System) -> Dict[str, Tuple[str, str]]:
        found: Dict[str, Tuple[str, str]] = {}
        for path in files:
            text = system.read(path).decode(errors="replace")
            found.update({name: (path, value) for name, value in parse(self.syntax, text)})
        return {name: there for name, there in found.items() if there[1] != self.values.get(name)}

    def _say_what_wins(self, system: System) -> None:
        later = [path for path in self._files(system) if self._is_read_after(path)]
        for name, (path, there) in self._set_in(later, system).items():
            if name in self.values:
                system.say_once(
                    f"{self.id} {name}",
                    f"{path} sets {name} to {there} and is read after {self.path}: `override` "
                    "has no effect on it; remove it there, or give the file a name that sorts "
                    f"before {os.path.basename(self.path)}",
                )

    def _is_read_after(self, path: str) -> bool:
        """Tell by the name. Source: systemd.syntax(7), sysctl.d(5), apt.conf(5)."""
        folder, name = os.path.split(path)
        if os.path.basename(folder) == os.path.basename(os.path.dirname(self.path)):
            return name > os.path.basename(self.path)
        # Of apt the main file comes last; of the others it comes first.
        return self.syntax == APT

    def _files(self, system: System) -> Iterator[str]:
        for path in self.others:
            names = system.list(path)
            for each in [os.path.join(path, name) for name in names] if names else [path]:
                if each != self.path and os.path.basename(each)[:1] != ".":
                    yield each

    def _say(self, system: System, name: str, value: str, path: str, there: str) -> None:
        system.say_once(
            f"{self.id} {name}",
            f"{path} sets {name} to {there}, where Homeport would set {value}; Homeport leaves "
            "it as it is",
        )

    def apply(self, system: System, change: Change) -> None:
        theirs = self._of_others(system)
        lines = [
            write(self.syntax, name, value)
            for name, value in self.values.items()
            if name not in theirs
        ]
        if lines:
            system.write(self.path, (self.head + "\n".join(lines) + "\n").encode())
        else:
            system.remove(self.path)


def write(syntax: str, name: str, value: str) -> str:
    """Return the line that makes a setting."""
    if syntax == APT:
        return f'{name} "{value}";'
    return f"{name} = {value}" if syntax == SYSCTL else f"{name}={value}"


def parse(syntax: str, text: str) -> List[Tuple[str, str]]:
    """Return the settings of a text, name and value, in order."""
    return list(_PARSERS[syntax](text))


def _ini(text: str) -> Iterator[Tuple[str, str]]:
    for line in text.splitlines():
        found = re.match(r"\s*([A-Za-z]\w*)\s*=\s*(.*?)\s*$", line)
        if found:
            yield found[1], found[2]


def _sysctl(text: str) -> Iterator[Tuple[str, str]]:
    for line in text.splitlines():
        # A leading "-" has errors ignored; slashes may stand for dots.
        found = re.match(r"\s*-?\s*([\w./*-]+?)\s*=\s*(.*?)\s*$", line)
        if found:
            yield found[1].replace("/", "."), found[2]


_APT_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|#[^\n]*|"([^"]*)"|([{};])|([^\s{};"]+)', re.DOTALL)


def _apt(text: str) -> Iterator[Tuple[str, str]]:
    scopes: List[str] = []
    words: List[str] = []
    for found in _APT_TOKEN.finditer(text):
        quoted, sign, word = found.groups()
        if sign == "{":
            scopes.append("::".join(words))
            words = []
        elif sign:
            if len(words) > 1:
                yield "::".join([*filter(None, scopes), *words[:-1]]), words[-1]
            words = []
            if sign == "}" and scopes:
                scopes.pop()
        elif quoted is not None or word is not None:
            words.append(quoted if quoted is not None else word)


_PARSERS: Mapping[str, Callable[[str], Iterator[Tuple[str, str]]]] = {
    INI: _ini,
    SYSCTL: _sysctl,
    APT: _apt,
}
