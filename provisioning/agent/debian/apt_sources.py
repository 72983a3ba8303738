"""apt's package sources: which of them apt cannot read, and how to run apt without those.

A source that does not answer costs only what it has. But where apt cannot read a file in which
sources are named it does nothing at all; so it is given copies of the others, for this run.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Set, Tuple

from provisioning.agent import layout
from provisioning.agent.machine import files
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

MAIN = "/etc/apt/sources.list"
PARTS = "/etc/apt/sources.list.d"
DEBIANS = (f"{PARTS}/debian.sources", MAIN)
"""Where Debian's own are named. Source: sources.list(5)."""

_UNREADABLE = "The list of sources could not be read"
# Source: apt's apt-pkg/sourcelist.cc, deb/debmetaindex.cc, tagfile.cc.
_PLACE = re.compile(r"(?P<file>/\S+\.(?:list|sources))\b")
_LINE = re.compile(r"(?:on line|entry|\()\s*(?P<line>\d+)\b")
_CONFLICT = re.compile(r"Conflicting values set for option \S+ regarding source (?P<uri>\S+)")
_MOST_TRIES = 20

_said: Set[str] = set()


@dataclass(frozen=True)
class Entry:
    """A source as a file names it.

    Args:
        file: The file.
        line: Which line of it.
        uri: Where its packages are.
        suites: Which of them: "bookworm", or a folder of it, "./".
    """

    file: str
    line: int
    uri: str
    suites: Tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def options(system: System) -> Tuple[str, ...]:
    """Return the options that make apt-get or apt-cache ignore what it cannot read."""
    if not system.unreadable_sources:
        return ()
    os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
    copies = os.path.join(layout.RUNTIME, "apt-sources")
    files.remove_if_there(copies)
    parts = os.path.join(copies, os.path.basename(PARTS))
    files.make_directory(parts, 0o700)
    main = os.path.join(copies, os.path.basename(MAIN))
    for path, copy in (
        (MAIN, main),
        *((each, each.replace(PARTS, parts)) for each in _parts(system)),
    ):
        text = _readable(path, system)
        files.write(copy, text.encode("utf-8", "surrogateescape"), 0o600)
    return ("-o", f"Dir::Etc::sourcelist={main}", "-o", f"Dir::Etc::sourceparts={parts}",
            # What is known of the others stays. Source: apt.conf(5).
            "-o", "APT::Get::List-Cleanup=0")  # fmt: skip


def leave_out(done: Completed, system: System) -> bool:
    """Do without what apt could not read, from now on; return whether it is worth another try."""
    text = done.stdout + done.stderr
    if _UNREADABLE not in text or len(system.unreadable_sources) >= _MOST_TRIES:
        return False
    reason = next((line for line in text.splitlines() if line.startswith("E: ")), "")
    found = set(_unreadable(reason, system)) - system.unreadable_sources
    for file, line in sorted(found):
        where = f"{file}:{line}" if line else file
        words = reason[len("E: ") :]
        warn(
            system, f"{where} is ignored: apt cannot read it, and refuses to work with it ({words})"
        )
    system.unreadable_sources |= found
    return bool(found)


def in_trouble(done: Completed, system: System) -> List[str]:
    """Return which sources apt could not fetch the lists of: place and reason, each source once."""
    troubles: Dict[str, str] = {}
    known = _entries(system)
    lines = (done.stdout + done.stderr).splitlines()
    for line, next_line in zip(lines, [*lines[1:], ""]):
        if not line.startswith(("E: ", "W: ", "Err:")):
            continue
        # What comes first is the cause: that a list is not signed may follow from it.
        reason = next_line.strip() if next_line.startswith("  ") else ""
        reason = line[len("E: ") :] if line.startswith(("E: ", "W: ")) else reason
        for entry in known:
            if _is_about(line, entry):
                troubles[entry.place] = troubles.get(entry.place) or reason
    return [f"{place} ({reason})" if reason else place for place, reason in troubles.items()]


def warn(system: System, text: str) -> None:
    """Tell a person of sources in trouble: once, by whatever in this conversation they are met."""
    if text not in system.troubled_sources:
        system.troubled_sources.append(text)
    if text not in _said:
        _said.add(text)
        system.notes.append(f"warning: {text}")


def _is_about(line: str, entry: Entry) -> bool:
    """Return whether apt speaks of a source: of "<uri> <suite> ...", or of a file below it."""
    if entry.uri.startswith("cdrom:"):
        return "cdrom:" in line
    uri = re.escape(entry.uri.rstrip("/"))
    named = [re.escape(each) for each in entry.suites if not each.endswith("/")]
    suites = rf"/?(?:\s|/?dists/)(?:{'|'.join(named)})(?=[/\s'])" if named else r"(?=[/\s'])"
    return re.search(uri + suites, line) is not None


def _unreadable(reason: str, system: System) -> Iterator[Tuple[str, int]]:
    """Yield the places that apt has named: file and line, or 0 for all of the file."""
    conflict = _CONFLICT.search(reason)
    if conflict:
        uri = conflict["uri"].rstrip("/")
        same = [each for each in _entries(system) if each.uri.rstrip("/") == uri]
        kept = next((each for name in DEBIANS for each in same if each.file == name), None)
        for entry in same:
            if entry != (kept or same[0]) and entry.file not in DEBIANS:
                yield entry.file, entry.line if entry.file.endswith(".list") else 0
        return
    place = _PLACE.search(reason)
    if place:
        file = os.path.join(PARTS, os.path.basename(place["file"]))
        file = MAIN if os.path.basename(MAIN) == os.path.basename(place["file"]) else file
        line = _LINE.search(reason)
        # Of the newer kind apt counts paragraphs.
        yield file, int(line["line"]) if line and file.endswith(".list") else 0


def _readable(path: str, system: System) -> str:
    text = system.read(path).decode("utf-8", "surrogateescape")
    if (path, 0) in system.unreadable_sources:
        return ""
    return "\n".join(
        "" if (path, number) in system.unreadable_sources else line
        for number, line in enumerate(text.split("\n"), 1)
    )


def _parts(system: System) -> List[str]:
    return [
        os.path.join(PARTS, name)
        for name in system.list(PARTS)
        if name.endswith((".list", ".sources"))
    ]


def _entries(system: System) -> List[Entry]:
    """Return the sources that are named. Source: sources.list(5)."""
    found: List[Entry] = []
    for path in (MAIN, *_parts(system)):
        text = system.read(path).decode(errors="replace")
        found += _listed(path, text) if path.endswith(".list") else _in_paragraphs(path, text)
    return found


def _listed(path: str, text: str) -> Iterator[Entry]:
    """Yield the sources of lines as "deb [options] uri suite components"."""
    for number, line in enumerate(text.split("\n"), 1):
        # The name of a CD-ROM has brackets, too.
        found = re.match(
            r"\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(cdrom:\[[^\]]*\]\S*|\S+)(?:\s+(\S+))?", line
        )
        if found:
            yield Entry(path, number, found[1], (found[2],) if found[2] else ())


def _in_paragraphs(path: str, text: str) -> Iterator[Entry]:
    """Yield the sources of paragraphs with the fields URIs and Suites."""
    uris: Dict[str, int] = {}
    suites: List[str] = []
    field = ""
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            for uri, where in uris.items():
                yield Entry(path, where, uri, tuple(suites))
            uris, suites, field = {}, [], ""
            continue
        named = re.match(r"([A-Za-z-]+):(.*)", line)
        field, words = (named[1].lower(), named[2]) if named else (field, line)
        if field == "uris":
            uris.update({uri: number for uri in words.split() if uri not in uris})
        elif field == "suites":
            suites += words.split()
