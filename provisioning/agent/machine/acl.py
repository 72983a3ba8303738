"""POSIX access control lists of open files: what one more group may do.

Source: acl(5); the format is that of linux/posix_acl_xattr.h.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import Dict, Tuple

from provisioning.agent.errors import AgentError

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"

_VERSION = 2
_OWNER, _USER, _OWNING_GROUP, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")

READ, ENTER = 4, 1

_Entries = Dict[Tuple[int, int], int]
"""Tag and id -> permissions."""


def permits(opened: int, which: str, group_id: int) -> int:
    """Return what a list permits a group, as bits of a mode; -1 where it does not name the group.

    Args:
        opened: The file.
        which: ACCESS, or DEFAULT: what a new file in this directory gets.
        group_id: The group.
    """
    entries = _read(opened, which)
    given = entries.get((_GROUP, group_id), -1)
    return given if given < 0 else given & entries.get((_MASK, _NOBODY), 7)


def permit(opened: int, group_id: int, bits: int, *, inherited: bool = False) -> None:
    """Permit a group something, whatever else is permitted.

    Args:
        opened: A file, not by O_PATH.
        group_id: The group.
        bits: As in a mode.
        inherited: It is a directory, and all that is made in it from now on is to be the same: then
            no umask applies to it, and nobody else is permitted anything by it.
    """
    entries = _read(opened, ACCESS) or _of_mode(opened)
    entries[(_GROUP, group_id)] = bits
    _write(opened, ACCESS, entries)
    if inherited:
        own = {(_OWNER, _NOBODY): 7, (_OWNING_GROUP, _NOBODY): 5, (_OTHER, _NOBODY): 0}
        _write(opened, DEFAULT, {**own, (_GROUP, group_id): bits})


def forbid(opened: int, group_id: int) -> None:
    """Take from a group what the lists of a directory permit it."""
    entries = _read(opened, ACCESS)
    if entries.pop((_GROUP, group_id), -1) >= 0:
        _write(opened, ACCESS, entries)


def _of_mode(opened: int) -> _Entries:
    mode = stat.S_IMODE(os.fstat(opened).st_mode)
    tags = (_OWNER, mode >> 6 & 7), (_OWNING_GROUP, mode >> 3 & 7), (_OTHER, mode & 7)
    return {(tag, _NOBODY): bits for tag, bits in tags}


def _read(opened: int, which: str) -> _Entries:
    """Return the entries of a list; none where there is no list, or the file system has none."""
    try:
        data = os.getxattr(opened, which)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return {}
        raise
    found = _ENTRY.iter_unpack(data[_HEAD.size :])
    return {(tag, who): bits for tag, bits, who in found}


def _write(opened: int, which: str, entries: _Entries) -> None:
    entries.pop((_MASK, _NOBODY), None)
    named = [bits for (tag, _), bits in entries.items() if tag in (_USER, _GROUP, _OWNING_GROUP)]
    if len(entries) > 3:
        # All that the entries of groups permit: it is also what the mode shows for the group.
        mask = 0
        for bits in named:
            mask |= bits
        entries[(_MASK, _NOBODY)] = mask
    data = _HEAD.pack(_VERSION) + b"".join(
        _ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items())
    )
    try:
        os.setxattr(opened, which, data)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        path = os.readlink(f"/proc/self/fd/{opened}")
        raise AgentError(
            f"cannot let the web server read {path}: its file system has no access control lists",
            hint="mount it with the option acl, or take `media` out of the inventory",
        ) from None
