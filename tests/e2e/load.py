"""Steady load from outside, as a program of its own; it counts every request that fails.

    python -m tests.e2e.load ADDRESS NAME CA_FILE STOP_FILE

Keep-alive clients, clients that connect anew for each request, POSTs, and slow requests
that are in flight all the time. A failure is a status that is not 200, a connection that
is refused, or one that is reset after the request was written. A keep-alive connection that
the server closes between two requests is opened again, as browsers do (RFC 9112, 9.3.1):
only if nothing of the answer came, and only for requests that may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

KEEP_ALIVE, ANEW, POSTING, SLOW = 6, 2, 2, 3
PAUSE_S = 0.02
"""Between two requests of a client: the load is steady, it does not saturate the machine."""

SLOW_S = 2


class Load:
    def __init__(self, address: str, name: str, ca_file: str, stop: Path) -> None:
        self.address, self.name, self.stop = address, name, stop
        self.context = ssl.create_default_context(cafile=ca_file)
        self.sent: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest: dict[str, float] = {}
        self.reopened = 0
        self.releases: Counter[str] = Counter()

    async def connect(self):
        return await asyncio.open_connection(
            self.address, 443, ssl=self.context, server_hostname=self.name
        )

    async def request(self, reader, writer, kind: str, method: str, path: str, body: bytes = b"",
                      close: bool = False) -> tuple[int, bytes, bool]:  # fmt: skip
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.name}"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines.append("Connection: close" if close else "Connection: keep-alive")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        headers = {
            key.strip().lower(): value.strip()
            for key, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        if b"content-length" in headers:
            data = await reader.readexactly(int(headers[b"content-length"]))
        elif headers.get(b"transfer-encoding") == b"chunked":
            data = b""
            while size := int(await reader.readline(), 16):
                data += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        else:
            data = await reader.read()
        return status, data, headers.get(b"connection", b"") == b"close"

    async def client(self, kind: str, method: str, path: str, body: bytes = b"",
                     keep: bool = True) -> None:  # fmt: skip
        reader = writer = None
        while not self.stop.exists():
            began = time.monotonic()
            self.sent[kind] += 1
            fresh = writer is None
            try:
                if writer is None:
                    reader, writer = await self.connect()
                try:
                    status, data, closing = await self.request(
                        reader, writer, kind, method, path, body, close=not keep
                    )
                except (asyncio.IncompleteReadError, ConnectionError) as error:
                    partial = getattr(error, "partial", b"")
                    if fresh or partial:
                        raise
                    # An idle connection that the server had closed before it read this.
                    self.reopened += 1
                    reader, writer = await self.connect()
                    status, data, closing = await self.request(
                        reader, writer, kind, method, path, body
                    )
                if status != 200:
                    self.fail(kind, f"status {status}: {data[:120]!r}")
                elif path == "/healthz":
                    self.releases[json.loads(data).get("release", "")] += 1
                if closing or not keep:
                    writer.close()
                    reader = writer = None
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                self.fail(kind, f"{type(error).__name__}: {error}")
                if writer is not None:
                    writer.close()
                reader = writer = None
            self.slowest[kind] = max(self.slowest.get(kind, 0.0), time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)
        if writer is not None:
            writer.close()

    def fail(self, kind: str, why: str) -> None:
        self.failures.append(f"{time.time():.3f} {kind} {why}")

    async def run(self) -> None:
        clients = [self.client("keep-alive", "GET", "/") for _ in range(KEEP_ALIVE - 2)]
        clients += [self.client("health", "GET", "/healthz") for _ in range(2)]
        clients += [self.client("anew", "GET", "/", keep=False) for _ in range(ANEW)]
        clients += [
            self.client("post", "POST", "/echo", b"x" * 2000) for _ in range(POSTING)
        ]
        clients += [
            self.client("slow", "GET", f"/slow?seconds={SLOW_S}") for _ in range(SLOW)
        ]
        began = time.monotonic()
        await asyncio.gather(*clients)
        seconds = time.monotonic() - began
        print(
            json.dumps(
                {
                    "seconds": round(seconds, 1),
                    "sent": dict(self.sent),
                    "per_second": round(sum(self.sent.values()) / seconds),
                    "failures": self.failures,
                    "reopened": self.reopened,
                    "slowest_ms": {k: round(v * 1000) for k, v in self.slowest.items()},
                    "releases": dict(self.releases),
                }
            )
        )


if __name__ == "__main__":
    address, name, ca_file, stop = sys.argv[1:5]
    asyncio.run(Load(address, name, ca_file, Path(stop)).run())
