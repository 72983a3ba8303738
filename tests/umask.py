"""The umask that hosts' daemons have, for tests that make files which other users read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

USUAL = 0o022
"""Source: systemd.exec(5), UMask=. A person's own may let nobody else read what they make."""


@contextlib.contextmanager
def usual_umask() -> Iterator[None]:
    """Have it, whatever umask the tests were started with."""
    before = os.umask(USUAL)
    try:
        yield
    finally:
        os.umask(before)
