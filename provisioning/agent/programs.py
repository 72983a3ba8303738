"""Programs on the host: run with nothing of the login's environment, bounded, ended whole."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from provisioning.agent.errors import AgentError, CannotStartError

CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
}
"""What programs get: nothing of the login's environment, and messages in one language."""

END_PROCESSES_S = 10.0

MEANWHILE_EVERY_S = 1.0

OUTPUT_LINES = 25
"""How much of a failed program's output a person is shown."""


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
        return "\n".join(lines[-OUTPUT_LINES:])


def run(
    argv: Sequence[str],
    *,
    input: Optional[bytes] = None,
    user: str = "",
    env: Optional[Mapping[str, str]] = None,
    cwd: str = "/",
    timeout_s: float = 120,
    meanwhile: Optional[Callable[[], None]] = None,
) -> Completed:
    """Run a program and wait for its end; see `System.run`."""
    with _start(
        argv,
        cwd=cwd,
        stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
        env={**CLEAN_ENVIRONMENT, **(env or {})},
        start_new_session=True,
        **identity_of(user),
    ) as process:
        try:
            stdout, stderr = _output(process, input, timeout_s, meanwhile)
        except subprocess.TimeoutExpired as error:
            # What it has started goes with it.
            os.killpg(process.pid, signal.SIGKILL)
            output = b"".join(part for part in (error.stdout, error.stderr) if part)
            raise AgentError(
                f"{argv[0]} did not end within {timeout_s:.0f} s",
                output=output.decode(errors="replace")[-4000:],
            ) from None
    return Completed(
        process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")
    )


def _output(
    process: subprocess.Popen[bytes],
    input: Optional[bytes],
    timeout_s: float,
    meanwhile: Optional[Callable[[], None]],
) -> Tuple[bytes, bytes]:
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        try:
            return process.communicate(
                input, min(left_s, MEANWHILE_EVERY_S) if meanwhile else left_s
            )
        except subprocess.TimeoutExpired:
            if not meanwhile or left_s <= MEANWHILE_EVERY_S:
                raise
        # Source: Popen.communicate: nothing is lost by asking again; input is given once.
        input = None
        meanwhile()


def lines(argv: Sequence[str]) -> Iterator[bytes]:
    """Yield what a program prints, line by line; see `System.lines`."""
    with _start(argv, stdin=subprocess.DEVNULL, env=CLEAN_ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        silent = True
        try:
            for line in process.stdout:
                silent = False
                yield line
        except BaseException:
            process.kill()
            raise
        complaint = process.stderr.read().decode(errors="replace").strip()
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
            raise CannotStartError(f"cannot run {argv[0]}: there is no {cwd}") from None
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
