"""What Python compiles of a release's code: it is Python's, and shared only where it is valid.

A compiled file is valid for a source of the same time and size: Python looks at nothing else. So
it is shared where a release has the very file of an earlier one, under the same path.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from typing import Iterable, Iterator

from provisioning.agent.machine import files

FOLDER = "__pycache__"
_HEADER_BYTES = 16
_INTERPRETER = re.compile(r"python(\d+)\.(\d+)")


def is_pythons(path: str) -> bool:
    """Return whether a path is in Python's cache of compiled files, which no other program uses."""
    return FOLDER in path.split("/")


def tag_of(interpreter: str) -> str:
    """Return the tag of an interpreter in names of compiled files; "" where its name has none."""
    named = _INTERPRETER.fullmatch(os.path.basename(os.path.realpath(interpreter)))
    # Source: PEP 3147; sys.implementation.cache_tag. Debian's Python is CPython.
    return f"cpython-{named[1]}{named[2]}" if named else ""


def share(source: str, path: str, tag: str) -> None:
    """Share what was compiled of a file that has another name now, if it holds for that too.

    Args:
        source: The file, of an earlier release.
        path: The same file's name in a new release, at the same path below its code.
        tag: Of the Python that is to run it.
    """
    if not tag or not source.endswith(".py"):
        return
    compiled, target = _compiled(source, tag), _compiled(path, tag)
    if not _is_valid(compiled, files.lstat(path)):
        return
    files.make_directory(os.path.dirname(target))
    files.link(compiled, target)


def except_for(folders: Iterable[str]) -> Iterator[str]:
    """Yield the arguments of compileall that leave folders out."""
    escaped = [re.escape(each.rstrip("/") + "/") for each in folders]
    if escaped:
        # Source: Python's documentation of compileall, -x: searched for in the full path.
        yield from ("-x", "^(" + "|".join(escaped) + ")")


def _compiled(source: str, tag: str) -> str:
    directory, name = os.path.split(source)
    return os.path.join(directory, FOLDER, f"{name[: -len('.py')]}.{tag}.pyc")


def _is_valid(compiled: str, source: os.stat_result) -> bool:
    """Return whether Python would take what was compiled for a source.

    Source: PEP 552: magic number, flags (0: by time and size), time, size.
    """
    try:
        about = files.lstat(compiled)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != 0:
            return False
        with open(files.open_file(compiled), "rb") as file:
            header = file.read(_HEADER_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if len(header) != _HEADER_BYTES:
        return False
    flags, time, size = struct.unpack("<4xLLL", header)
    expected = (0, int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF)
    return (flags, time, size) == expected
