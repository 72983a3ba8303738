"""The `Channel` protocol over an SSH connection."""

from __future__ import annotations

import select
import threading
from typing import cast

import paramiko

from provisioning.errors import ConnectionLostError, SilentHostError
from provisioning.transport.channel import LastLines
from provisioning.transport.ssh.transport import SshTransport

CHUNK_BYTES = 1 << 17
# Exit status and the last of stderr come with the end of stdout, or hardly later.
END_TIMEOUT_S = 2.0


class SshChannel:
    """One program on a host.

    Args:
        channel: The open channel, its program running.
        where: The host, for messages.
    """

    def __init__(self, channel: paramiko.Channel, where: str) -> None:
        self._channel = channel
        self._where = where
        self._transport = channel.get_transport()
        self._stderr = LastLines()
        self._ended = False
        self._drain: threading.Thread | None = None

    def drain_stderr(self, earlier: bytes = b"") -> None:
        """Keep reading stderr: 2 MB that are not read would block stdout forever.

        Args:
            earlier: What came on stderr so far, to be remembered with the rest.
        """
        self._stderr.feed(earlier)
        self._drain = threading.Thread(
            target=self._take_stderr, name=f"stderr of {self._where}", daemon=True
        )
        self._drain.start()

    def _take_stderr(self) -> None:
        while True:
            try:
                data = self._channel.recv_stderr(CHUNK_BYTES)
            except TimeoutError:
                continue  # `receive` lent its timeout to the channel; it is not for us
            if not data:
                return
            self._stderr.feed(data)

    def send(self, data: bytes) -> None:
        """Send `data` to the program's stdin."""
        # A view: cutting the rest off bytes would copy it again and again.
        view = memoryview(data)
        while view:
            try:
                sent = self._channel.send(cast("bytes", view))
            except TimeoutError:
                continue  # `receive` lent its timeout to the channel; it is not for us
            except (OSError, EOFError, paramiko.SSHException) as error:
                raise self._lost() from error
            if sent == 0:
                raise self._lost()
            view = view[sent:]
        if not self._transport.is_active():  # paramiko drops what it cannot send
            raise self._lost()

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some bytes of the program's stdout."""
        self._channel.settimeout(timeout_s)
        data = self._channel.recv(CHUNK_BYTES)  # raises TimeoutError
        if not data and not self._channel.eof_received and not self._transport.is_active():
            raise self._lost()
        self._ended = self._ended or not data
        return data

    def receive_any(self, timeout_s: float) -> tuple[bytes, bytes]:
        """Return what came first of stdout and stderr; both empty once the program has ended.

        For the talk before `drain_stderr`.

        Raises:
            TimeoutError: Nothing came within `timeout_s`.
            ConnectionLostError: The connection is gone.
        """
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            raise TimeoutError(f"nothing came within {timeout_s} s")
        if self._channel.recv_stderr_ready():
            return b"", self._channel.recv_stderr(CHUNK_BYTES)
        return self.receive(), b""

    def stderr_tail(self) -> str:
        """Return the last lines of stderr; all of them once stdout has ended."""
        if self._ended and self._drain:
            self._drain.join(END_TIMEOUT_S)
        return self._stderr.text()

    def exit_status(self) -> int | None:
        """Return the exit status; waits a moment for it if stdout has ended."""
        if self._ended:
            self._channel.status_event.wait(END_TIMEOUT_S)
        status = self._channel.exit_status
        return None if status < 0 else status

    def close(self) -> None:
        """Close the channel; the program reads the end of its stdin."""
        if self._transport.is_active():
            self._channel.close()

    def _lost(self) -> ConnectionLostError:
        if self._transport.is_active():
            return ConnectionLostError(
                f"cannot send to {self._where}: the program there has ended",
                output=self.stderr_tail(),
            )
        reason = self._transport.get_exception()
        detail = f" ({reason})" if reason and str(reason) else ""
        if isinstance(self._transport, SshTransport) and self._transport.was_silent:
            return SilentHostError(
                f"lost contact with {self._where}: it has stopped answering{detail}; how far the "
                "run got is unknown",
                hint="the current step there ends safely by itself; once the host can be reached "
                "again, run the same command: it completes what this one began",
            )
        return ConnectionLostError(
            f"lost contact with {self._where}: the connection is lost{detail}; how far the run "
            "got is unknown",
            hint="run the same command again: it completes what this one began",
        )
