"""Programs on the host: run with nothing of the login's environment, bounded, ended whole."""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from provisioning.agent.errors import AgentError, CannotStartError

CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
"""Environment of programs: without that of the login, and with messages in one language."""

END_PROCESSES_S = 10.0

MEANWHILE_EVERY_S = 1.0

OUTPUT_LINES = 25
OUTPUT_CHARS = 8000
"""How much of a failed program's output a person is shown."""

KEPT_BYTES = 8 << 20
"""How much is kept of each stream of a program, its end.

What is read of programs is a thousandth of that; one that prints without end must not take the
host's memory.
"""

LINE_BYTES = 4 << 20
"""How much is kept of a line, its beginning, of a program that is read line by line."""

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Completed:
    """A program that has ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines of what it printed."""
        lines = (self.stdout + self.stderr).strip().splitlines()
        return "\n".join(lines[-OUTPUT_LINES:])[-OUTPUT_CHARS:]


def run(
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
    """Run a program and wait for its end; see `System.run`.

    Of what it prints the last `KEPT_BYTES` are kept; that there was more is said before them.
    """
    status, stdout, stderr = _whole(
        argv,
        input=input,
        user=user,
        env=env,
        cwd=cwd,
        timeout_s=timeout_s,
        meanwhile=meanwhile,
        each_line=each_line,
    )
    return Completed(status, stdout.text, stderr.text)


def filtered(argv: Sequence[str], data: bytes, *, user: str, timeout_s: float) -> bytes:
    """Return what a program makes of bytes; see `System.filter`."""
    status, stdout, stderr = _whole(argv, input=data, user=user, timeout_s=timeout_s)
    if status != 0 or stdout.dropped:
        why = f"exit status {status}" if status != 0 else f"more than {KEPT_BYTES} bytes"
        raise AgentError(f"{argv[0]} ended with {why}", output=stderr.text[-OUTPUT_CHARS:])
    return stdout.data


def _whole(
    argv: Sequence[str],
    *,
    input: Optional[bytes],
    user: str = "",
    env: Optional[Mapping[str, str]] = None,
    cwd: str = "/",
    timeout_s: float,
    meanwhile: Optional[Callable[[], None]] = None,
    each_line: Optional[Callable[[str], None]] = None,
) -> Tuple[int, _Kept, _Kept]:
    """Run a program to its end; return its exit status and what is kept of its output."""
    with _start(
        argv,
        cwd=cwd,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        env={**CLEAN_ENVIRONMENT, **(env or {})},
        start_new_session=True,
        **identity_of(user),
    ) as process:
        printed = _Kept(each_line), _Kept(each_line)
        try:
            _attend(process, printed, input, time.monotonic() + timeout_s, meanwhile)
        except subprocess.TimeoutExpired:
            _end_whole(process.pid)
            raise AgentError(
                f"{argv[0]} did not end within {timeout_s:.0f} s",
                output="".join(each.text for each in printed)[-4000:],
            ) from None
    return process.returncode, printed[0], printed[1]


class _Kept:
    """The end of what a program prints; each line is told as soon as it is there."""

    def __init__(self, each_line: Optional[Callable[[str], None]] = None) -> None:
        self._data = bytearray()
        self.dropped = 0
        self._each_line = each_line
        self._line = b""

    def add(self, data: bytes) -> None:
        """Take what comes next; no data for its end."""
        if self._each_line:
            *whole, rest = (self._line + data).split(b"\n")
            for line in whole + ([] if data or not rest else [rest]):
                self._each_line(line.decode(errors="replace"))
            self._line = rest[:LINE_BYTES] if data else b""
        self._data += data
        # Not each time: what is kept would be copied for every few bytes.
        if len(self._data) >= 2 * KEPT_BYTES:
            self._drop()

    def _drop(self) -> None:
        over = max(0, len(self._data) - KEPT_BYTES)
        del self._data[:over]
        self.dropped += over

    @property
    def data(self) -> bytes:
        """All of it, or its end."""
        self._drop()
        return bytes(self._data)

    @property
    def text(self) -> str:
        """The same, as text."""
        text = self.data.decode(errors="replace")
        return f"({self.dropped} bytes before this are left out)\n{text}" if self.dropped else text


def _attend(
    process: subprocess.Popen[bytes],
    printed: Tuple[_Kept, _Kept],
    input: Optional[bytes],
    deadline: float,
    meanwhile: Optional[Callable[[], None]],
) -> None:
    """Take what a program prints and give it its input, until it has ended.

    Raises:
        subprocess.TimeoutExpired: the deadline has passed.
    """
    look_up = time.monotonic() + MEANWHILE_EVERY_S if meanwhile else deadline
    left = memoryview(input or b"")
    with selectors.DefaultSelector() as selector:
        for stream, kept in zip((process.stdout, process.stderr), printed):
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ, kept)
        if process.stdin is not None:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while True:
            now = time.monotonic()
            if now >= deadline:
                raise subprocess.TimeoutExpired(process.args, 0)
            if meanwhile and now >= look_up:
                meanwhile()
                look_up = time.monotonic() + MEANWHILE_EVERY_S
                continue
            wait_s = min(deadline, look_up) - now
            if not selector.get_map():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(wait_s)
                    return
                continue
            for key, _ in selector.select(wait_s):
                if key.data is None:
                    left = _give(key.fd, left)
                    over = not left
                else:
                    data = os.read(key.fd, CHUNK_BYTES)
                    key.data.add(data)
                    over = not data
                if over:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]


def _give(descriptor: int, data: memoryview) -> memoryview:
    """Write some of a program's input and return the rest; none if it reads no more.

    So much can be written without waiting. Source: pipe(7), PIPE_BUF.
    """
    try:
        return data[os.write(descriptor, data[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return data[:0]


def _end_whole(pid: int) -> None:
    """Kill a program of ours and what it has started, in sessions of their own as well."""
    for each in (*_descendants(pid), pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _descendants(pid: int) -> List[int]:
    children: Dict[int, List[int]] = {}
    for each in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, LookupError):
            with open(f"/proc/{each}/stat", "rb") as file:
                # Source: proc(5): after the name, which may hold anything: state, parent.
                parent = int(file.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(each))
    found, waiting = [], [pid]
    while waiting:
        theirs = children.get(waiting.pop(), [])
        found += theirs
        waiting += theirs
    return found


def lines(argv: Sequence[str]) -> Iterator[bytes]:
    """Yield what a program prints, line by line; see `System.lines`.

    Of a line that is longer than `LINE_BYTES`, only these come, without a newline.
    """
    with _start(argv, stdin=subprocess.DEVNULL, env=CLEAN_ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        silent = True
        try:
            while True:
                line = process.stdout.readline(LINE_BYTES)
                if not line:
                    break
                silent = False
                yield line
                while len(line) == LINE_BYTES and not line.endswith(b"\n"):
                    line = process.stdout.readline(LINE_BYTES)
        except BaseException:
            process.kill()
            raise
        complaint = process.stderr.read(CHUNK_BYTES).decode(errors="replace").strip()
    if process.returncode != 0 and silent:
        raise AgentError(f"{argv[0]} failed", output=complaint)


def end_all_of(user_id: int, name: str) -> None:
    """Kill whatever runs as a user, and return when nothing does; see `System.end_processes`."""
    deadline = time.monotonic() + END_PROCESSES_S
    while True:
        pids = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _is_of(pid, user_id)]
        if not pids:
            return
        if time.monotonic() > deadline:
            raise AgentError(f"cannot end the processes {', '.join(pids)} of {name}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.01)


def _start(
    argv: Sequence[str], *, cwd: str = "/", env: Mapping[str, str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program whose output is read."""
    try:
        return subprocess.Popen(  # noqa: S603
            list(argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=env,
            **options,
        )
    except FileNotFoundError as error:
        if error.filename == cwd:
            raise CannotStartError(
                f"cannot run {argv[0]}: the directory {cwd} does not exist"
            ) from None
        raise CannotStartError(f"cannot run {argv[0]}: it is not installed") from None


def identity_of(user: str) -> Dict[str, Any]:
    """Return the options of Popen with which a program runs as a user, with its groups."""
    if not user or user == "root":
        return {}
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise CannotStartError(f"cannot run a program as {user}: no such user") from None
    return {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": os.getgrouplist(user, account.pw_gid),
    }


def _is_of(pid: str, user_id: int) -> bool:
    """Return whether a process runs as a user; one that only waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # Source: proc(5): the state follows the name, which may hold anything.
            state = file.read().rpartition(b")")[2].split()[0]
        return os.stat(f"/proc/{pid}").st_uid == user_id and state not in (b"Z", b"X")
    except OSError:
        return False
