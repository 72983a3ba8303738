"""Why a host could not be connected to, in one line that a person can act on."""

from __future__ import annotations

import errno
import socket

import paramiko

from provisioning.errors import UnreachableError
from provisioning.transport.login.login import Login

_BY_ERRNO = {
    errno.ECONNREFUSED: (
        "the connection was refused",
        "check that sshd runs there and listens on that port",
    ),
    errno.EHOSTUNREACH: ("there is no route to it", "check its address and your network"),
    errno.ENETUNREACH: ("there is no route to its network", "check its address and your network"),
    errno.ECONNRESET: (
        "it closed the connection",
        "it may be starting, or have too many logins at once, or have banned this address",
    ),
}
_TIMEOUT_HINT = "check its address, that it is up, and that no firewall is in between"


def connection_failure(login: Login, error: BaseException, timeout_s: float) -> UnreachableError:
    """Return the error that tells a person why a connection failed before the login.

    Args:
        login: The host.
        error: What was met.
        timeout_s: How long was waited, for the message.
    """
    reason, hint = _reason(login, error, timeout_s)
    return UnreachableError(f"cannot connect to {login.where}: {reason}", hint=hint)


def _reason(login: Login, error: BaseException, timeout_s: float) -> tuple[str, str]:
    if isinstance(error, socket.gaierror):
        return (
            f"the name {login.host} has no address ({error.strerror or error})",
            "check the spelling, or give `address` in the inventory or HostName in ~/.ssh/config",
        )
    if isinstance(error, TimeoutError) or getattr(error, "errno", None) == errno.ETIMEDOUT:
        return f"no answer within {timeout_s:g} s", _TIMEOUT_HINT
    if login.proxy_command and not isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return (
            "its ProxyCommand did not reach an SSH server",
            f"run it by hand: {login.proxy_command}",
        )
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return f"it offers no encryption that Homeport supports ({error})", "update its SSH server"
    if isinstance(error, paramiko.ChannelException):
        return f"the gateway refused to connect to it ({error.text})", "check it from the gateway"
    if isinstance(error, EOFError):
        return _BY_ERRNO[errno.ECONNRESET]
    if "banner" in str(error) or "protocol version" in str(error):
        # paramiko's words for: it hung up, or what it said was no greeting.
        return (
            "it did not answer as an SSH server does",
            "check the port; the host may also be starting, or have banned this address",
        )
    return str(error) or type(error).__name__, _TIMEOUT_HINT
