"""Compiled templates, kept between commands: compiling them takes longer than rendering them.

They are programs, so they are kept only where nobody else can write. What cannot be kept, or is
damaged, is compiled anew.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from jinja2.bccache import Bucket, FileSystemBytecodeCache

from provisioning.cache import cache_directory

FORMAT = 1
"""Part of each file's name. To be raised with the options of Jinja's environment: they decide what
a template is compiled to, and Jinja does not look at them."""


def bytecode_cache() -> FileSystemBytecodeCache | None:
    """Return the cache in the person's home directory, or None if it cannot be made."""
    directory = cache_directory() / "templates"
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _is_private(directory):
            return _BytecodeCache(str(directory), f"{FORMAT}-%s")
    return None


def _is_private(directory: Path) -> bool:
    """Return whether only this person can write into a directory. A link is none."""
    found = directory.lstat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not (
        found.st_mode & others
    )  # fmt: skip


class _BytecodeCache(FileSystemBytecodeCache):
    """Jinja's own, for which a damaged file or a full disk is no error."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:
            # What pickle and marshal may say of a damaged file is not a short list.
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)
