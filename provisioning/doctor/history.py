"""The history of an app's source, in which no value of a secret may stand.

The values stay on the host: it tells their salted digests, and every word of every file that git
still has is compared with these.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from provisioning.doctor.seen import History

QUOTED = re.compile(rb"""["'`]([^"'`\n]{8,400})["'`]""")
ASSIGNED = re.compile(rb"[=:][ \t]*([^\s\"'`][^\n\"'`]{7,400}?)[ \t\r]*$", re.MULTILINE)
WORD = re.compile(rb"[^\s\"'`,;<>(){}\[\]]{8,400}")
"""What may be a value: KEY = "value", KEY=value, and a word by itself."""

FILE_BYTES, MOST_BYTES, MOST_S = 1 << 20, 512 << 20, 60.0
"""How much of one file, and of all, is searched, and for how long."""

ALL_OBJECTS = ("cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer")

SHOWN = 3

SHORTEST_CHARS = 8
"""Of values: as in `WORD`."""


def search(source: Path, digests: Mapping[str, str], salt: str) -> History:
    """Return where values stand in what git has of a source.

    Args:
        source: The app's folder.
        digests: Variable -> salted digest of its value.
        salt: What the digests begin with.
    """
    sought = {digest: name for name, digest in digests.items()}
    if not sought:
        return History()
    if _git(source, "rev-parse", "--git-dir") is None:
        return History(error="the source is not in git")
    found: dict[str, list[str]] = {}
    searched, left, deadline = 0, MOST_BYTES, time.monotonic() + MOST_S
    with _objects(source) as process:
        assert process.stdout is not None
        for name, data in _blobs(process.stdout):
            searched, left = searched + 1, left - len(data)
            for variable in {sought[each] for each in _digests(data, salt) if each in sought}:
                found.setdefault(variable, []).append(name)
            if left < 0 or time.monotonic() > deadline:
                process.kill()
                break
    late = left < 0 or time.monotonic() > deadline
    places = {
        variable: tuple(_place(source, each) for each in names[:SHOWN])
        for variable, names in found.items()
    }
    return History(places, searched, "it is too large to be searched to its end" if late else "")


def _objects(source: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", "-C", str(source), *ALL_OBJECTS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _blobs(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the id and the beginning of each file. Source: git-cat-file(1), "BATCH OUTPUT"."""
    while head := stream.readline(200):
        name, kind, size = head.decode().split()
        left = int(size) + 1
        data = stream.read(min(left - 1, FILE_BYTES))
        left -= len(data)
        while left:
            left -= len(stream.read(min(left, FILE_BYTES)))
        if kind == "blob":
            yield name, data


def _digests(data: bytes, salt: str) -> Iterator[str]:
    for word in {*QUOTED.findall(data), *ASSIGNED.findall(data), *_words(data)}:
        yield hashlib.sha256(salt.encode() + word).hexdigest()


def _words(data: bytes) -> Iterator[bytes]:
    for word in WORD.findall(data):
        yield word
        # "name=value", where the line goes on.
        yield word.partition(b"=")[2] or word


def _place(source: Path, name: str) -> str:
    """Return the file and the commit of an object, such as "settings.py in 1a2b3c4"."""
    said = _git(source, "log", "--all", f"--find-object={name}", "--format=%h", "--name-only")
    words = [line for line in (said or "").splitlines() if line]
    return f"{words[-1]} in {words[-2]}" if len(words) > 1 else f"git object {name[:10]}"


def _git(source: Path, *arguments: str) -> str | None:
    """Return what git says; None where it fails, or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(source), *arguments],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
