"""From an address to a connection: resolve, dial (through gateways), shake hands, trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from provisioning.errors import ConfigurationError, UnreachableError
from provisioning.transport.address import Address
from provisioning.transport.connection import Connection, Credentials
from provisioning.transport.counters import Counters
from provisioning.transport.explain import connection_failure
from provisioning.transport.gateways import Gateway, Gateways, Slot
from provisioning.transport.host_keys import HostKeyPolicy, check_host_key, preferred_key_types
from provisioning.transport.login import Login, resolve
from provisioning.transport.sockets import CountingSocket, dial
from provisioning.transport.ssh import SshTransport

# A loaded host may take long to greet: it looks up our name, it forks.
HANDSHAKE_TIMEOUT_S = 15.0
MAX_JUMPS = 8


@dataclass(frozen=True)
class Road:
    """Everything that is the same for all hosts of a run.

    Attributes:
        policy: What to do about unknown host keys; holds for gateways too.
        ssh_config: The one configuration file of ssh to read; None for the usual ones.
        identities: Key files to try first.
        credentials: What to log in with.
        gateways: The gateways of the run.
        connect_timeout_s: Seconds to wait for TCP.
    """

    policy: HostKeyPolicy
    ssh_config: Path | None
    identities: Sequence[Path]
    credentials: Credentials
    gateways: Gateways
    connect_timeout_s: float

    def connect(self, address: Address, *, jumps: int = 0) -> Connection:
        """Return a connection to a host whose key is trusted. See `provisioning.transport.connect`.

        Args:
            address: The host.
            jumps: How many hosts are reached by way of this one; to notice circles.
        """
        login = resolve(address, ssh_config=self.ssh_config, identities=self.identities)
        return self._connect(login, jumps)

    def _connect(self, login: Login, jumps: int) -> Connection:
        if jumps > MAX_JUMPS:
            raise ConfigurationError(
                f"cannot reach {login.name}: ProxyJump leads in a circle",
                hint="look at ProxyJump in ~/.ssh/config",
            )
        counters = Counters()
        if not login.proxy_jump:
            pipe = self._dial(login, counters)
            return self._shake_hands(login, pipe, counters, None)
        gateway = self._gateway(login.proxy_jump, jumps)
        slot = Slot(gateway.handshakes)
        try:
            pipe = self._tunnel(login, gateway, counters)
            return self._shake_hands(login, pipe, counters, slot)
        except BaseException:
            slot.release()
            raise

    def _gateway(self, chain: tuple[str, ...], jumps: int) -> Gateway:
        """Return the last gateway of a chain; it is reached through those before it."""

        def connect() -> Connection:
            address = Address.parse(chain[-1].removeprefix("ssh://"))
            login = resolve(address, ssh_config=self.ssh_config, identities=self.identities)
            if chain[:-1]:
                login = replace(login, proxy_jump=chain[:-1])
            # sudo is not needed there, so it is not asked for.
            return replace(
                self, credentials=replace(self.credentials, sudo_password=None)
            )._connect(login, jumps + 1)

        return self.gateways.get((chain, self.ssh_config, self.policy), connect)

    def _dial(self, login: Login, counters: Counters) -> CountingSocket:
        try:
            return dial(login, counters, timeout_s=self.connect_timeout_s)
        except OSError as error:
            raise connection_failure(login, error, self.connect_timeout_s) from error

    def _tunnel(self, login: Login, gateway: Gateway, counters: Counters) -> CountingSocket:
        try:
            connection = gateway.connection()
        except UnreachableError as error:
            # The same kind: a gateway's host key may be what is wrong.
            raise type(error)(
                f"cannot reach {login.where} through its gateway: {error.message}",
                hint=error.hint,
                output=error.output,
            ) from error
        try:
            tunnel = connection.open_tunnel(
                login.host, login.port, timeout_s=self.connect_timeout_s
            )
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise connection_failure(login, error, self.connect_timeout_s) from error
        counters.connections += 1
        counters.turns += 1
        return CountingSocket(tunnel, counters)

    def _shake_hands(
        self, login: Login, pipe: CountingSocket, counters: Counters, slot: Slot | None
    ) -> Connection:
        timeout_s = max(self.connect_timeout_s, HANDSHAKE_TIMEOUT_S)
        try:
            transport = SshTransport(pipe, preferred_key_types(login))
            transport.shake_hands(timeout_s)
            key = transport.get_remote_server_key()
            check_host_key(login, key.get_name(), key.asbytes(), self.policy)
        except (paramiko.SSHException, EOFError, OSError) as error:
            pipe.close()
            raise connection_failure(login, error, timeout_s) from error
        except BaseException:
            pipe.close()
            raise
        on_login = slot.release if slot else lambda: None
        return Connection(login, transport, self.credentials, counters, on_login=on_login)
