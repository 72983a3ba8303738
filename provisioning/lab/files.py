"""Write files for the person who started the lab, whatever this process's umask is."""

from __future__ import annotations

import os
from pathlib import Path


def write_file(path: Path, text: str, mode: int) -> None:
    """Write a file with exactly that mode; missing directories are made for all to read."""
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir()
        parent.chmod(0o755)
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)


def replace_file(path: Path, text: str) -> None:
    """Write a private file so that a reader sees the old one or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write_file(temporary, text, 0o600)
    give_to_invoker(temporary)
    temporary.rename(path)


def give_to_invoker(path: Path) -> None:
    """Hand a file to the person behind sudo, who goes on without it.

    Source: sudo(8): SUDO_UID and SUDO_GID.
    """
    if os.geteuid() == 0 and "SUDO_UID" in os.environ and "SUDO_GID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
