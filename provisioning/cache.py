"""Where the controller keeps what may be lost."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """Return Homeport's directory in the person's cache. Source: XDG Base Directory."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "homeport"
