"""What a person can do about a program of an app that failed, by what it printed."""

from __future__ import annotations

import re
from typing import Callable, Match, Sequence, Tuple

_HOME = "/nonexistent"
"""The home directory of an app's account. Source: resources/user.py."""


def hint_for(output: str, app: str) -> str:
    """Return the mend of the first known cause that an output names, "" if it names none.

    Args:
        output: What the program printed.
        app: The app's name.
    """
    for pattern, mend in _CAUSES:
        found = re.search(pattern, output)
        if found:
            return mend(found, app)
    return ""


def _read_only(found: Match[str], app: str) -> str:
    path = found[1]
    if path.startswith(_HOME):
        return (
            f"the app writes to {path}, below its home directory, which it does not have: set the "
            "variable that moves it (XDG_CACHE_HOME, HF_HOME, MPLCONFIGDIR, ...) in "
            f"[apps.{app}.env] to a folder that is named in `shared`"
        )
    return f"the app writes to {path}, and a release is read-only to it: {_shared(app)}"


def _shared(app: str) -> str:
    return (
        f"name the folder of such files in `shared` of [apps.{app}]; it lies at "
        f"/srv/{app}/shared and survives releases"
    )


def _database_file(found: Match[str], app: str) -> str:
    return f"the database is a file in the release, which is read-only to the app: {_shared(app)}"


def _executable_memory(found: Match[str], app: str) -> str:
    return (
        "the app needs memory that is both writable and executable, as compilers at run time do: "
        f'add relax = ["jit"] to [apps.{app}]'
    )


def _netlink(found: Match[str], app: str) -> str:
    return (
        "the app asks the kernel for network interfaces or opens a socket of a family that its "
        f'sandbox does not permit: add relax = ["netlink"] to [apps.{app}] for the former'
    )


def _allowed_hosts(found: Match[str], app: str) -> str:
    name = found[1] or "the app's domains"
    return f"add {name} to ALLOWED_HOSTS in Django's settings"


def _module(found: Match[str], app: str) -> str:
    return (
        f"{found[1]} is neither in the release nor in its virtualenv: add the package that has it "
        "to the app's requirements, git add the file if it is the app's own, or correct "
        f"`wsgi` or `asgi` of [apps.{app}]"
    )


def _variable(found: Match[str], app: str) -> str:
    name = next(each for each in found.groups() if each)
    return f"the app reads the variable {name}: set it in [apps.{app}.env] or [apps.{app}.secrets]"


def _table(found: Match[str], app: str) -> str:
    return (
        "the database lacks a table: `migrate` of "
        f"[apps.{app}] names the command that makes it, which runs before the release starts"
    )


def _taken_port(found: Match[str], app: str) -> str:
    return (
        "the app opens a port of its own where it is imported: guard that with "
        'if __name__ == "__main__", the server has its socket already'
    )


_CAUSES: Sequence[Tuple[str, Callable[[Match[str], str], str]]] = (
    (r"Read-only file system: ['\"]([^'\"\n]+)['\"]", _read_only),
    (r"unable to open database file|attempt to write a readonly database", _database_file),
    # Source: glibc's and Python's words for EACCES of mmap(2); V8's for the same.
    (
        r"[Ww]rite\+execute memory|MemoryChunk allocation failed|"
        r"cannot enable executable stack|failed to map executable",
        _executable_memory,
    ),
    (r"Address family not supported by protocol", _netlink),
    (r"(?:Invalid HTTP_HOST header: '([^'\n]+)'|DisallowedHost)", _allowed_hosts),
    (r"No module named '([A-Za-z0-9_.]+)'", _module),
    (
        # Source: os.environ; django-environ; python-decouple.
        r"(?m)^KeyError: '([A-Z][A-Z0-9_]+)'|Set the ([A-Z][A-Z0-9_]+) environment variable|"
        r"UndefinedValueError: ([A-Z][A-Z0-9_]+) not found",
        _variable,
    ),
    (r"no such table: |relation \"[^\"\n]+\" does not exist|Table '[^'\n]+' doesn't exist", _table),
    (r"Address already in use", _taken_port),
)
