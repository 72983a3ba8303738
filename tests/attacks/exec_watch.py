"""Sees every program that root starts on a lab host, and every library that root loads.

A program is seen by fanotify while its process is held inside of execve(2): who it is, which file,
under which name. A library is seen by perf_event_open(2): the kernel records who maps which file
as a program; who that is was seen when it was executed, or when its parent was. Reading such a
file as data, as the agent does when it copies, is no fault.

What it does not see: code that an interpreter only reads, other than the script that it is started
with; a program on a file system that a service mounts for itself alone; a library that a process
loads after it has given root up without executing anything counts as root's.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from provisioning.lab import LabHost
from tests.attacks.fanotify import Fanotify, Held
from tests.attacks.held_process import about_to_run, user_ids
from tests.attacks.mapped_files import Forked, Mapped, MappedFiles
from tests.attacks.places import not_roots_alone

_WRITABLE = ("/", "/run", "/dev/shm", "/tmp", "/dev", "/run/lock")
_INTERPRETERS = ("python", "sh", "bash", "dash", "perl")
_POLL_S = 0.05
_SHOWN = 200
_END_S = 30.0


@dataclass(frozen=True)
class Program:
    """A program that was started.

    Args:
        time_ns: When, as time.monotonic_ns() says it.
        pid: As this machine sees it.
        uid: 0 if its real or effective user is root, or the file makes it so; else the effective.
        path: The file that the kernel opened: the program, its interpreter or its loader.
        called: The name it was called by, on the way to which links may lie; "" if unknown.
        argv: Its arguments, the first being its name.
        fault: Why this must not be run by root; None where it may.
    """

    time_ns: int
    pid: int
    uid: int
    path: str
    called: str
    argv: tuple[str, ...]
    fault: str | None

    def __str__(self) -> str:
        words = " ".join(self.argv) or self.called
        return f"{words[:_SHOWN]} -> {self.path}: {self.fault}"


@dataclass(frozen=True)
class Library:
    """A file that was loaded from a place that is not root's alone.

    Args:
        time_ns: When, as time.monotonic_ns() says it.
        pid: As this machine sees it.
        path: As that process sees it.
        fault: Why its place is not root's alone.
    """

    time_ns: int
    pid: int
    path: str
    fault: str


class ExecWatch:
    """Watches one running host: `with ExecWatch(host) as watch: ...`, then `watch.faults()`.

    The host is never held up for longer than one look takes: whoever is held is let go in any
    case, and the kernel lets go of all when the descriptor is closed.
    """

    def __init__(self, host: LabHost) -> None:
        pid = host.pid
        assert pid is not None, f"{host.name} is off"
        self._root = f"/proc/{pid}/root"
        self.programs: list[Program] = []
        self._loaded: list[Library] = []
        self._forks: list[Forked] = []
        self._before: dict[int, int] = {}
        self._pids: set[int] = set()
        self._error: BaseException | None = None
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._maps = MappedFiles()
        try:
            self._fanotify = Fanotify()
            marked = set()
            for place in _WRITABLE:
                with contextlib.suppress(FileNotFoundError):
                    device = os.stat(self._root + place).st_dev
                    if device not in marked:
                        self._fanotify.mark(self._root + place)
                        marked.add(device)
            self._before = self._running()
            self._pids.update(self._before)
            self._thread = threading.Thread(target=self._watch, name="exec-watch", daemon=True)
            self._thread.start()
        except BaseException:
            self._maps.close()
            if hasattr(self, "_fanotify"):
                self._fanotify.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stop.set()
        self._thread.join(_END_S)
        stuck = self._thread.is_alive()
        self._fanotify.close()
        self._maps.close()
        if error is None:
            assert not stuck, "the watcher did not end"
            if self._error is not None:
                raise self._error
            assert self._maps.lost == 0, f"the kernel lost {self._maps.lost} mappings"

    @property
    def of_root(self) -> list[Program]:
        """Programs that root started."""
        return [program for program in self.programs if program.uid == 0]

    @property
    def libraries(self) -> list[Library]:
        """What root loaded from places that are not its alone; complete when the watch is over."""
        starts: list[Program | Forked | Library] = [*self.programs, *self._forks, *self._loaded]
        users = dict(self._before)
        found = []
        for each in sorted(starts, key=lambda start: start.time_ns):
            if isinstance(each, Program):
                users[each.pid] = each.uid
            elif isinstance(each, Forked):
                users[each.pid] = users.get(each.parent, -1)
            elif users.get(each.pid) == 0:
                found.append(each)
        return found

    def faults(self) -> list[str]:
        """Return one line for each program or library that root must not have run."""
        programs = [str(program) for program in self.of_root if program.fault]
        libraries = {f"library {each.path}: {each.fault}" for each in self.libraries}
        return programs + sorted(libraries)

    def _watch(self) -> None:
        try:
            while not self._stop.is_set():
                for held in self._fanotify.wait(_POLL_S):
                    # A process that is gone tells nothing; that must not let others wait.
                    with contextlib.suppress(OSError):
                        self._look(held)
                self._read_maps()
            self._read_maps()
        except BaseException as error:
            self._error = error
        finally:
            self._fanotify.close()

    def _look(self, held: Held) -> None:
        if not _is_this_machines(held.pid):
            self._pids.add(held.pid)
            self.programs.append(_program(held, os.readlink(f"/proc/self/fd/{held.file}")))

    def _read_maps(self) -> None:
        # Each processor has its own list: a child may stand before its parent.
        for each in sorted(self._maps.read(), key=lambda each: each.time_ns):
            if isinstance(each, Forked):
                if each.parent in self._pids:
                    self._pids.add(each.pid)
                    self._forks.append(each)
            elif fault := self._fault_of(each):
                self._loaded.append(Library(each.time_ns, each.pid, each.path, fault))

    def _fault_of(self, mapped: Mapped) -> str | None:
        if mapped.pid not in self._pids or not mapped.path.startswith("/"):
            return None
        own = f"/proc/{mapped.pid}/root"
        root = own if os.path.isdir(own) else self._root
        return not_roots_alone(mapped.path, root)

    def _running(self) -> dict[int, int]:
        """Return the pids of the host's processes, and their users."""
        found = {}
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat(self._root)):
                    found[pid] = min(user_ids(pid))
        return found


def _program(held: Held, path: str) -> Program:
    root = f"/proc/{held.pid}/root"
    real, effective = user_ids(held.pid)
    seen = os.fstat(held.file)
    becomes_root = bool(seen.st_mode & stat.S_ISUID) and seen.st_uid == 0
    uid = 0 if becomes_root or 0 in (real, effective) else effective
    called, argv = about_to_run(held.pid)
    fault = None
    if uid == 0:
        names = [path, called, _script(argv, held.pid)]
        faults = (not_roots_alone(name, root) for name in names if name)
        fault = next((each for each in faults if each), None)
    return Program(time.monotonic_ns(), held.pid, uid, path, called, argv, fault)


def _script(argv: tuple[str, ...], pid: int) -> str:
    """Return the script that an interpreter is given as its first word, or ""."""
    name = os.path.basename(argv[0]).rstrip("0123456789.") if argv else ""
    if name not in _INTERPRETERS or len(argv) < 2 or argv[1].startswith("-"):
        return ""
    return argv[1] if argv[1].startswith("/") else f"{os.readlink(f'/proc/{pid}/cwd')}/{argv[1]}"


def _is_this_machines(pid: int) -> bool:
    """Tell whether a process looks at a host's files from outside, as this test does."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
    except OSError:
        return False
