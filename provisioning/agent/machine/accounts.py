"""The host's users and groups."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass
from typing import Callable, Container, Optional, Set, Tuple

from provisioning.agent.errors import AgentError


@dataclass(frozen=True)
class Account:
    """A user or group as the host knows it."""

    name: str
    id: int
    group: str = ""
    home: str = ""
    shell: str = ""
    groups: Tuple[str, ...] = ()
    comment: str = ""


def read_user(name: str, group_of: Callable[[int], str]) -> Optional[Account]:
    """Return a user, or None.

    Args:
        name: The user's.
        group_of: Number of a group -> its name.
    """
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = tuple(sorted(each.gr_name for each in grp.getgrall() if name in each.gr_mem))
    group = group_of(found.pw_gid)
    return Account(name, found.pw_uid, group, found.pw_dir, found.pw_shell, groups, found.pw_gecos)


def read_group(name: str) -> Optional[Account]:
    """Return a group, or None."""
    try:
        return Account(name, grp.getgrnam(name).gr_gid)
    except KeyError:
        return None


def name_of(kind: str, number: int) -> str:
    """Return the name of a user ("u") or group ("g"), or the number as text."""
    try:
        return pwd.getpwuid(number).pw_name if kind == "u" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def taken_numbers() -> Set[int]:
    """Return the numbers that a user or a group has."""
    return {each.pw_uid for each in pwd.getpwall()} | {each.gr_gid for each in grp.getgrall()}


def free_number(taken: Container[int]) -> int:
    """Return the highest number of system accounts that is not taken.

    Source: login.defs(5), SYS_UID_MIN and SYS_UID_MAX.
    """
    for number in range(999, 99, -1):
        if number not in taken:
            return number
    raise AgentError("cannot create a user: all user ids for system users are taken")
