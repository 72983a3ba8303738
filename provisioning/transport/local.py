"""A channel to a program on this machine: no SSH, for tests and for trying the agent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.errors import ConnectionLostError
from provisioning.transport.channel import LastLines

CHUNK_BYTES = 65536
# How long a program may take to end by itself once its stdin has ended.
CLOSE_TIMEOUT_S = 5.0
# stderr ends with stdout or hardly later; a thread still has to fetch the last of it.
DRAIN_TIMEOUT_S = 2.0


class LocalChannel:
    """The `Channel` protocol over a child process.

    Args:
        argv: The program and its arguments.
        env: Its environment; None inherits ours.
        cwd: The directory it starts in; None is ours.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        # Its own session: a Ctrl-C at the terminal is for us, as it is over SSH.
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._stderr = LastLines()
        self._ended = False
        self._drain = threading.Thread(
            target=self._drain_stderr, args=(self._process.stderr.fileno(),), daemon=True
        )
        self._drain.start()

    def _drain_stderr(self, descriptor: int) -> None:
        while data := os.read(descriptor, CHUNK_BYTES):
            self._stderr.feed(data)

    def send(self, data: bytes) -> None:
        """Write `data` to the program's stdin."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._stdin.fileno(), view) :]
        except (OSError, ValueError) as error:
            raise ConnectionLostError(
                "cannot send to the local program: it has ended", output=self.stderr_tail()
            ) from error

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Read from the program's stdout."""
        if not select.select([self._stdout], [], [], timeout_s)[0]:
            raise TimeoutError(f"nothing came within {timeout_s} s")
        data = os.read(self._stdout.fileno(), CHUNK_BYTES)
        self._ended = self._ended or not data
        return data

    def stderr_tail(self) -> str:
        """Return the last lines of stderr; all of them once stdout has ended."""
        # A program that could not be sent to has ended too, whatever we have read of it.
        if self._ended or self._process.poll() is not None:
            self._drain.join(DRAIN_TIMEOUT_S)
        return self._stderr.text()

    def exit_status(self) -> int | None:
        """Return the exit status; minus the signal's number if a signal ended it."""
        return self._process.poll()

    def close(self) -> None:
        """End the program: stdin ends, then SIGTERM, then SIGKILL."""
        if not self._stdin.closed:
            self._stdin.close()
        for end in (signal.SIGTERM, signal.SIGKILL, None):
            try:
                self._process.wait(CLOSE_TIMEOUT_S)
                break
            except subprocess.TimeoutExpired:
                if end is not None:
                    self._process.send_signal(end)
        # A grandchild may hold stderr open: then the thread keeps it, and we leave it alone.
        self._drain.join(DRAIN_TIMEOUT_S)
        self._stdout.close()
        if not self._drain.is_alive() and self._process.stderr:
            self._process.stderr.close()
