"""What a visitor can do to a host with connections and frames that no browser would send.

Each attack comes over IPv4 and IPv6 at once, from an address each, while a visitor from another
address of each kind asks for pages, the health path and static files, and gets every answer.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from provisioning.lab import LabHost
from tests.attacks.clients import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    NAME,
    PATIENCE_S,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Heard,
    Http2,
    connected,
    encrypted,
    fields,
    frame,
)
from tests.attacks.meanwhile import served
from tests.attacks.streets import Street, Streets, streets

pytestmark = pytest.mark.lab

BURST, SIMULTANEOUS, STREAMS = 200, 50, 32
"""What nginx lets one address have: `burst`, limit_conn, http2_max_concurrent_streams."""

QUIET_S = 3
"""The server has said what it says at once; how long that is decides nothing."""

REQUESTS_OF_A_CONNECTION = 1000
"""Source: nginx's documentation, keepalive_requests."""


@dataclass(frozen=True)
class Besieged:
    """A host under attack.

    Args:
        host: The host.
        streets: The ways to it.
    """

    host: LabHost
    streets: Streets

    @property
    def cores(self) -> int:
        return int(self.host.run("nproc").stdout)

    @property
    def workers(self) -> list[str]:
        """The process ids of nginx's workers."""
        master = "$(systemctl show --property MainPID --value nginx.service)"
        return self.host.shell(f"cat /proc/{master}/task/{master}/children").split()

    def logged(self, street: Street) -> list[dict[str, str]]:
        """Return what the access log says of an address."""
        lines = self.host.path("/var/log/nginx/access.log").read_text().splitlines()
        return [each for each in map(json.loads, lines) if each["client"] == street.source]

    def refused(self, street: Street) -> int:
        """Return how many requests of an address are logged as refused."""
        return sum(each["status"] == "429" for each in self.logged(street))

    @property
    def errors(self) -> list[str]:
        """The lines of nginx's error log."""
        return self.host.path("/var/log/nginx/error.log").read_text().splitlines()

    def must_be_unharmed(self, workers: list[str], before: int) -> None:
        """Fail unless the same workers are there, with no complaint of things run out of.

        Args:
            workers: As they were before.
            before: How many errors there were.
        """
        assert self.workers == workers
        complaints = [
            line
            for line in self.errors[before:]
            if any(word in line for word in ("[alert]", "[crit]", "[emerg]", "not enough"))
            # A client is gone amid its handshake.
            and "SSL_do_handshake() failed" not in line
        ]
        assert complaints == []


@pytest.fixture(params=["trixie", pytest.param("bookworm", marks=pytest.mark.thorough)])
def besieged(request: pytest.FixtureRequest, lab, deployed_host) -> Iterator[Besieged]:
    host = deployed_host(request.param)
    with streets(lab, host) as ways:
        made = Besieged(host, ways)
        workers, before = made.workers, len(made.errors)
        with served(ways.others):
            yield made
        made.must_be_unharmed(workers, before)


def at_once(attack: Callable[[Street], object], ways: Streets) -> list:
    """Attack over IPv4 and IPv6 side by side; return what each came to, in this order."""
    found: dict[Street, object] = {}

    def attacked(street: Street) -> None:
        found[street] = attack(street)

    threads = [threading.Thread(target=attacked, args=(street,)) for street in ways.attackers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[street] for street in ways.attackers]


def each_at_once(
    attack: Callable[[Street, bytes], Heard], parts: Mapping[str, bytes], ways: Streets
) -> list[Heard]:
    """Attack with each of these from each address, all side by side; return what they heard."""

    def attacked(street: Street) -> list[Heard]:
        with ThreadPoolExecutor(len(parts)) as threads:
            return list(threads.map(lambda part: attack(street, part), parts.values()))

    found = [heard for each in at_once(attacked, ways) for heard in each]
    assert len(found) == 2 * len(parts)
    return found


# Floods


CONNECTIONS = 12
"""One after the other: nginx closes each before its requests are as many as the burst."""


def test_requests_that_are_taken_back_at_once_are_limited_as_others_are(besieged):
    """Rapid reset, CVE-2023-44487."""

    def reset(street: Street) -> list[Heard]:
        return [reset_once(street) for _ in range(CONNECTIONS)]

    def reset_once(street: Street) -> Heard:
        client = Http2(street)
        for stream in range(1, 6000, 2):
            request = frame(HEADERS, END_STREAM | END_HEADERS, stream, fields("/"))
            if not client.say(request + frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))):
                break
        return client.heard()

    for street, heard in zip(
        besieged.streets.attackers, at_once(reset, besieged.streets), strict=True
    ):
        assert all(each.closed for each in heard)
        logged = besieged.logged(street)
        assert 0 < len(logged) <= CONNECTIONS * REQUESTS_OF_A_CONNECTION
        passed = [each for each in logged if each["limited"] == "PASSED"]
        # The burst, and what the rate permits of what was sent in the seconds that it took.
        assert len(passed) <= 3 * BURST
        assert len(passed) < len(logged)


ENDLESS = {
    "fields": frame(CONTINUATION, 0, 1, b"\0\4name\x10" + b"v" * 16),
    "empty": frame(CONTINUATION, 0, 1, b""),
}
"""What a header may go on with, and never end."""

IDLE_WORDS = {
    "ping": frame(PING, 0, 0, b"12345678"),
    "settings": frame(SETTINGS, 0, 0),
    "priority": frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"),
    "window-update": frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
}
"""Frames that ask for nothing."""


def test_a_header_without_end_is_given_up(besieged):
    def endless(street: Street, part: bytes):
        client = Http2(street)
        client.say(frame(HEADERS, END_STREAM, 1, fields("/")))
        for _ in range(2000):
            client.say(part * 10)
        return client.heard()

    for heard in each_at_once(endless, ENDLESS, besieged.streets):
        assert heard.closed
        # One stream came of it: an error page, or none.
        assert heard.frames[HEADERS] <= 1
        assert heard.frames[DATA] <= 1


def test_frames_that_ask_for_nothing_end_the_connection(besieged):
    def flood(street: Street, part: bytes):
        client = Http2(street)
        for _ in range(1000):
            if not client.say(part * 100):
                break
        return client.heard()

    for heard in each_at_once(flood, IDLE_WORDS, besieged.streets):
        assert heard.closed
        assert heard.frames[HEADERS] == 0


def test_a_connection_has_only_so_many_requests_at_a_time(besieged):
    def ask(street: Street):
        client = Http2(street)
        client.say(
            b"".join(
                frame(HEADERS, END_STREAM | END_HEADERS, stream, fields("/slow?seconds=1"))
                for stream in range(1, 256, 2)
            )
        )
        return client.heard(QUIET_S)

    for heard in at_once(ask, besieged.streets):
        # None of the first has ended before the last is asked for.
        assert heard.refused == 128 - STREAMS


# Slowness


def test_half_requests_of_one_address_keep_nobody_out(besieged):
    """More connections than one nginx of old had room for: 2048 for each worker."""
    number = 2250 * besieged.cores // 2

    def hold(street: Street) -> Counter[str]:
        with contextlib.ExitStack() as held:
            connections = []
            for each in range(number):
                connection = held.enter_context(connected(street, 80 if each % 2 else 443))
                # The beginning of a request, and of a TLS handshake.
                half = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n".encode() if each % 2 else b"\x16\3\1"
                connection.sendall(half)
                connections.append(connection)
            return Counter(_ending(connection) for connection in connections)

    for endings in at_once(hold, besieged.streets):
        assert endings == {"closed": number}


def test_slow_bodies_are_limited_and_do_not_reach_the_app(besieged):
    head = f"POST /echo HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\nx".encode()

    def trickle(street: Street) -> Counter[str]:
        with contextlib.ExitStack() as held:
            connections = []
            for _ in range(200):
                connection = held.enter_context(encrypted(street))
                connection.sendall(head)
                connections.append(connection)
            return Counter(_ending(connection) for connection in connections)

    for street, endings in zip(
        besieged.streets.attackers, at_once(trickle, besieged.streets), strict=True
    ):
        # A refusal may be lost with the connection, which nginx resets: the log has all of them.
        assert set(endings) <= {"429", "408", "closed"}
        logged = besieged.logged(street)
        statuses = Counter(each["status"] for each in logged)
        assert set(statuses) <= {"429", "408"}
        assert sum(statuses.values()) == 200
        # What was let through: fifty at a time, for as long as it took to ask.
        assert statuses["408"] <= 2 * SIMULTANEOUS
        # The app was asked for none of them.
        assert {each["upstream_status"] for each in logged} == {""}


def test_answers_that_nobody_reads_take_no_files_and_no_memory_from_others(besieged):
    """Each stream holds an open file. Before, 64 connections were enough for all of nginx's."""
    connections = 75

    def ask(street: Street) -> list[int]:
        clients = [Http2(street, window=0) for _ in range(connections)]
        for client in clients:
            client.say(
                b"".join(
                    frame(HEADERS, END_STREAM | END_HEADERS, stream, fields("/static/style.css"))
                    for stream in range(1, 256, 2)
                )
            )
        with ThreadPoolExecutor(connections) as threads:
            return [
                heard.refused for heard in threads.map(lambda each: each.heard(QUIET_S), clients)
            ]

    for refused in at_once(ask, besieged.streets):
        assert len(refused) == connections
        assert min(refused) >= 128 - STREAMS
    for street in besieged.streets.attackers:
        # Of 75 x 32 only a thousand had a file, at a time. A line is logged once its stream is
        # gone, and nginx has noticed that the client is.
        deadline = time.monotonic() + PATIENCE_S
        while besieged.refused(street) < connections * STREAMS - 2 * 1000:
            assert time.monotonic() < deadline, besieged.refused(street)
            time.sleep(0.1)


def test_a_large_answer_that_is_not_read_keeps_no_thread_of_the_app(besieged):
    body = b"x" * 2_000_000
    head = f"POST /echo HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def ask(street: Street) -> Counter[str]:
        with contextlib.ExitStack() as held:
            # More of them than the app has threads: two workers of four each.
            connections = [held.enter_context(encrypted(street)) for _ in range(20)]
            for connection in connections:
                connection.sendall(head + body)
            time.sleep(3)
            return Counter(_ending(connection) for connection in connections)

    for endings in at_once(ask, besieged.streets):
        assert set(endings) <= {"200", "closed"}


@pytest.mark.thorough
def test_waiting_connections_are_closed(besieged):
    """Those that say nothing at all, those that say it in drops, those that only ping."""

    def wait(street: Street) -> list[str]:
        drops = Http2(street)
        drops.say(frame(HEADERS, END_STREAM, 1, fields("/")))
        pings = Http2(street)
        silent = connected(street)
        idle = Http2(street)
        for _ in range(30):
            time.sleep(0.5)
            drops.say(frame(CONTINUATION, 0, 1))
            pings.say(frame(PING, 0, 0, b"12345678"))
        with silent:
            return [
                _ending(silent),
                *("closed" if each.heard().closed else "open" for each in (drops, pings, idle)),
            ]

    assert at_once(wait, besieged.streets) == [["closed"] * 4] * 2


def _ending(connection: socket.socket) -> str:
    """Return the status of what the server says, or "closed" where it says nothing more."""
    connection.settimeout(PATIENCE_S)
    try:
        said = connection.recv(64)
    except TimeoutError:
        return "open"
    except OSError:
        return "closed"
    return said[9:12].decode(errors="replace") if said.startswith(b"HTTP/") else "closed"
