"""Compressed copies of published files, which the web server sends to browsers that take them."""

from __future__ import annotations

import gzip
from typing import Container

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System

GZIP, BROTLI = ".gz", ".br"
COPIES = (GZIP, BROTLI)
"""How the name of a copy ends."""

COMPRESSIBLE = (".css", ".js", ".mjs", ".svg", ".html", ".json", ".map", ".txt", ".xml", ".wasm")
COMPRESS_FROM_BYTES = 1024
"""Smaller files fit into a packet or two either way."""

BROTLI_UP_TO_BYTES = 8 << 20
"""Browsers seldom load larger files of these types; see also programs.KEPT_BYTES."""

BEST_UP_TO_BYTES = 2 << 20
"""The best quality takes some two seconds for each megabyte of text."""

BEST, FAST = 11, 5
"""Qualities of brotli. Fast is still smaller than gzip's best. Source: brotli(1)."""

PROGRAM = "/usr/bin/brotli"
"""Of Debian's package brotli."""

BROTLI_TIMEOUT_S = 30.0

LEAST_WINDOW, LARGEST_WINDOW = 16, 24
"""Powers of two; browsers accept no larger one. Source: RFC 7932, section 9.1."""


def is_compressible(path: str, size: int) -> bool:
    """Return whether a file of this name and size is worth compressing."""
    return path.endswith(COMPRESSIBLE) and size >= COMPRESS_FROM_BYTES


def original_of(path: str) -> str:
    """Return the path of the file that a path may be a copy of; itself where it is none."""
    for suffix in COPIES:
        if path.endswith(suffix):
            return path[: -len(suffix)]
    return path


def is_free(copy: str, files: Container[str], folders: Container[str]) -> bool:
    """Return whether a release itself has nothing of a copy's name: it may bring its own."""
    return copy not in files and copy not in folders


def gzipped(data: bytes) -> bytes:
    """Return the copy, or b"" where it would not be smaller.

    It has no time stamp, so that every host serves the same bytes.
    """
    copy = gzip.compress(data, 9, mtime=0)
    return copy if len(copy) < len(data) else b""


def brotlied(data: bytes, system: System, *, fast: bool) -> bytes:
    """Return the copy, or b"" where it would not be smaller.

    What compresses is not root: the data is an app's.

    Args:
        data: At most BROTLI_UP_TO_BYTES.
        system: The machine; it has PROGRAM.
        fast: Compress less.

    Raises:
        AgentError: the program failed, or took longer than BROTLI_TIMEOUT_S.
    """
    quality = FAST if fast or len(data) > BEST_UP_TO_BYTES else BEST
    window = min(max(len(data).bit_length(), LEAST_WINDOW), LARGEST_WINDOW)
    copy = system.filter(
        # After whatever else the host has to do.
        ["nice", "-n19", PROGRAM, f"--quality={quality}", f"--lgwin={window}", "--stdout", "-"],
        data,
        user="nobody",
        timeout_s=BROTLI_TIMEOUT_S,
    )
    if not copy:
        raise AgentError(f"{PROGRAM} printed nothing")
    return copy if len(copy) < len(data) else b""
