"""What root may run: programs that only root could have written."""

from __future__ import annotations

import os

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files


def must_be_roots(program: str, what: str) -> None:
    """Refuse a program that another user than root, or a package, could have written.

    Args:
        program: Its absolute path.
        what: What it is, for the message.

    Raises:
        AgentError: it is not root's alone.
    """
    if not os.path.exists(program):
        raise AgentError(
            f"{what} does not exist: {program}",
            hint="correct the app's `python`, or add its Debian package to the app's `packages`",
        )
    if not files.is_roots_alone(program):
        raise AgentError(
            f"{what} was refused: users other than root can change {program}",
            hint="make root the owner and the only writer of it and of the directories above it "
            "(chown root: and chmod go-w), or use Debian's python3",
        )


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
