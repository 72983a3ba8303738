"""What the clients of a load do (load.py): the kinds of requests, and the loads made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

PAUSE_S = 0.04
"""Between two requests of a client: the load is steady, it does not saturate the machine."""

SLOW_S = 1
BODY = b"x" * 2000

DRAIN_S = 9
"""`drain_timeout_s` of an app under ENDURANCE: longer than its slowest requests that must end."""

UPLOAD = bytes(range(256)) * (5 * 4096)
"""5 MB, as of a photograph."""


@dataclass(frozen=True)
class Kind:
    """What one client does over and over.

    Args:
        name: As the result calls it.
        clients: How many of them there are.
        method, path, body: Its request.
        keep: Whether it keeps its connection.
        pause_s: Between two requests.
        is_right: Whether a body is the whole answer to it.
        may_end_after_s: Age in seconds from which on its answer may be cut short; None: never.
        talks_s: For how long it talks over a websocket; 0 for a request like any other.
    """

    name: str
    clients: int
    method: str = "GET"
    path: str = "/"
    body: bytes = b""
    keep: bool = True
    pause_s: float = PAUSE_S
    is_right: Callable[[bytes], bool] = bool
    may_end_after_s: float | None = None
    talks_s: float = 0.0


def _is_uploaded(body: bytes) -> bool:
    digest = hashlib.sha256(UPLOAD).hexdigest()
    answer = json.loads(body)
    return bool(answer == {"size_bytes": len(UPLOAD), "sha256": digest})


def _is_streamed(body: bytes) -> bool:
    return body.endswith(b"\nend\n")


STEADY = (
    Kind("keep-alive", 4),
    Kind("health", 2, path="/healthz"),
    Kind("anew", 2, keep=False),
    Kind("post", 2, "POST", "/echo", BODY, is_right=BODY.__eq__),
    Kind("slow", 3, path=f"/slow?seconds={SLOW_S}"),
)

ENDURANCE = (
    *STEADY,
    # Its connection lies idle for longer than a switch takes, and is used again.
    Kind("held", 4, pause_s=DRAIN_S * 2),
    Kind("upload", 2, "POST", "/upload", UPLOAD, pause_s=0.5, is_right=_is_uploaded),
    Kind("8 seconds", 4, path="/slow?seconds=8"),
    Kind("short stream", 2, path="/stream?seconds=5", is_right=_is_streamed),
    Kind(
        "long stream",
        2,
        path="/stream?seconds=50",
        is_right=_is_streamed,
        may_end_after_s=DRAIN_S,
    ),
    # Only an app that has one (tests/chaos/sockets.py) answers it.
    Kind("websocket", 2, path="/say-again", may_end_after_s=DRAIN_S, talks_s=50),
)

REPEATABLE = tuple(kind for kind in STEADY if kind.method == "GET")
"""For times at which nginx reloads: it closes connections that lie idle, and a POST that is on its
way there just then cannot be sent again by anybody. Source: RFC 9112, 9.3.1."""

UPLOADS = (
    *STEADY,
    Kind("upload", 1, "POST", "/upload", UPLOAD, pause_s=0.5, is_right=_is_uploaded),
)

LOADS = {"steady": STEADY, "uploads": UPLOADS, "endurance": ENDURANCE, "repeatable": REPEATABLE}
