"""Frames: how controller and agent talk, both ways, over one byte stream.

    length   4 bytes, big-endian: of what follows
    type     1 byte
    body     JSON object (type J), zlib-compressed JSON (Z), or
             a blob: 32 bytes of SHA-256 and the bytes, zlib-compressed (B)

No I/O happens here: bytes in, frames out. A host may be hostile, and the controller talks to many:
what comes from one is bounded (`FROM_HOST`), also in what it stands for once it is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Tuple, Union

Message = Dict[str, Any]
Frame = Union[Message, Tuple[str, bytes]]
"""A message, or a blob as (digest, data)."""

HEADER = struct.Struct("!IB")
JSON, PACKED, BLOB = b"JZB"

MAX_FRAME_BYTES = 1 << 30
"""A greater length is not a frame but noise."""


@dataclass(frozen=True)
class Limits:
    """How much may come from the other side.

    Args:
        frame_bytes: Of a frame as it travels.
        message_bytes: Of a message, unpacked.
        message_parts: Of lists, objects and values in a message: a list costs 2 bytes of text, and
            in memory some 60.
        blob_bytes: Of a content, unpacked; 0 for none.
    """

    frame_bytes: int
    message_bytes: int
    message_parts: int
    blob_bytes: int


FROM_CONTROLLER = Limits(MAX_FRAME_BYTES, 1 << 30, 1 << 30, 1 << 32)
"""A file goes as one frame, whatever its size; a plan names all files of a release."""

FROM_HOST = Limits(16 << 20, 64 << 20, 2_000_000, 0)
"""The longest message of an agent is the list of missing files: 100 000 of them are 7 MB."""

PACK_FROM_BYTES = 512
"""Below this compression gains nothing."""


class WireError(Exception):
    """The received bytes are not what the other side of this version would send."""


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
    """Collects bytes and yields whole frames.

    Args:
        limits: Of what may come.
    """

    def __init__(self, limits: Limits = FROM_CONTROLLER) -> None:
        self._limits = limits
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._buffer += data

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames that are complete.

        Raises:
            WireError: the bytes are no frames, or a blob is not what its digest says.
        """
        for frame in self.unread():
            yield _decode(frame[HEADER.size - 1], frame[HEADER.size :], self._limits)

    def unread(self) -> Iterator[bytes]:
        """Yield the frames that are complete, as they came.

        Raises:
            WireError: the bytes are no frames.
        """
        while len(self._buffer) >= HEADER.size:
            length, _ = HEADER.unpack_from(self._buffer)
            if not 1 <= length <= self._limits.frame_bytes:
                raise WireError(f"a frame cannot be {length} bytes long")
            end = HEADER.size - 1 + length
            if len(self._buffer) < end:
                return
            frame = bytes(memoryview(self._buffer)[:end])
            del self._buffer[:end]
            yield frame


def _decode(type_: int, body: bytes, limits: Limits) -> Frame:
    if type_ == BLOB and limits.blob_bytes:
        data = _unpacked(body[32:], limits.blob_bytes)
        if hashlib.sha256(data).digest() != body[:32]:
            raise WireError("a blob arrived damaged")
        return body[:32].hex(), data
    if type_ in (JSON, PACKED):
        text = _unpacked(body, limits.message_bytes) if type_ == PACKED else body
        return _message(text, limits)
    raise WireError(f"unknown frame type {type_}")


def _unpacked(body: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise WireError(f"cannot read a frame: {error}") from error
    if len(data) > limit:
        raise WireError(f"a frame cannot decompress to more than {limit} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise WireError(
            "cannot read a frame: its compressed data is incomplete, or other data follows it"
        )
    return data


def _message(text: bytes, limits: Limits) -> Message:
    # Before it is read: there is no bound while it is. Some stand within texts; there is room.
    if sum(text.count(each) for each in (b"[", b"{", b",")) > limits.message_parts:
        raise WireError(f"a message cannot have more than {limits.message_parts} parts")
    try:
        message = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise WireError(f"cannot read a frame: {error}") from error
    if not isinstance(message, dict):
        raise WireError("cannot read a frame: it is not a message")
    return message


def _no_number(text: str) -> None:
    """Refuse what Python takes for a number, and JSON does not. Source: json, parse_constant."""
    raise ValueError(f"{text} is not a number")
