"""Every exception that Homeport raises on purpose.

    HomeportError                 what, where, what to do; never shown with a traceback
    ├── ConfigurationError        exit 2: inventory, roles, templates, command line
    ├── UnreachableError          exit 3: no connection, or none that we may trust
    │   └── HostKeyError          the host's key is unknown, changed or revoked
    ├── ResourceFailedError       exit 1: a resource could not be brought to its desired state
    │   └── ConnectionLostError   the answer never came: the host's state is unknown
    │       └── SilentHostError   exit 3: it gives no sign of life any more
    ├── DeployRefusedError        exit 4: the release never went live, or was reverted
    └── InterruptedRunError       exit 130: Ctrl-C

A message reads "cannot X: reason"; `hint` says what to try; `output` holds the
last lines that a program on the host printed.
"""

from __future__ import annotations


class HomeportError(Exception):
    """A failure that a person can act on.

    Args:
        message: One line: what could not be done, where, and why.
        hint: What to do about it, as one sentence, or "".
        output: Last lines of what a program printed, shown indented below.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.output = output

    def __str__(self) -> str:
        lines = [self.message]
        lines += [f"    {line}" for line in self.output.splitlines()]
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)


class ConfigurationError(HomeportError):
    """The inventory, a role, a template or the command line is wrong; nothing was done."""

    exit_code = 2


class UnreachableError(HomeportError):
    """A host could not be connected to, or refused the login or the sudo password."""

    exit_code = 3


class HostKeyError(UnreachableError):
    """A host's key is unknown, has changed, or was revoked."""


class ResourceFailedError(HomeportError):
    """A resource could not be brought to its desired state."""

    exit_code = 1


class ConnectionLostError(ResourceFailedError):
    """The connection ended before the agent said it was done: the host's state is unknown."""


class SilentHostError(ConnectionLostError):
    """The host, or the network before it, has gone silent: it is unreachable."""

    exit_code = 3


class DeployRefusedError(HomeportError):
    """A release was kept from going live, or was reverted."""

    exit_code = 4


class InterruptedRunError(HomeportError):
    """The person at the terminal stopped the run."""

    exit_code = 130
