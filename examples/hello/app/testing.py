"""Endpoints for tests under load; they exist only with HELLO_TEST_ENDPOINTS=1."""

from __future__ import annotations

import hashlib
import time

from flask import Blueprint, Response, abort, current_app, jsonify, request

blueprint = Blueprint("testing", __name__)

_LONGEST_S = 30.0


@blueprint.get("/slow")
def slow() -> Response:
    """Answer after `?seconds=`, from 0 to 30."""
    seconds = request.args.get("seconds", default=1.0, type=float)
    # Written so that "nan", which compares false with everything, is refused too.
    if seconds is None or not 0 <= seconds <= _LONGEST_S:
        abort(400, f"seconds must be from 0 to {_LONGEST_S:g}.")
    time.sleep(seconds)
    return jsonify(slept_s=seconds, release=current_app.config["RELEASE"])


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
