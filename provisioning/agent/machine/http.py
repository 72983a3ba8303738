"""HTTP requests to an app's socket and to the host's own web server.

An app may be hostile: it may answer for ever, a byte at a time. So every question has one
deadline, over everything from the connection to the last byte that is read, and every part of an
answer is bounded.

http.client and ssl are imported where they are used: they bring a tenth of what an agent loads,
and most agents ask nothing.
"""

from __future__ import annotations

import io
import re
import socket
import time
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Tuple

BODY_BYTES = 2000
"""How much of an answer is read: enough to show a person."""

HEAD_BYTES = 64 * 1024
"""How long everything before the body may be, interim answers included.

Web servers take 4 or 8 KiB. Source: ngx_http_proxy_module, proxy_buffer_size.
"""

INTERIM_ANSWERS = 8
"""How many answers like "100 Continue" may come before the final one; we ask for none."""

CHUNK_LINE_BYTES = 1024
"""Longest line with the length of a chunk."""

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
"""Source: RFC 9112, 4."""

HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
NUMBER = re.compile(r"[0-9]{1,18}")

NO_BODY = (101, 204, 304)
"""Source: RFC 9110, 15.2.2, 15.3.5 and 15.4.5."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: HTTP status; 0 when there was no answer.
        body: Its beginning, or why there was no answer.
        headers: Lower-case names; of those that repeat, the last.
        cookies: The values of all Set-Cookie headers.
    """

    status: int
    body: str
    headers: Mapping[str, str]
    cookies: Tuple[str, ...] = ()


class _BadAnswerError(Exception):
    """What came is no answer, or has no end; its text says why."""


class _LateError(Exception):
    """The deadline has passed."""


class _Deadline:
    def __init__(self, timeout_s: float) -> None:
        self._at = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return what is left, which is more than nothing.

        Raises:
            _LateError: nothing is.
        """
        left_s = self._at - time.monotonic()
        if left_s <= 0:
            raise _LateError
        return left_s


class _Incoming(io.RawIOBase):
    """What a socket receives, until a deadline."""

    def __init__(self, connected: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._socket = connected
        self._deadline = deadline

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive some bytes."""
        self._socket.settimeout(self._deadline.left_s())
        return self._socket.recv_into(buffer)


_Connect = Callable[[_Deadline], socket.socket]


def get_unix(path: str, target: str, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """GET from a unix socket.

    Args:
        path: The socket's.
        target: What is asked for.
        headers: Of the request.
        timeout_s: How long all of it may take, whatever is answered.

    Returns:
        The answer; without one, or without all of it in time, its status is 0.
    """

    def connect(deadline: _Deadline) -> socket.socket:
        connecting = socket.socket(socket.AF_UNIX)
        try:
            connecting.settimeout(deadline.left_s())
            connecting.connect(path)
        except BaseException:
            connecting.close()
            raise
        return connecting

    return _get(connect, target, headers, timeout_s)


def ask_release(socket: str, path: str, host: str, timeout_s: float) -> Answer:
    """GET from a release's own socket, as its web server would ask for a visitor."""
    headers = {
        "Host": host,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "127.0.0.1",
        "User-Agent": "homeport",
    }
    return get_unix(socket, path, headers, timeout_s)


def get_address(
    address: str,
    port: int,
    target: str,
    headers: Mapping[str, str],
    *,
    tls: bool = False,
    timeout_s: float = 5,
    body_bytes: int = BODY_BYTES,
) -> Answer:
    """GET from an address, with the Host header as the TLS server name; else as `get_unix`.

    What the name in the request resolves to does not matter. Of the body `body_bytes` are read.
    """
    import ssl

    def connect(deadline: _Deadline) -> socket.socket:
        connected = socket.create_connection((address, port), deadline.left_s())
        if not tls:
            return connected
        try:
            # This asks whether the release answers; whether visitors trust the certificate
            # is the certificate's matter.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            # A handshake as a whole keeps to it. Source: CPython, Modules/_ssl.c, do_handshake.
            connected.settimeout(deadline.left_s())
            return context.wrap_socket(connected, server_hostname=headers["Host"])
        except BaseException:
            connected.close()
            raise

    return _get(connect, target, headers, timeout_s, body_bytes)


def _get(
    connect: _Connect,
    target: str,
    headers: Mapping[str, str],
    timeout_s: float,
    body_bytes: int = BODY_BYTES,
) -> Answer:
    import http.client

    deadline = _Deadline(timeout_s)
    reached = "no connection"
    try:
        with connect(deadline) as connected:
            reached = "no answer"
            request = http.client.HTTPConnection("localhost")
            request.sock = connected
            connected.settimeout(deadline.left_s())
            request.request("GET", target, headers=dict(headers))
            stream = io.BufferedReader(_Incoming(connected, deadline))
            status, found, cookies = _head(stream)
            reached = f"status {status}, but no complete body"
            body = _body(stream, status, found, body_bytes).decode(errors="replace")
            return Answer(status, body, found, cookies)
    # Until Python 3.10 a socket's timeout is no TimeoutError.
    except (_LateError, socket.timeout):
        return Answer(0, f"{reached} within {timeout_s:g} s", {})
    except (OSError, http.client.HTTPException, _BadAnswerError) as error:
        return Answer(0, str(error) or type(error).__name__, {})


def _head(stream: BinaryIO) -> Tuple[int, Dict[str, str], Tuple[str, ...]]:
    """Read up to the body of the answer that counts; return status, headers and cookies."""
    from http.client import parse_headers

    left = HEAD_BYTES
    for _ in range(INTERIM_ANSWERS + 1):
        lines: List[bytes] = []
        while not lines or lines[-1] not in (b"\r\n", b"\n"):
            line = stream.readline(left)
            left -= len(line)
            if not line.endswith(b"\n"):
                raise _BadAnswerError(
                    "it closed the connection before it answered"
                    if left
                    else f"more than {HEAD_BYTES} bytes of headers"
                )
            if not lines and not STATUS_LINE.fullmatch(line):
                raise _BadAnswerError(f"its answer is not HTTP: {line[:80].decode('latin-1')!r}")
            lines.append(line)
        found = STATUS_LINE.fullmatch(lines[0])
        status = int(found[1]) if found else 0
        if status >= 200 or status == 101:
            headers = parse_headers(io.BytesIO(b"".join(lines[1:])))
            found_headers = {name.lower(): str(value) for name, value in headers.items()}
            return status, found_headers, tuple(map(str, headers.get_all("Set-Cookie", [])))
    raise _BadAnswerError(f"more than {INTERIM_ANSWERS} interim answers, such as 100 Continue")


def _body(stream: BinaryIO, status: int, headers: Mapping[str, str], most: int) -> bytes:
    """Read the beginning of a body, or all of it if it is not longer.

    Source: RFC 9112, 6.3.
    """
    if status in NO_BODY:
        return b""
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].strip().lower() != "chunked":
            raise _BadAnswerError("its Transfer-Encoding is not chunked")
        return _chunks(stream, most)
    if "content-length" not in headers:
        return stream.read(most)
    length = headers["content-length"].strip()
    if not NUMBER.fullmatch(length):
        raise _BadAnswerError("its Content-Length is not a number")
    return _exactly(stream, min(int(length), most))


def _chunks(stream: BinaryIO, most: int) -> bytes:
    """Read the beginning of a body that comes in chunks. Source: RFC 9112, 7.1."""
    body = b""
    while len(body) < most:
        size = HEX.match(stream.readline(CHUNK_LINE_BYTES))
        if not size:
            raise _BadAnswerError("its body ended within a chunk, or is not chunked")
        length = int(size[0], 16)
        if not length:
            break
        body += _exactly(stream, min(length, most - len(body)))
        if len(body) < most:
            stream.readline(CHUNK_LINE_BYTES)
    return body


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise _BadAnswerError("its body is shorter than its Content-Length or chunk size")
    return data
