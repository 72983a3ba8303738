"""Visitors who mean no harm, while others do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.attacks.clients import NAME, encrypted
from tests.attacks.streets import Street

PATHS = ("/", "/healthz", "/static/style.css")
PAUSE_S = 0.2
"""Between two requests: no visitor asks faster than the app permits."""

AT_LEAST = 5
"""How many answers make a visitor of each street."""


@contextmanager
def served(streets: Sequence[Street]) -> Iterator[None]:
    """Have a visitor on each street for the length of a block: each request is answered 200."""
    over = threading.Event()
    answers: dict[Street, Counter[str]] = {street: Counter() for street in streets}
    visitors = [
        threading.Thread(target=_visit, args=(street, answers[street], over)) for street in streets
    ]
    for visitor in visitors:
        visitor.start()
    try:
        yield
        while any(sum(each.values()) < AT_LEAST for each in answers.values()):
            time.sleep(PAUSE_S)
    finally:
        over.set()
        for visitor in visitors:
            visitor.join()
    for street, each in answers.items():
        assert set(each) == {"200"}, (street, each)


def _visit(street: Street, answers: Counter[str], over: threading.Event) -> None:
    while not over.is_set():
        for path in PATHS:
            answers[_status(street, path)] += 1
            over.wait(PAUSE_S)


def _status(street: Street, path: str) -> str:
    asked = f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
    try:
        with contextlib.closing(encrypted(street)) as connection:
            connection.sendall(asked.encode())
            answer = b""
            while data := connection.recv(65536):
                answer += data
    except OSError as error:
        return repr(error)
    return answer[9:12].decode(errors="replace")
