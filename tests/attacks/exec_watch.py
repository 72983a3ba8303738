"""Sees every program that root starts on a lab host, and every library that root loads.

A program is seen by fanotify while its process is held inside of execve(2): who it is, which file,
under which name. A library is seen in two steps: fanotify holds a process of root's that opens a
file which is not root's alone, and the kernel tells (perf_event_open(2)) which process has mapped
which file as a program. Reading such a file as data, as the agent does when it copies, is no fault.

What it does not see: code that an interpreter only reads, other than the script that it is started
with; and file systems that a service mounts for itself alone, where no process of root's goes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from provisioning.lab import LabHost
from tests.attacks.fanotify import OPEN_EXEC_PERM, OPEN_PERM, Fanotify, Held
from tests.attacks.held_process import about_to_run, user_ids
from tests.attacks.mapped_files import MappedFiles
from tests.attacks.places import not_roots_alone

_WRITABLE = ("/", "/run", "/dev/shm", "/tmp", "/dev", "/run/lock")
_ROOTS_OWN = ("/usr/", "/etc/", "/proc/", "/sys/")
"""Where only the opened file itself is looked at: these directories no test gives away."""

_INTERPRETERS = ("python", "sh", "bash", "dash", "perl")
_POLL_S = 0.05
_END_S = 30.0


@dataclass(frozen=True)
class Program:
    """A program that was started.

    Args:
        pid: As this machine sees it.
        uid: 0 if its real or effective user is root, or the file makes it so; else the effective.
        path: The file that the kernel opened: the program, its interpreter or its loader.
        called: The name it was called by, on the way to which links may lie; "" if unknown.
        argv: Its arguments, the first being its name.
        fault: Why this must not be run by root; None where it may.
    """

    pid: int
    uid: int
    path: str
    called: str
    argv: tuple[str, ...]
    fault: str | None

    def __str__(self) -> str:
        return f"{' '.join(self.argv) or self.called} -> {self.path}: {self.fault}"


@dataclass(frozen=True)
class Library:
    """A file that a process of root's opened, and what is wrong with its place.

    Args:
        pid: As this machine sees it.
        path: As that process sees it.
        fault: Why its place is not root's alone.
    """

    pid: int
    path: str
    fault: str


class ExecWatch:
    """Watches one running host: `with ExecWatch(host) as watch: ...; watch.faults()`.

    The host is never held up for longer than one look takes: whoever is held is let go in any
    case, and the kernel lets go of all when the descriptor is closed.
    """

    def __init__(self, host: LabHost) -> None:
        pid = host.pid
        assert pid is not None, f"{host.name} is off"
        self._root = f"/proc/{pid}/root"
        self.programs: list[Program] = []
        self._opened: list[Library] = []
        self._mapped: set[tuple[int, str]] = set()
        self._seen: set[tuple[int, str]] = set()
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
                        self._fanotify.mark(self._root + place, OPEN_PERM | OPEN_EXEC_PERM)
                        marked.add(device)
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
        with contextlib.suppress(ValueError):
            self._read_maps()
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
        """What root loaded from places that are not its alone."""
        names = {(pid, os.path.basename(path)) for pid, path in self._mapped}
        return [each for each in self._opened if (each.pid, os.path.basename(each.path)) in names]

    def faults(self) -> list[str]:
        """Return one line for each program or library that root must not have run."""
        programs = [str(program) for program in self.of_root if program.fault]
        return programs + [f"library {each.path}: {each.fault}" for each in self.libraries]

    def _watch(self) -> None:
        try:
            while not self._stop.is_set():
                for held in self._fanotify.wait(_POLL_S):
                    # A process that is gone tells nothing; that must not let others wait.
                    with contextlib.suppress(OSError):
                        self._look(held)
                self._read_maps()
        except BaseException as error:  # noqa: BLE001 - told by __exit__, in the test's thread
            self._error = error
        finally:
            self._fanotify.close()

    def _read_maps(self) -> None:
        # Those of this machine's own programs are of no interest, but come in as well.
        self._mapped.update((each.pid, each.path) for each in self._maps.read())

    def _look(self, held: Held) -> None:
        if held.pid == os.getpid() or _is_this_machines(held.pid):
            return
        path = os.readlink(f"/proc/self/fd/{held.file}")
        if held.mask & OPEN_EXEC_PERM:
            self.programs.append(_program(held, path))
        elif (held.pid, path) not in self._seen:
            self._look_at_file(held, path)

    def _look_at_file(self, held: Held, path: str) -> None:
        seen = os.fstat(held.file)
        if not stat.S_ISREG(seen.st_mode):
            return
        if path.startswith(_ROOTS_OWN) and seen.st_uid == 0 and not seen.st_mode & 0o022:
            return
        if 0 not in user_ids(held.pid):
            return
        self._seen.add((held.pid, path))
        fault = not_roots_alone(path, f"/proc/{held.pid}/root")
        if fault:
            self._opened.append(Library(held.pid, path, fault))


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
    return Program(held.pid, uid, path, called, argv, fault)


def _script(argv: tuple[str, ...], pid: int) -> str:
    """Return the script that an interpreter is given as its first word, or ""."""
    name = os.path.basename(argv[0]).rstrip("0123456789.") if argv else ""
    if name not in _INTERPRETERS or len(argv) < 2 or argv[1].startswith("-"):
        return ""
    return argv[1] if argv[1].startswith("/") else f"{os.readlink(f'/proc/{pid}/cwd')}/{argv[1]}"


def _is_this_machines(pid: int) -> bool:
    """Tell whether a process looks at a host's files from outside, as this test does."""
    return os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
