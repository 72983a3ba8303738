"""The machine: the only module of the agent that reads it or changes it.

`overlay.py` has the same interface for `--check`: it reads through to the machine and
keeps every change in memory.
"""

from __future__ import annotations

import hashlib
import os
import stat as stat_module
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from provisioning.agent.blob import Blob
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import accounts, dpkg, files, in_place, programs, systemd
from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.record import Record

FILE, DIRECTORY, LINK, OTHER = "file", "directory", "link", "other"

REMOVE_S = 600.0
"""How long the removal of a directory may take."""


@dataclass(frozen=True)
class Stat:
    """What is at a path; links are not followed.

    Args:
        type: "file", "directory", "link" or "other".
        mode: Permission bits as text, e.g. "0644".
        owner, group: Names, or numbers as text where there is no name.
        size: In bytes.
        target: Where a link leads, else "".
    """

    type: str
    mode: str = ""
    owner: str = ""
    group: str = ""
    size: int = 0
    target: str = ""


class System:
    """The machine as it is.

    Args:
        say: Called with a line that a person may want to see while something takes long.
        checkpoint: Called where stopping is safe; raises StoppedError when asked to stop.
    """

    dry = False

    def __init__(
        self,
        say: Callable[[str], None] = lambda text: None,
        checkpoint: Callable[[], None] = lambda: None,
        memory: Optional[Memory] = None,
    ) -> None:
        self.say = say
        self.checkpoint = checkpoint
        self.memory = memory or Memory()
        self.owned = Record()
        self.owner = ""
        """The owner of what a run makes: "project/environment"."""
        self.notes: List[str] = []
        """What a person should know of the current resource, whatever the result of the run."""
        self.left: Set[str] = set()
        """What an app has put in a run's way: it is reported once, and not changed."""
        self.unreadable_sources: Set[Tuple[str, int]] = set()
        """Files and lines that apt cannot read: see debian/apt_sources.py."""
        self.troubled_sources: List[str] = []
        """What was reported about package sources in this run."""
        self.receive: Callable[[Sequence[str]], Mapping[str, bytes]] = _nobody_to_ask
        self._contents: Dict[str, bytes] = {}
        self._packages: Optional[Dict[str, str]] = None
        self._units: Dict[str, systemd.UnitState] = {}
        self._loaded: Optional[Dict[str, Tuple[str, str]]] = None
        self._names: Dict[Tuple[str, int], str] = {}
        self.watched_units: Tuple[str, ...] = ()

    # Reading

    def stat(self, path: str) -> Optional[Stat]:
        """Return what is at a path, or None."""
        try:
            found = files.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = stat_module.S_IMODE(found.st_mode)
        type_, target = OTHER, ""
        if stat_module.S_ISREG(found.st_mode):
            type_ = FILE
        elif stat_module.S_ISDIR(found.st_mode):
            type_ = DIRECTORY
        elif stat_module.S_ISLNK(found.st_mode):
            type_, target = LINK, files.readlink(path)
        owner, group = self._name("u", found.st_uid), self._name("g", found.st_gid)
        return Stat(type_, f"{mode:04o}", owner, group, found.st_size, target)

    def read(self, path: str) -> bytes:
        """Return a file's content; "" bytes where there is none.

        Raises:
            UnsafePathError: another user than root decides where the path leads.
        """
        try:
            with open(files.open_linked_file(path), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return b""

    def digest(self, path: str) -> Optional[str]:
        """Return the SHA-256 of a regular file's content in hex, or None if there is none."""
        found = self.stat(path)
        if found is None or found.type != FILE:
            return None
        digest = hashlib.sha256()
        with open(files.open_file(path), "rb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b""):
                digest.update(chunk)
        return digest.hexdigest()

    def list(self, path: str) -> List[str]:
        """Return the names in a directory, sorted; none where there is no directory."""
        try:
            return files.names(path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def user(self, name: str) -> Optional[Account]:
        """Return a user account, or None."""
        return accounts.read_user(name, lambda number: self._name("g", number))

    def group(self, name: str) -> Optional[Account]:
        """Return a group, or None."""
        return accounts.read_group(name)

    def free_number(self) -> int:
        """Return the highest number of system accounts that neither a user nor a group has."""
        return accounts.free_number(self._taken_numbers())

    def _taken_numbers(self) -> Set[int]:
        return accounts.taken_numbers()

    def packages(self) -> Mapping[str, str]:
        """Return the Debian packages that are installed: name -> version."""
        if self._packages is None:
            self._packages = dpkg.parse_status(dpkg.database(self))
        return self._packages

    def unit(self, name: str) -> systemd.UnitState:
        """Return a systemd unit's state. The first call asks for all of the plan at once."""
        if name not in self._units:
            names = [name, *(each for each in self.watched_units if each != name)]
            shown = self.run(["systemctl", "show", f"--property={systemd.PROPERTIES}", *names])
            if shown.status != 0:
                raise AgentError("cannot read the states of units", output=shown.tail)
            self._units = systemd.parse_show(shown.stdout, names)
        return self._units[name]

    def loaded_units(self) -> Mapping[str, Tuple[str, str]]:
        """Return all services and sockets that systemd has loaded: name -> active and sub state.

        Asked for once until something is done: one question for all apps of a host.
        """
        if self._loaded is None:
            shown = self.run(
                ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager",
                 "--type=service,socket"]
            )  # fmt: skip
            self._loaded = systemd.parse_list(shown.stdout)
        return self._loaded

    def say_once(self, about: str, text: str) -> None:
        """Tell a person something that stays true over many runs: the first one does, or a change.

        Args:
            about: What it is about, as a key of the memory.
            text: "" once it is true no more.
        """
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
        if not text:
            self.memory.forget(about)
        elif self.memory.recall(about) != digest:
            self.memory.remember(about, digest)
            self.notes.append(text)

    def is_going_down(self) -> bool:
        """Return whether the host is being shut down. Source: systemctl(1), "stopping"."""
        try:
            return self.run(["systemctl", "is-system-running"]).stdout.strip() == "stopping"
        except (AgentError, OSError):  # Whatever failed, nothing more must.
            return False

    def content(self, blob: Blob) -> bytes:
        """Return the bytes a blob names."""
        if blob.data is not None:
            return blob.data
        self.fetch([blob])
        return self._contents[blob.digest]

    def fetch(self, blobs: Iterable[Blob]) -> None:
        """Have the controller send contents, all at once; those that are here are not asked for.

        Raises:
            StoppedError: the controller is gone.
        """
        lacking = dict.fromkeys(
            blob.digest for blob in blobs if blob.data is None and blob.digest not in self._contents
        )
        if lacking:
            self._contents.update(self.receive(list(lacking)))

    def run(
        self,
        argv: Sequence[str],
        *,
        input: Optional[bytes] = None,
        user: str = "",
        env: Optional[Mapping[str, str]] = None,
        cwd: str = "/",
        timeout_s: float = 120,
        meanwhile: Optional[Callable[[], None]] = None,
        each_line: Optional[Callable[[str], None]] = None,
    ) -> Completed:
        """Run a program that only reads; wait for its end.

        Args:
            argv: Program and arguments; no shell is involved.
            input: What it reads on stdin.
            user: Run as this user with its groups; default root.
            env: Variables besides CLEAN_ENVIRONMENT.
            cwd: Directory to run in.
            timeout_s: In seconds; then it is killed.
            meanwhile: Called about once a second while it runs.
            each_line: Called with each line that it prints, as it comes.

        Raises:
            AgentError: it is not there or took too long.
        """
        return programs.run(
            argv,
            input=input,
            user=user,
            env=env,
            cwd=cwd,
            timeout_s=timeout_s,
            meanwhile=meanwhile,
            each_line=each_line,
        )

    def filter(self, argv: Sequence[str], data: bytes, *, user: str, timeout_s: float) -> bytes:
        """Return what a program prints when it reads these bytes on stdin.

        Args:
            argv, user, timeout_s: As for `run`.
            data: What it reads.

        Raises:
            AgentError: it failed, took too long, or printed more than `programs.KEPT_BYTES`.
        """
        return programs.filtered(argv, data, user=user, timeout_s=timeout_s)

    def lines(self, argv: Sequence[str]) -> Iterator[bytes]:
        """Yield what a program prints, line by line; end it when the caller stops reading.

        Raises:
            AgentError: it is not there, or printed nothing and failed.
        """
        return programs.lines(argv)

    # Changing

    def write(
        self,
        path: str,
        data: bytes,
        *,
        mode: str = "0644",
        owner: str = "root",
        group: str = "root",
    ) -> None:
        """Put a file in place, atomically and durably; the rename is the only visible step."""
        self.write_beside(path, data, mode=mode, owner=owner, group=group)
        self.put_in_place(path)

    def write_beside(
        self,
        path: str,
        data: bytes,
        *,
        mode: str = "0644",
        owner: str = "root",
        group: str = "root",
    ) -> None:
        """Write a file next to its place; then `put_in_place` needs no more disk space."""
        in_place.write_beside(
            path, data, lambda opened: self._own(opened, mode, owner, group, path)
        )

    def put_in_place(self, path: str) -> None:
        """Move a file that was written next to its place there; if that fails, remove it."""
        in_place.put_in_place(path)

    def make_directory(
        self, path: str, *, mode: str = "0755", owner: str = "root", group: str = "root"
    ) -> None:
        """Create a directory, and its parents as root's with 0755."""
        files.make_directory(path, 0o700)
        self.set_attributes(path, mode=mode, owner=owner, group=group)

    def set_attributes(self, path: str, *, mode: str, owner: str, group: str) -> None:
        """Set the mode and owner of a file or directory; a link is never followed."""
        opened = files.open_any(path)
        try:
            self._own(opened, mode, owner, group, path)
        finally:
            os.close(opened)

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link in place, atomically and durably."""
        in_place.link_beside(path, target)
        in_place.put_in_place(path)

    def remove(self, path: str) -> None:
        """Remove a file, a link or a whole directory.

        Raises:
            TooMuchError: it takes too long: an app may have made files without end.
        """
        if self.stat(path) is None:
            return
        files.remove(path, within_s=REMOVE_S)
        files.sync(os.path.dirname(path))

    def act(
        self,
        argv: Sequence[str],
        *,
        why: str,
        creates: Iterable[str] = (),
        installs: Iterable[str] = (),
        users: Iterable[Account] = (),
        groups: Iterable[Account] = (),
        units: Iterable[Tuple[str, systemd.UnitState]] = (),
        hint: str = "",
        input: Optional[bytes] = None,
        user: str = "",
        env: Optional[Mapping[str, str]] = None,
        cwd: str = "/",
        timeout_s: float = 600,
    ) -> Completed:
        """Run a program that changes the host.

        Args:
            argv: As for `run`, like input, user, env, cwd and timeout_s.
            why: What it is for, as in "cannot <why>: ..." when it fails.
            creates, installs, users, groups, units: Paths, packages, accounts and states of
                units that will be there afterwards: what a check believes in place of running it.
            hint: What to do when it fails.

        Raises:
            AgentError: its exit status is not 0.
        """
        done = self.run(argv, input=input, user=user, env=env, cwd=cwd, timeout_s=timeout_s)
        self.forget_cached()
        if done.status != 0:
            raise AgentError(
                f"cannot {why}: {os.path.basename(argv[0])} ended with exit status {done.status}",
                hint=hint,
                output=done.tail,
            )
        return done

    def end_processes(self, user: str) -> None:
        """Kill whatever runs as a user, and return when nothing does.

        Raises:
            AgentError: something survives, such as a process that waits for a dead disk.
        """
        account = self.user(user)
        if account is None or account.id <= 0:
            return
        programs.end_all_of(account.id, user)

    def forget_cached(self) -> None:
        """Drop what was read of packages and units: something may have changed them."""
        self._packages = None
        self._units = {}
        self._loaded = None
        self._names = {}

    # Helpers

    def _name(self, kind: str, number: int) -> str:
        if (kind, number) not in self._names:
            self._names[kind, number] = accounts.name_of(kind, number)
        return self._names[kind, number]

    def _own(self, opened: int, mode: str, owner: str, group: str, path: str) -> None:
        user, its_group = self.user(owner), self.group(group)
        if user is None or its_group is None:
            raise AgentError(f"cannot give a file to {owner}:{group}: no such user or group")
        files.own(opened, int(mode, 8), user.id, its_group.id, what=path)


def _nobody_to_ask(digests: Sequence[str]) -> Mapping[str, bytes]:
    raise AgentError(
        f"content {digests[0][:12]} is missing, and no controller is connected that could send it"
    )
