"""Virtualenvs: which Python one was made for, and whether the host still has that."""

from __future__ import annotations

import os
import re
from typing import Mapping, Sequence, Set

from provisioning.agent.apps.runtimes.surroundings import Surroundings
from provisioning.agent.layout import APPS, READY, VENVS, AppLayout
from provisioning.agent.machine.files import readlink
from provisioning.agent.machine.system import LINK as LINK_TYPE
from provisioning.agent.machine.system import System

FOLDER, LINK, MARK = VENVS, "venv", READY
"""See `RuntimeKind`."""

STAMPS = True
"""Homeport writes the server's settings."""

SHAPE = r"[0-9a-f]{16}"
"""The key of its content: see provisioning/deploy/runtimes/virtualenv.py."""

_VERSION = re.compile(rb"^version(?:_info)?\s*=\s*(\d+\.\d+)", re.MULTILINE)
"""As venv and uv write it. Source: Lib/venv/__init__.py; uv's crate uv-virtualenv."""

_NAME = re.compile(r"python(\d+\.\d+)")


def made_for(virtualenv: str, system: System) -> str:
    """Return the Python that a virtualenv was made for, as "3.11", or "" if it does not say."""
    found = _VERSION.search(system.read(os.path.join(virtualenv, "pyvenv.cfg")))
    return found[1].decode() if found else ""


def lost(virtualenv: str, system: System) -> str:
    """Return the Python that a virtualenv was made for if the host no longer has it, else "".

    In words, as "Python 3.11". An upgrade of Debian leaves `python3` in its place, with another
    version: packages that were installed for the one before are not found by it.
    """
    version = made_for(virtualenv, system)
    words = f"Python {version}"
    program = os.path.realpath(os.path.join(virtualenv, "bin", "python"))
    if not version or not os.path.lexists(os.path.join(virtualenv, "bin", "python")):
        return ""
    if not os.path.exists(program):
        return words
    named = _NAME.fullmatch(os.path.basename(program))
    if named:
        return "" if named[1] == version else words
    # Its name does not tell; where it has its library does.
    prefix = os.path.dirname(os.path.dirname(program))
    libraries = os.path.join(prefix, "lib")
    if not os.path.isdir(libraries) or not any(map(_NAME.fullmatch, os.listdir(libraries))):
        return ""
    return "" if os.path.isdir(os.path.join(libraries, "python" + version)) else words


def interpreters(system: System) -> Set[str]:
    """Return the programs that the virtualenvs of all apps lead to, whoever has the apps."""
    shape, found = re.compile(SHAPE), set()
    for app in system.list(APPS):
        directory = os.path.join(APPS, app, VENVS)
        for name in filter(shape.match, system.list(directory)):
            link = os.path.join(directory, name, "bin", "python")
            is_there = system.stat(link)
            if is_there is not None and is_there.type == LINK_TYPE:
                found.add(os.path.normpath(os.path.join(os.path.dirname(link), readlink(link))))
    return found


def surroundings(layout: AppLayout, release_id: str, shared: Sequence[str]) -> Surroundings:
    """Return how programs start: from the host's own files, those of the virtualenv first."""
    search_path = f"{layout.release(release_id)}/{LINK}/bin:/usr/local/bin:/usr/bin:/bin"
    environment = {
        "PATH": search_path,
        # Caches and settings lie below it. Source: XDG Base Directory Specification.
        "HOME": layout.home,
        # No program of the next release loads code from there that this one has left.
        "PYTHONNOUSERSITE": "1",
        # What it prints is seen when it is printed.
        "PYTHONUNBUFFERED": "1",
        # The release is not writable to it.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return Surroundings(layout.code(release_id), search_path, environment)


def words(virtualenv: str, system: System) -> Mapping[str, str]:
    """Return nothing: the controller knows all of it."""
    return {}
