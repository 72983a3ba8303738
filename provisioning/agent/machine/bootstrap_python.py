"""The Python that a bare host was lent to begin with (see bootstrap/start.sh)."""

from __future__ import annotations

import os
import shutil

from provisioning.agent import layout


def sweep() -> None:
    """Remove a borrowed Python that nobody uses any more.

    The shell that fetched it removes it at its end; if the host lost its power or the
    shell was killed, nobody else would.
    """
    if os.path.isdir(layout.BORROWED_PYTHON) and not _in_use():
        shutil.rmtree(layout.BORROWED_PYTHON, ignore_errors=True)


def _in_use() -> bool:
    prefix = layout.BORROWED_PYTHON + os.sep
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/exe").startswith(prefix):
                return True
        except OSError:
            continue
    return False
