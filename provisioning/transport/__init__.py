"""The road to a host: connect over SSH, check who it is, log in, become root, start a program.

`connect(address)` gives a `Connection`; its `open(command, sudo=True)` gives a
`Channel`, a pipe to one program. `LocalChannel` is the same to a program on this
machine. Importing this package loads no SSH library; `connect` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.secrets import Secret
from provisioning.transport.address import Address
from provisioning.transport.channel import Channel
from provisioning.transport.counters import Counters
from provisioning.transport.local import LocalChannel
from provisioning.transport.login.cached_prompt import AskOnce
from provisioning.transport.login.login import Login, resolve
from provisioning.transport.trust.host_keys import HostKeyPolicy

if TYPE_CHECKING:
    from provisioning.transport.connection import Connection
    from provisioning.transport.gateways import Gateways

__all__ = [
    "Address",
    "AskOnce",
    "Channel",
    "Connection",
    "Counters",
    "HostKeyPolicy",
    "LocalChannel",
    "Login",
    "connect",
    "resolve",
]


def connect(
    address: Address,
    *,
    policy: HostKeyPolicy = HostKeyPolicy.STRICT,
    ssh_config: Path | None = None,
    identities: Sequence[Path] = (),
    sudo_password: Secret | Callable[[], Secret | None] | None = None,
    login_password: Secret | None = None,
    ask_passphrase: Callable[[Path], Secret | None] | None = None,
    connect_timeout_s: float = 10.0,
    known_hosts: Path | None = None,
    gateways: Gateways | None = None,
) -> Connection:
    """Connect to a host and check its key. The login happens with the first `open`.

    Keys are read once per process, and gateways connected to once, whatever the
    number of hosts. May be called from many threads at once.

    Args:
        address: The host; what it leaves open is taken from ssh's configuration.
        policy: What to do about a host that known_hosts does not know.
        ssh_config: The one configuration file of ssh to read; None for the usual ones.
        identities: Key files to use, as with `ssh -i`: these before others, and of the
            agent's keys only those that ssh's configuration names.
        sudo_password: The sudo password; or what asks for it when a host first wants
            it: wrap that in `AskOnce` to ask once for all hosts.
        login_password: The login password, for hosts that take no key.
        ask_passphrase: Asks for the passphrase of an encrypted key file.
        connect_timeout_s: Seconds to wait for the TCP connection.
        known_hosts: The one known_hosts file to use; None for those that ssh would.
        gateways: The gateways to share; None for those of this process.

    Raises:
        UnreachableError: No connection.
        HostKeyError: The host's key is unknown, has changed, or was revoked.
        ConfigurationError: ssh does not accept its configuration.
    """
    from provisioning.transport import shared
    from provisioning.transport.connection import Credentials
    from provisioning.transport.connector import Road

    credentials = Credentials(
        keys=shared.KEYS,
        login_password=login_password,
        ask_passphrase=ask_passphrase,
        sudo_password=sudo_password,
    )
    return Road(
        policy=policy,
        ssh_config=ssh_config,
        identities=tuple(identities),
        credentials=credentials,
        gateways=gateways or shared.GATEWAYS,
        connect_timeout_s=connect_timeout_s,
        known_hosts=known_hosts,
    ).connect(address)


def __getattr__(name: str) -> object:
    """Load `Connection` when it is first named: its module loads the SSH library."""
    if name == "Connection":
        from provisioning.transport.connection import Connection

        return Connection
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
