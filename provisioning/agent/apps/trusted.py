"""What root may run: programs that only root could have written."""

from __future__ import annotations

import os
import stat

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files

HIDDEN = ("/home", "/root", "/run/user")
"""Source: systemd.exec(5), ProtectHome=."""


def must_be_roots(program: str, what: str) -> None:
    """Refuse a program that another user than root, or a package, could have written.

    Args:
        program: Its absolute path.
        what: What it is, for the message.

    Raises:
        AgentError: it is not there, or not root's alone.
    """
    if not os.path.exists(program):
        raise AgentError(
            f"{what} does not exist: {program}",
            hint='correct the app\'s `python`: with a version alone, such as "3.12", uv downloads '
            "it where Debian does not have it; or install this one on the host",
            refused=True,
        )
    if not files.is_roots_alone(program):
        raise AgentError(
            f"{what} was refused: users other than root can change {program}",
            hint="make root the owner and the only writer of it and of the directories above it "
            "(chown root: and chmod go-w), or use Debian's python3",
            refused=True,
        )


def must_be_apps_to_run(program: str, what: str) -> None:
    """Refuse a program that stands where apps and builds cannot run it.

    Args:
        program: Its absolute path; it is there.
        what: What it is, for the message.

    Raises:
        AgentError: a directory above it is closed to them.
    """
    closed = _closed_directory(os.path.realpath(program))
    if closed:
        raise AgentError(
            f"{what} was refused: apps cannot enter {closed}, where {program} is",
            hint="install it below /opt or /usr/local, in directories that everyone can enter "
            "(chmod go+rx), or use Debian's python3",
            refused=True,
        )


def _closed_directory(program: str) -> str:
    """Return the first directory above a program that sandboxes or modes close; "" if none."""
    parts = program.split("/")[1:-1]
    for count in range(1, len(parts) + 1):
        directory = "/" + "/".join(parts[:count])
        if directory in HIDDEN or not os.stat(directory).st_mode & stat.S_IXOTH:
            return directory
    return ""


def must_be_roots_file(path: str) -> None:
    """Refuse an archive of a base image that another user than root could have written.

    Raises:
        AgentError: it is not root's alone, or not there.
    """
    if not os.path.isfile(path):
        raise AgentError(
            f"the archive of a base image does not exist: {path}",
            hint="copy it to the host, or correct the app's `base_images`",
        )
    if not files.is_roots_alone(path):
        raise AgentError(
            f"the archive of a base image was refused: users other than root can change {path}",
            hint="make root the owner and the only writer of it and of the directories above it "
            "(chown root: and chmod go-w)",
        )
