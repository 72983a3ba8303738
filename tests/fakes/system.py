"""Stand-ins for `System`: this machine, but for what a test wants to be otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import FILE, LINK, Stat, System
from provisioning.agent.machine.systemd import UnitState


class QuietSystem(System):
    """A machine on which no program is started: it keeps what was to be.

    Args:
        loaded: Unit -> its states, as systemd has it.
        answer: Program and arguments -> what it prints.
    """

    def __init__(
        self,
        loaded: Mapping[str, tuple[str, str]] | None = None,
        answer: Callable[[Sequence[str]], str] = lambda argv: "",
    ) -> None:
        super().__init__()
        self.told: list[list[str]] = []
        self.loaded, self._answer = loaded or {}, answer

    def loaded_units(self) -> Mapping[str, tuple[str, str]]:
        return self.loaded

    def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        user: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout_s: float = 120,
        meanwhile: Callable[[], None] | None = None,
        each_line: Callable[[str], None] | None = None,
    ) -> Completed:
        self.told.append(list(argv))
        return Completed(0, self._answer(argv), "")

    def act(
        self,
        argv: Sequence[str],
        *,
        why: str,
        creates: Iterable[str] = (),
        installs: Iterable[str] = (),
        users: Iterable[Account] = (),
        groups: Iterable[Account] = (),
        units: Iterable[tuple[str, UnitState]] = (),
        hint: str = "",
        input: bytes | None = None,
        user: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout_s: float = 600,
    ) -> Completed:
        return self.run(argv)


class QuotaSystem(QuietSystem):
    """A host with the quota tools.

    Args:
        tool: The path of what reports.
        report: What it prints, or None where it fails.
    """

    def __init__(self, tool: str, report: str | None) -> None:
        super().__init__(answer=lambda argv: "/srv\n" if argv[0] == "findmnt" else report or "")
        self._tool, self._report = tool, report

    def stat(self, path: str) -> Stat | None:
        return Stat("file") if path == self._tool else super().stat(path)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        user: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout_s: float = 120,
        meanwhile: Callable[[], None] | None = None,
        each_line: Callable[[str], None] | None = None,
    ) -> Completed:
        done = super().run(argv)
        if argv[0] == self._tool and self._report is None:
            return Completed(1, "", "repquota: Mountpoint /srv not found or has no quota enabled.")
        return done


class WrittenSystem(System):
    """A host of which only some files matter, and the users that are named.

    Args:
        files: Path -> text; "-> target" is a link.
        users: Name -> account, instead of those of this machine; None leaves these.
    """

    def __init__(
        self, files: Mapping[str, str], users: Mapping[str, Account] | None = None
    ) -> None:
        super().__init__()
        self._files, self._users = files, users

    def read(self, path: str) -> bytes:
        text = self._files.get(path, "")
        if text.startswith("-> "):
            target = text[3:] if text[3] == "/" else f"{path}/../{text[3:]}"
            return self.read(os.path.normpath(target))
        return text.encode()

    def list(self, path: str) -> list[str]:
        inner = path.rstrip("/") + "/"
        below = [each[len(inner) :] for each in self._files if each.startswith(inner)]
        return sorted({each.partition("/")[0] for each in below})

    def stat(self, path: str) -> Stat | None:
        text = self._files.get(path)
        if text is None:
            return None
        return Stat(LINK, target=text[3:]) if text.startswith("-> ") else Stat(FILE)

    def user(self, name: str) -> Account | None:
        return super().user(name) if self._users is None else self._users.get(name)


class StrangerSystem(System):
    """A machine that has a user of whatever name, with this number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def user(self, name: str) -> Account | None:
        return Account(name, self._number)

    def group(self, name: str) -> Account | None:
        return Account(name, self._number)


class _OneApp(System):
    """A machine with an app's user and group, "hello".

    Args:
        uid: The user's number.
        gid: The group's.
    """

    def __init__(self, uid: int, gid: int) -> None:
        super().__init__()
        self._uid, self._gid = uid, gid

    def user(self, name: str) -> Account | None:
        return Account(name, self._uid) if name == "hello" else None

    def group(self, name: str) -> Account | None:
        return Account(name, self._gid) if name == "hello" else None

    def _name(self, kind: str, number: int) -> str:
        return "hello" if number == (self._uid if kind == "u" else self._gid) else str(number)


class AppSystem(_OneApp):
    """A machine where the app "hello" is a user."""


class CheckedAppSystem(_OneApp, Overlay):
    """The same in a check."""


class JournalSystem(System):
    """A machine whose journal holds these entries.

    Args:
        entries: The oldest first.
        longest: A line that is longer is cut, or given without its message.
        checkpoint: See `System`.
    """

    def __init__(
        self,
        *entries: Mapping[str, Any],
        longest: int,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(checkpoint=checkpoint)
        self.asked: list[Sequence[str]] = []
        self._longest = longest
        self._journal = [
            {"__CURSOR": f"c{number}", "__REALTIME_TIMESTAMP": f"{number}500000", **entry}
            for number, entry in enumerate(entries)
        ]

    def lines(self, argv: Sequence[str]) -> Iterator[bytes]:
        self.asked.append(argv)
        found = list(self._journal)
        for word in argv:
            if word.startswith("--after-cursor="):
                found = found[int(word.partition("=c")[2]) + 1 :]
            if word.startswith("--cursor="):
                found = found[int(word.partition("=c")[2]) :]
        if "--reverse" in argv:
            found.reverse()
        for entry in found:
            line = json.dumps(entry).encode() + b"\n"
            if len(line) > self._longest and "--all" in argv:
                # As `programs.lines` gives what is longer than its limit.
                line = line[: self._longest]
            elif len(line) > self._longest:
                line = json.dumps({**entry, "MESSAGE": None}).encode() + b"\n"
            yield line


class InstalledSystem(Overlay):
    """A machine with these packages, where all changes are imagined.

    Args:
        names: Of the packages.
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        self.dies = False
        """Whether a run is cut off as soon as apt has installed something."""

    def packages(self) -> Mapping[str, str]:
        return dict.fromkeys(self.names, "1.0")
