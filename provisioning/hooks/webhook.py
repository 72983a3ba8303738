"""A notification: a JSON object that is posted to a URL, which no output shows."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from provisioning.hooks.failure import HookFailedError
from provisioning.secrets import REDACTOR, Secret

PAUSES_S = (1.0, 3.0)
"""Before the second and the third attempt."""

# Source: RFC 9110, 15.5.9 (Request Timeout), RFC 6585, 4 (Too Many Requests).
TRIED_AGAIN = (408, 429)

PATH_CHARS = 8
"""A shorter path of a URL is no secret, and may be part of innocent words."""


class _Attempt(NamedTuple):
    """How one attempt went: "" is well.

    Args:
        problem: Reads on after the hook.
        again: Whether another attempt may go better.
    """

    problem: str
    again: bool = True


def check_url(url: Secret) -> str:
    """Return what is wrong with a URL, or ""; from now on its path is masked too.

    The URL itself is in no message: who knows it may post.
    """
    text = url.reveal()
    if not text.isascii() or not text.isprintable() or " " in text:
        return "is not a URL: it holds a space or another character that must be encoded"
    try:
        parts = urllib.parse.urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        return "is not a URL that begins with https:// or http:// and names a host"
    if "@" in parts.netloc:
        return "is a URL with a user's name, which is not supported"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if len(path) >= PATH_CHARS:
        REDACTOR.add(path)
    return ""


def post(
    url: Secret,
    message: Mapping[str, Any],
    *,
    timeout_s: float,
    pauses_s: Sequence[float] = PAUSES_S,
) -> None:
    """Post a message; it has arrived when the answer's status is 2xx.

    One that was answered too late or not at all may have arrived, and arrives again: its
    `id` and `stage` tell the receiver.

    Args:
        url: Where to; `check_url` found nothing wrong with it.
        message: Plain values.
        timeout_s: Of each attempt, in seconds.
        pauses_s: Before each attempt but the first, in seconds.

    Raises:
        HookFailedError: it did not arrive.
    """
    data = json.dumps(message).encode()
    attempts = 1
    attempt = _in_time(url, data, timeout_s)
    for pause_s in pauses_s:
        if not attempt.problem or not attempt.again:
            break
        time.sleep(pause_s)
        attempts += 1
        attempt = _in_time(url, data, timeout_s)
    if attempt.problem:
        times = f", {attempts} times" if attempts > 1 else ""
        raise HookFailedError(REDACTOR.redact(attempt.problem) + times)


def _in_time(url: Secret, data: bytes, timeout_s: float) -> _Attempt:
    """Try once. The library's timeout is that of one word; neither names nor drops are bound."""
    outcome: queue.SimpleQueue[_Attempt] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: outcome.put(_try(url, data, timeout_s)), name="webhook", daemon=True
    ).start()
    try:
        return outcome.get(timeout=timeout_s)
    except queue.Empty:
        return _Attempt(f"was not answered within {timeout_s:.0f} s")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, and the message be lost."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the answer is an error like others."""


def _try(url: Secret, data: bytes, timeout_s: float) -> _Attempt:
    request = urllib.request.Request(  # noqa: S310 - check_url permits http and https only
        url.reveal(),
        data,
        {"Content-Type": "application/json", "User-Agent": "homeport"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s):
            return _Attempt("")
    except urllib.error.HTTPError as error:
        with error:
            again = error.code >= 500 or error.code in TRIED_AGAIN
            return _Attempt(f"was answered {error.code}", again)
    except urllib.error.URLError as error:
        return _Attempt(f"could not be delivered: {_reason(error.reason)}")
    except http.client.RemoteDisconnected:
        return _Attempt("was not answered: the connection was closed")
    except http.client.HTTPException:
        # Its own words may quote the URL, or the nonsense.
        return _Attempt("was answered by something that is not HTTP")
    except OSError as error:
        return _Attempt(f"could not be delivered: {_reason(error)}")
    except ValueError:
        return _Attempt("could not be delivered: the URL is not one", again=False)


def _reason(error: BaseException | str) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return getattr(error, "strerror", None) or str(error)
