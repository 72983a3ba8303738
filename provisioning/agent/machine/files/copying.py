"""Copy files and trees, as root's."""

from __future__ import annotations

import errno
import os
import stat

from provisioning.agent.machine.files.changing import CREATE, make_directory, write_all
from provisioning.agent.machine.files.paths import descend, directory, parent
from provisioning.agent.machine.files.reading import open_directory, open_entry, open_file
from provisioning.agent.machine.files.trees import MOST_DEPTH, Entry, walk

_COPIED_AT_ONCE = 1 << 20


def copy_content(source: int, target: int) -> None:
    """Copy what an open file holds into another."""
    while True:
        try:
            if os.sendfile(target, source, None, _COPIED_AT_ONCE) == 0:
                return
        except OSError as error:
            # Source: sendfile(2): not every file system can.
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            while data := os.read(source, _COPIED_AT_ONCE):
                write_all(target, data)
            return


def copy_file(source: str, path: str, mode: int) -> None:
    """Copy a regular file to where nothing is, as root's, with its time of change."""
    opened = open_file(source)
    try:
        with parent(path) as (held, name):
            copy_opened(opened, held, name, mode)
    finally:
        os.close(opened)


def copy_opened(opened: int, held: int, name: str, mode: int) -> None:
    """Copy an open regular file into a directory that is held open; see `copy_file`."""
    made = os.open(name, CREATE, 0o600, dir_fd=held)
    try:
        copy_content(opened, made)
        found = os.fstat(opened)
        os.fchmod(made, mode)
        # What Python compiled of a source is valid for as long as this stays the same.
        os.utime(made, ns=(found.st_mtime_ns, found.st_mtime_ns))
    finally:
        os.close(made)


def copy_entry(here: int, name: str, target: int, mode: int) -> None:
    """Copy a regular file from one open directory into another, as root's; see `copy_file`."""
    opened = open_entry(here, name)
    try:
        copy_opened(opened, target, name, mode)
    finally:
        os.close(opened)


def copy_tree(source: str, path: str) -> None:
    """Copy a directory to where nothing is: directories, files and links, as root's.

    What is none of these is left out. Modes stay as they are, less set-id and sticky bits.
    """
    top = open_directory(source)
    try:
        make_directory(path)
        with directory(path) as target:

            def visit(here: int, entry: Entry) -> None:
                (*above, name), found = entry
                inside = descend(target, above)
                try:
                    _copy_entry(here, name, found, inside)
                finally:
                    os.close(inside)

            walk(top, visit, most_depth=MOST_DEPTH)
    finally:
        os.close(top)


def _copy_entry(here: int, name: str, found: os.stat_result, target: int) -> None:
    mode = found.st_mode & 0o777
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=target)
    elif stat.S_ISDIR(found.st_mode):
        os.mkdir(name, 0o700, dir_fd=target)
        os.chmod(name, mode, dir_fd=target)
    elif stat.S_ISREG(found.st_mode):
        copy_entry(here, name, target, mode)
