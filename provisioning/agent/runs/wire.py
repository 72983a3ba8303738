"""Frames: how controller and agent talk, both ways, over one byte stream.

    length   4 bytes, big-endian: of what follows
    type     1 byte
    body     JSON object (type J), zlib-compressed JSON (Z), or
             a blob: 32 bytes of SHA-256 and the bytes, zlib-compressed (B)

No I/O happens here: bytes in, frames out.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import Any, Dict, Iterator, Tuple, Union

Message = Dict[str, Any]
Frame = Union[Message, Tuple[str, bytes]]
"""A message, or a blob as (digest, data)."""

HEADER = struct.Struct("!IB")
JSON, PACKED, BLOB = b"JZB"

MAX_FRAME_BYTES = 1 << 30
"""More than this is not a frame but noise read as a length."""

PACK_FROM_BYTES = 512
"""Below this compression gains nothing."""


class WireError(Exception):
    """What came is not what the other side of this version would send."""


def pack(message: Message) -> bytes:
    """Return a message as a frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) >= PACK_FROM_BYTES:
        return _frame(PACKED, zlib.compress(body, 6))
    return _frame(JSON, body)


def pack_blob(data: bytes) -> bytes:
    """Return content as a frame. Level 1: source code shrinks fourfold and costs little."""
    return _frame(BLOB, hashlib.sha256(data).digest() + zlib.compress(data, 1))


def _frame(type_: int, body: bytes) -> bytes:
    return HEADER.pack(len(body) + 1, type_) + body


class Decoder:
    """Collects bytes and yields whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._buffer += data

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that are complete.

        Raises:
            WireError: the bytes are no frames, or a blob is not what its digest says.
        """
        while len(self._buffer) >= HEADER.size:
            length, type_ = HEADER.unpack_from(self._buffer)
            if not 1 <= length <= MAX_FRAME_BYTES:
                raise WireError(f"a frame cannot be {length} bytes long")
            end = HEADER.size - 1 + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[HEADER.size : end])
            del self._buffer[:end]
            yield _decode(type_, body)


def _decode(type_: int, body: bytes) -> Frame:
    try:
        if type_ == BLOB:
            data = zlib.decompress(body[32:])
            if hashlib.sha256(data).digest() != body[:32]:
                raise WireError("a blob arrived damaged")
            return body[:32].hex(), data
        if type_ in (JSON, PACKED):
            message = json.loads(zlib.decompress(body) if type_ == PACKED else body)
            if isinstance(message, dict):
                return message
    except (ValueError, zlib.error) as error:
        raise WireError(f"cannot read a frame: {error}") from error
    raise WireError(f"unknown frame type {type_}")
