"""Packages that Homeport itself installs on hosts, with the hash of each file."""

from __future__ import annotations

import functools
import re
from pathlib import Path

_FOLDER = Path(__file__).parent


@functools.cache
def lock_text(name: str) -> str:
    """Return a lock file as pip and uv read it."""
    return (_FOLDER / f"{name}.txt").read_text()


def read_lock(name: str) -> dict[str, str]:
    """Return the lines of a lock file: distribution -> its requirements with hashes.

    Of one there may be several, each on a line of its own: one Python takes another version.
    Source: PEP 503 for how names are compared.
    """
    joined = lock_text(name).replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in joined.splitlines())
    found: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith("#"):
            distribution = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
            name = re.sub(r"[-_.]+", "-", distribution).lower()
            found[name] = f"{found[name]}\n{line}" if name in found else line
    return found
