"""A program of an app on a host, attached to us: the frames between, and moving them.

What stands at the other end is bootstrap/attached.py, whose beginning tells the frames.
"""

from __future__ import annotations

import json
import re
import secrets
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioning.errors import ConnectionLostError
from provisioning.protocol.payload import MARKER_BYTES, attached_command

HEADER = struct.Struct("!cI")
STDOUT, STDERR, EXIT = b"1", b"2", b"X"

MAX_BANNER_BYTES = 64 * 1024
"""How much a login shell may print before the first bytes of the program on the host."""

MAX_FRAME_BYTES = 1 << 20
"""The other end sends what it has read, 64 KiB at most: more is noise, or a hostile host."""

STATUS = re.compile(rb"[0-9]{1,3}")

POLL_S = 0.2
"""How soon Ctrl-C is noticed while the host sends nothing."""

Size = tuple[int, int]
"""Lines and columns of a terminal."""


class Channel(Protocol):
    """A byte pipe to one program on a host; see provisioning.transport."""

    def send(self, data: bytes) -> None:
        """Hand bytes over."""

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some bytes, or none when the program's output has ended."""

    def stderr_tail(self) -> str:
        """Return the last lines of stderr."""

    def close(self) -> None:
        """End the program."""


class Console(Protocol):
    """The person's side: see provisioning.report.console."""

    size: Size | None
    """Of the terminal that the program is to be on; None: it gets pipes."""

    def input(self) -> Iterator[bytes | Size]:
        """Yield what is typed, and sizes that the terminal changes to."""

    def write(self, data: bytes, *, error: bool) -> None:
        """Show what the program printed."""


@dataclass(frozen=True)
class Program:
    """What to run on a host, as root.

    Args:
        argv: Program and arguments.
        stop: What ends all that it started; run whenever it is over.
    """

    argv: Sequence[str]
    stop: Sequence[str]


def attach(program: Program, open_channel: Callable[[str], Channel], console: Console) -> int:
    """Run a program on a host as if it ran here; return its exit status.

    Args:
        program: What to run.
        open_channel: Starts a command as root on the host.
        console: The person's side.

    Raises:
        ConnectionLostError: The connection ended first. The host ends the program then.
        KeyboardInterrupt: Likewise.
    """
    marker = secrets.token_hex(MARKER_BYTES)
    channel = open_channel(attached_command(marker))
    try:
        settings = {"argv": list(program.argv), "stop": list(program.stop), "size": console.size}
        channel.send(_frame(b"S", json.dumps(settings).encode()))
        # A daemon: reading from a terminal or a pipe cannot be called off.
        threading.Thread(target=_pass_input, args=(channel, console), daemon=True).start()
        return _pass_output(channel, marker, console)
    finally:
        channel.close()


def _pass_input(channel: Channel, console: Console) -> None:
    try:
        for data in console.input():
            if isinstance(data, bytes):
                channel.send(_frame(b"D", data))
            else:
                channel.send(_frame(b"W", json.dumps(data).encode()))
        channel.send(_frame(b"E", b""))
    except ConnectionLostError:
        return  # Whoever waits for output says so.


def _pass_output(channel: Channel, marker: str, console: Console) -> int:
    frames = Frames(marker)
    while True:
        try:
            data = channel.receive(POLL_S)
        except TimeoutError:
            continue
        if not data:
            raise ConnectionLostError(
                "the connection ended before the program did; the host ends the program now",
                output=channel.stderr_tail(),
            )
        for kind, body in frames.of(data):
            if kind == EXIT:
                return _status(body)
            console.write(body, error=kind == STDERR)


class Frames:
    """Frames out of bytes that come, after whatever a login shell prints.

    Args:
        marker: Of the line after which they begin.
    """

    def __init__(self, marker: str) -> None:
        self._marker = f"\n{marker}\n".encode()
        self._begun = False
        self._data = b""

    def of(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take the next bytes and yield the frames that are whole: kind and body.

        Raises:
            ConnectionLostError: What comes is not from a program of ours.
        """
        self._data += data
        if not self._begun:
            _, marker, rest = self._data.partition(self._marker)
            if marker:
                self._begun, self._data = True, rest
            elif len(self._data) > MAX_BANNER_BYTES:
                raise ConnectionLostError(
                    "the login shell prints endless output before it runs a command",
                    hint="check ~/.bashrc and ~/.profile on the host",
                )
        while self._begun and len(self._data) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._data)
            if kind not in (STDOUT, STDERR, EXIT) or length > MAX_FRAME_BYTES:
                raise ConnectionLostError(
                    f"cannot understand the host: a frame cannot be {length} bytes of {kind!r}"
                )
            end = HEADER.size + length
            if len(self._data) < end:
                return
            body, self._data = self._data[HEADER.size : end], self._data[end:]
            yield kind, body


def _status(body: bytes) -> int:
    if not STATUS.fullmatch(body) or int(body) > 255:
        raise ConnectionLostError("cannot understand the host: the exit status is not valid")
    return int(body)


def _frame(kind: bytes, body: bytes) -> bytes:
    return HEADER.pack(kind, len(body)) + body
