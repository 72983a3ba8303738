"""What root may run: programs that nobody but root could have written."""

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
            f"{what} is not there: {program}",
            hint="correct the app's `python`, or add its Debian package to the app's `packages`",
        )
    if not files.is_roots_alone(program):
        raise AgentError(
            f"{what} will not be used: other users than root can change {program}",
            hint="give it and the directories above it to root, writable by nobody else "
            "(chown root: and chmod go-w), or use Debian's own python3",
        )
