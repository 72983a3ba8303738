"""Endpoints for tests under load; they exist only with HELLO_TEST_ENDPOINTS=1."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from flask import Blueprint, Response, abort, current_app, jsonify, request

blueprint = Blueprint("testing", __name__)

_LONGEST_S = 30.0
_LONGEST_STREAM_S = 300.0
_STREAM_PAUSE_S = 0.1


@blueprint.get("/slow")
def slow() -> Response:
    """Answer after `?seconds=`, from 0 to 30."""
    seconds = _seconds(_LONGEST_S)
    time.sleep(seconds)
    return jsonify(slept_s=seconds, release=current_app.config["RELEASE"])


@blueprint.get("/stream")
def stream() -> Response:
    """Answer line by line for `?seconds=`, from 0 to 300; the last line is "end"."""
    seconds = _seconds(_LONGEST_STREAM_S)
    release = current_app.config["RELEASE"]

    def lines() -> Iterator[str]:
        until = time.monotonic() + seconds
        yield f"{release}\n"
        while time.monotonic() < until:
            time.sleep(_STREAM_PAUSE_S)
            yield ".\n"
        yield "end\n"

    # nginx passes each line on as it comes.
    return Response(lines(), mimetype="text/plain", headers={"X-Accel-Buffering": "no"})


@blueprint.post("/echo")
def echo() -> Response:
    """Answer with the body that was sent, as bytes that no browser shows as a page."""
    return Response(
        request.get_data(),
        mimetype="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff"},
    )


@blueprint.post("/upload")
def upload() -> Response:
    """Take in the file of a form, or the bare body, and answer with its size and digest."""
    file = request.files.get("file")
    stream = file.stream if file else request.stream
    digest = hashlib.sha256()
    size_bytes = 0
    while chunk := stream.read(64 * 1024):
        digest.update(chunk)
        size_bytes += len(chunk)
    return jsonify(size_bytes=size_bytes, sha256=digest.hexdigest())


def _seconds(longest: float) -> float:
    seconds = request.args.get("seconds", default=1.0, type=float)
    # Written so that "nan", which compares false with everything, is refused too.
    if seconds is None or not 0 <= seconds <= longest:
        abort(400, f"seconds must be from 0 to {longest:g}.")
    return seconds
