"""Frames: whatever way the bytes arrive, the same comes out."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from provisioning.agent.runs.wire import MAX_FRAME_BYTES, Decoder, Frame, WireError, pack, pack_blob

FRAMES: list[Frame] = [
    {"hello": {"python": "3.9"}},
    {"text": "ä\n\x00\ud800"},
    {"long": "x" * 5000},
    {},
]
BLOBS = [b"", b"\x00" * 70000, bytes(range(256)) * 9]


def _stream() -> bytes:
    return b"".join(
        [*(pack(each) for each in FRAMES if isinstance(each, dict)), *map(pack_blob, BLOBS)]
    )


def _decode(parts: list[bytes]) -> list[Frame]:
    decoder, found = Decoder(), []
    for part in parts:
        decoder.feed(part)
        found += list(decoder)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_frames_do_not_depend_on_where_the_stream_is_cut(seed: int) -> None:
    chance, data = random.Random(seed), _stream()
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(60)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    found = _decode(parts)
    assert found[: len(FRAMES)] == FRAMES
    assert [each[1] for each in found[len(FRAMES) :] if isinstance(each, tuple)] == BLOBS


def test_frames_arrive_byte_by_byte() -> None:
    data = pack({"a": 1}) + pack_blob(b"xyz")
    assert len(_decode([bytes([each]) for each in data])) == 2


def test_every_beginning_of_a_stream_gives_whole_frames_only() -> None:
    data = pack({"a": 1}) + pack({"b": 2})
    counts = [len(_decode([data[:end]])) for end in range(len(data) + 1)]
    assert counts == sorted(counts)
    assert counts[-1] == 2
    assert counts[-2] == 1


def test_a_long_message_is_compressed() -> None:
    assert len(pack({"long": "x" * 100_000})) < 1000


@pytest.mark.parametrize("length", [0, MAX_FRAME_BYTES + 1, 0xFFFFFFFF])
def test_a_length_that_no_frame_has_is_refused(length: int) -> None:
    with pytest.raises(WireError, match="cannot be"):
        _decode([struct.pack("!IB", length, ord("J"))])


def test_a_damaged_blob_is_refused() -> None:
    data = bytearray(pack_blob(b"content"))
    data[10] ^= 1  # within the digest
    with pytest.raises(WireError, match="damaged"):
        _decode([bytes(data)])


@pytest.mark.parametrize("seed", range(40))
def test_noise_is_refused_or_waited_for_but_never_believed(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(_stream())
    for _ in range(5):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    try:
        found = _decode([bytes(data)])
    except WireError:
        return
    assert all(isinstance(each, (dict, tuple)) for each in found)


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        (b"X", b"{}"),
        (b"J", b"[1]"),
        (b"J", b"{"),
        (b"J", b"\xff"),
        (b"Z", b"not compressed"),
        (b"Z", zlib.compress(b"3")),
        (b"B", b"short"),
    ],
)
def test_what_is_no_frame_is_refused(type_: bytes, body: bytes) -> None:
    with pytest.raises(WireError):
        _decode([struct.pack("!I", len(body) + 1) + type_ + body])
