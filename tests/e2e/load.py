"""Steady load from outside, as a program of its own; it counts every request that fails.

    python -m tests.e2e.load ADDRESS NAME CA_FILE STOP_FILE LOAD

What the clients do stands in kinds.py. A failure is a status that is not 200, a connection
that is refused, one that is reset after the request was written, an answer that is cut short,
or none within 60 s; answers that may be cut short from some age on are counted apart. A
keep-alive connection that the server closes between two requests is opened again, as browsers
do (RFC 9112, 9.3.1), and counted: only if nothing of the answer came, and only for requests
that may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.e2e.kinds import LOADS, STEADY, Kind

ANSWER_WITHIN_S = 60
STOPS_WITHIN_S = 0.5


class CutShortError(ConnectionError):
    """An answer of which the end is missing."""


@dataclass(frozen=True)
class Failure:
    """A request that failed.

    Args:
        began, ended: When it was sent, and when it was given up; by time.monotonic().
        why: The kind of request and what was wrong, with the time of day.
        on_kept: Whether nothing of the answer came, on a connection that was there before.
    """

    began: float
    ended: float
    why: str
    on_kept: bool = False


class Connection:
    """One connection of a client; it speaks just enough HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.heard = False
        self.closing = False

    async def ask(self, host: str, kind: Kind) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        self.heard = False
        lines = [f"{kind.method} {kind.path} HTTP/1.1", f"Host: {host}"]
        if kind.body:
            lines.append(f"Content-Length: {len(kind.body)}")
        lines.append("Connection: keep-alive" if kind.keep else "Connection: close")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + kind.body)
        await self._writer.drain()
        status_line = await self._reader.readline()
        if not status_line.endswith(b"\r\n"):
            raise asyncio.IncompleteReadError(status_line, None)
        self.heard = True
        head = await self._reader.readuntil(b"\r\n\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
        }
        self.closing = headers.get(b"connection", b"") == b"close"
        try:
            body = await self._body(headers)
        except (asyncio.IncompleteReadError, ValueError, ConnectionError) as error:
            raise CutShortError(f"{type(error).__name__}: {error}") from None
        return int(status_line.split(b" ", 2)[1]), body

    async def _body(self, headers: Mapping[bytes, bytes]) -> bytes:
        if headers.get(b"transfer-encoding") != b"chunked":
            return await self._reader.readexactly(int(headers[b"content-length"]))
        body = bytearray()
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return bytes(body)

    def close(self) -> None:
        self._writer.close()


class Load:
    """All clients together, and what became of their requests.

    Args:
        address: Where to connect to, on port 443.
        name: The site's name.
        ca_file: Whom its certificate must be from.
        stop: The load ends once this file is there.
        kinds: What its clients do.
    """

    def __init__(
        self,
        address: str,
        name: str,
        ca_file: str,
        stop: Path,
        kinds: Sequence[Kind] = STEADY,
    ) -> None:
        self._address, self._name, self._stop = address, name, stop
        self._kinds = kinds
        self._context = ssl.create_default_context(cafile=ca_file)
        self._sent: Counter[str] = Counter()
        self._times_s: dict[str, list[float]] = {}
        self.failures: list[Failure] = []
        self._reopened = 0
        self._cut: Counter[str] = Counter()
        self._releases: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return sum(self._sent.values())

    async def run(self) -> dict[str, object]:
        """Keep on until the file is there; return the result."""
        began = time.monotonic()
        streams = [asyncio.create_task(each) for each in self._clients(may_end=True)]
        await asyncio.gather(*self._clients(may_end=False))
        # What the server may cut short, so may we.
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        for stream in streams:
            if not stream.cancelled():
                stream.result()
        seconds = time.monotonic() - began
        times_ms = {
            name: [round(each * 1000, 1) for each in sorted(times)]
            for name, times in self._times_s.items()
        }
        return {
            "seconds": round(seconds, 1),
            "sent": dict(self._sent),
            "per_second": round(sum(self._sent.values()) / seconds),
            "failures": [each.why for each in self.failures],
            "reopened": self._reopened,
            "cut": dict(self._cut),
            "slowest_ms": {name: times[-1] for name, times in times_ms.items()},
            "p99_ms": {name: times[int(len(times) * 0.99)] for name, times in times_ms.items()},
            "releases": dict(self._releases),
        }

    def _clients(self, *, may_end: bool) -> list[Coroutine[None, None, None]]:
        return [
            self._client(kind)
            for kind in self._kinds
            if (kind.may_end_after_s is not None) == may_end
            for _ in range(kind.clients)
        ]

    async def _client(self, kind: Kind) -> None:
        connection: Connection | None = None
        while not self._stop.exists():
            began, kept = time.monotonic(), connection
            self._sent[kind.name] += 1
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    connection, status, body = await self._exchange(kind, connection)
                wrong = self._judge(kind, status, body)
            except CutShortError as error:
                age_s = time.monotonic() - began
                may_be = kind.may_end_after_s is not None and age_s >= kind.may_end_after_s
                wrong = "" if may_be else f"cut short after {age_s:.1f} s: {error}"
                self._cut[kind.name] += may_be
                connection = None
            except (
                OSError,
                asyncio.IncompleteReadError,
                ValueError,
                KeyError,
                WebSocketException,
            ) as error:
                wrong = f"{type(error).__name__}: {error}"
                connection = None
            if wrong:
                why = f"{time.strftime('%H:%M:%S')} {kind.name}: {wrong}"
                on_kept = kept is not None and not kept.heard
                self.failures.append(Failure(began, time.monotonic(), why, on_kept))
            self._times_s.setdefault(kind.name, []).append(time.monotonic() - began)
            if connection is not None and (connection.closing or not kind.keep):
                connection.close()
                connection = None
            await self._pause(kind.pause_s)
        if connection is not None:
            connection.close()

    async def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop.exists():
            await asyncio.sleep(min(left, STOPS_WITHIN_S))

    async def _exchange(
        self, kind: Kind, connection: Connection | None
    ) -> tuple[Connection | None, int, bytes]:
        if kind.talks_s:
            return None, 200, await self._talk(kind)
        kept = connection is not None
        connection = connection or await self._connect()
        try:
            return connection, *await connection.ask(self._name, kind)
        except (asyncio.IncompleteReadError, ConnectionError):
            connection.close()
            if not kept or connection.heard or kind.method != "GET":
                raise
        # An idle connection that the server had closed before it read this request.
        self._reopened += 1
        connection = await self._connect()
        return connection, *await connection.ask(self._name, kind)

    async def _talk(self, kind: Kind) -> bytes:
        """Talk over a websocket; return the last that was answered."""
        heard = "nothing was said"
        url = f"wss://{self._name}{kind.path}"
        async with connect(url, host=self._address, ssl=self._context, proxy=None) as socket:
            until = time.monotonic() + kind.talks_s
            while time.monotonic() < until and not self._stop.exists():
                said = f"{time.monotonic()}"
                try:
                    await socket.send(said)
                    heard = str(await socket.recv())
                except ConnectionClosed as error:
                    raise CutShortError(str(error)) from None
                if heard != said:
                    raise ValueError(f"{heard!r} in place of {said!r}")
                await asyncio.sleep(STOPS_WITHIN_S)
        return heard.encode()

    async def _connect(self) -> Connection:
        reader, writer = await asyncio.open_connection(
            self._address, 443, ssl=self._context, server_hostname=self._name
        )
        # Of a host that has lost its power nothing is heard: it is asked every second.
        tcp: socket.socket = writer.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        return Connection(reader, writer)

    def _judge(self, kind: Kind, status: int, body: bytes) -> str:
        """Return what is wrong with an answer; "" if it is right."""
        if status != 200:
            return f"status {status}: {body[:120]!r}"
        if not kind.is_right(body):
            return f"{len(body)} bytes that are not the answer: {body[-120:]!r}"
        if kind.name == "health":
            self._releases[json.loads(body)["release"]] += 1
        return ""


if __name__ == "__main__":
    load = Load(*sys.argv[1:4], Path(sys.argv[4]), LOADS[sys.argv[5]])
    print(json.dumps(asyncio.run(load.run())))
