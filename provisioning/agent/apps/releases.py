"""An app's releases as they lie on the host: read them, build one, remember what happened."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from typing import Any, Container, List, Mapping, Set

from provisioning.agent.answers import LIVE, ROLLED_BACK, STOPPED, HistoryEvent
from provisioning.agent.apps.runtimes import runtimes_of
from provisioning.agent.layout import READY, AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import LINK, System

MANIFEST = "manifest.json"
CODE, ENVIRONMENT, UNITS = "code", "env", "units"
EARLIER_PARTS = {
    "code": CODE,
    "virtualenv": f"venv/{READY}",
    "interpreter": "venv/bin/python",
    "environment": ENVIRONMENT,
    "server settings": "server.py",
}
"""Parts of a complete release, for manifests that do not list them: name -> path below it."""

RELEASE_ID = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-z]{1,16}")
"""<utc>-<commit>: sorts by time. The commit is "0000000" where there is no git."""


class Releases:
    """The releases of one app.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self.layout = AppLayout(app)
        self._system = system

    def complete(self) -> List[str]:
        """Return the ids of releases that were built to the end, oldest first."""
        return [
            name
            for name in self._system.list(self.layout.releases)
            if RELEASE_ID.fullmatch(name) and self.manifest(name)
        ]

    def manifest(self, release: str) -> Mapping[str, Any]:
        """Return what a release is made of; empty if it is not there."""
        text = self._system.read(os.path.join(self.layout.release(release), MANIFEST))
        try:
            manifest: Mapping[str, Any] = json.loads(text) if text else {}
        except ValueError:
            return {}
        return manifest

    def lacks(self, release: str) -> List[str]:
        """Return the parts of a complete release that are missing, by name."""
        parts = self.manifest(release).get("parts") or {
            **EARLIER_PARTS,
            "web server's own unit": f"{UNITS}/{self.layout.unit(release)}",
        }
        directory = self.layout.release(release)
        # Links are followed: to a virtualenv, to a revision of the environment, to Python.
        lost = filter(None, [self.lost(release)])
        gone = [name for name, path in parts.items() if not os.path.exists(f"{directory}/{path}")]
        return [*lost, *gone]

    def lost(self, release: str) -> str:
        """Return what a release was built for and the host no longer has, as "Python 3.11"."""
        directory = self.layout.release(release)
        for kind, _ in runtimes_of(self.manifest(release)):
            if what := kind.lost(os.path.join(directory, kind.link), self._system):
                return what
        return ""

    def socket(self, release: str) -> str:
        """Return the path of a release's socket, also of one that an earlier Homeport made."""
        unit = os.path.join(self.layout.units(release), self.layout.socket_unit(release))
        is_ours = self._system.stat(unit) is not None
        return self.layout.socket(release) if is_ours else self.layout.earlier_socket(release)

    @property
    def live(self) -> str:
        """The id of the release that visitors see, or ""."""
        found = self._system.stat(self.layout.live_socket)
        if found is None or found.type != LINK:
            return ""
        base = os.path.basename(found.target)
        return base[: -len(".sock")] if base.endswith(".sock") else ""

    @property
    def is_current(self) -> bool:
        """Whether `current` leads to the live release: a run may have died between the two."""
        found = self._system.stat(self.layout.current)
        return (found.target if found else "") == self._current or not self.may_lead_current

    @property
    def may_lead_current(self) -> bool:
        """Whether Homeport may replace `current`: it does not exist, or is a link to a release."""
        found = self._system.stat(self.layout.current)
        if found is None:
            return True
        above, _, name = found.target.rpartition("/")
        return above in ("releases", self.layout.releases) and bool(RELEASE_ID.fullmatch(name))

    @property
    def _current(self) -> str:
        live, link = self.live, self.layout.current
        return relative_link(link, self.layout.release(live)) if live else ""

    def follow(self) -> None:
        """Have `current` lead to the live release."""
        if self.is_current:
            return
        if self._current:
            self._system.link(self.layout.current, self._current)
        else:
            self._system.remove(self.layout.current)

    @property
    def stopped(self) -> str:
        """The id of the release that was stopped while it was live, and is still there, or ""."""
        if self.live:
            return ""
        said = [each for each in self.history() if each.event in (LIVE, STOPPED)]
        if not said or said[-1].event != STOPPED or said[-1].release not in self.complete():
            return ""
        return said[-1].release

    @property
    def previous(self) -> str:
        """The id of the release that was live before this one and is still there, or ""."""
        there, live = set(self.complete()), self.live or self.stopped
        earlier = [each for each in self.were_live() if each in there and each != live]
        return earlier[-1] if earlier else ""

    def were_live(self) -> List[str]:
        """Return the ids of releases that were live and not taken back, the latest last, once."""
        stayed: List[str] = []
        for each in self.history():
            if each.event == LIVE:
                stayed.append(each.release)
            elif each.event == ROLLED_BACK and stayed[-1:] == [each.release]:
                stayed.pop()
        latest_first = dict.fromkeys(reversed(stayed))
        return list(latest_first)[::-1]

    def history(self) -> List[HistoryEvent]:
        """Return what happened to the app's releases, oldest first."""
        found = []
        for line in self._system.read(self.layout.history).decode(errors="replace").splitlines():
            # A power cut tears lines.
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                found.append(HistoryEvent.of_line(json.loads(line)))
        return found

    def record(self, event: HistoryEvent) -> None:
        """Append to the history, durably, as of now.

        What is so is read from the host itself: a history that cannot be written (a full disk)
        is said, and no reason to leave a switch half done.
        """
        try:
            self._append(event._replace(at=round(time.time(), 3)).line())
        except OSError as error:
            self._system.say(f"cannot write {self.layout.history}: {error.strerror}")

    def _append(self, line: Mapping[str, Any]) -> None:
        # For root only: it says who deployed what, and when.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.layout.history, flags, 0o600)
        # An earlier Homeport made it readable by all.
        os.fchmod(descriptor, 0o600)
        # A line that a power cut tore must not take this one with it.
        torn = self._system.read(self.layout.history)[-1:] not in (b"", b"\n")
        try:
            os.write(descriptor, b"\n" * torn + json.dumps(line).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def connections(path: str) -> int:
    """Return how many connections a unix socket has, established or still queued.

    Source: proc(5), /proc/net/unix: the server's side of a connection carries the path of
    the listening socket; the listening one itself has the flag __SO_ACCEPTCON, 0x10000.
    """
    found = 0
    with open("/proc/net/unix") as table:
        for line in table:
            fields = line.split()
            if len(fields) >= 8 and fields[7] == path and not int(fields[3], 16) & 0x10000:
                found += 1
    return found


def in_use(directory: str, user_ids: Container[int]) -> Set[str]:
    """Return the names of directories below one in which a process works.

    A timer's run, or somebody's shell, that began when a release was live may outlast it.

    Args:
        directory: Of an app's releases.
        user_ids: Whose processes count: the app's and root's. Else any user of the host could
            keep releases from being removed.
    """
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            where = os.readlink(f"/proc/{pid}/cwd")
            if where.startswith(directory + os.sep) and _started_by(pid) in user_ids:
                found.add(where[len(directory) + 1 :].split(os.sep)[0])
        except OSError:  # It has ended, or is one of the kernel's.
            continue
    return found


def _started_by(pid: str) -> int:
    """Return the user that a process runs for: the real one.

    The owner of /proc/<pid> is root for what any user runs as setuid. Source: proc(5), "Uid:".
    """
    with open(f"/proc/{pid}/status", errors="replace") as status:
        for line in status:
            if line.startswith("Uid:"):
                return int(line.split()[1])
    return -1


def link_or_copy(source: str, path: str, mode: int) -> bool:
    """Have the same content at another path; releases are immutable, so they may share it.

    Returns:
        Whether it is the same file now, and no copy.
    """
    found = files.lstat(source)
    if found.st_mode & 0o7777 == mode and found.st_uid == 0:
        with contextlib.suppress(OSError):  # It may have too many names already.
            files.link(source, path)
            return True
    files.copy_file(source, path, mode)
    return False


def relative_link(path: str, target: str) -> str:
    """Return a link's target relative to where the link is."""
    return os.path.relpath(target, os.path.dirname(path))
