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
from provisioning.transport.login.login import Login, resolve
from provisioning.transport.ssh.sockets import CountingSocket, dial
from provisioning.transport.ssh.transport import SshTransport
from provisioning.transport.trust.host_keys import (
    HostKeyPolicy,
    check_host_key,
    preferred_key_types,
)

# A loaded host may take long to greet: it looks up our name, it forks.
HANDSHAKE_TIMEOUT_S = 15.0


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
        known_hosts: The one known_hosts file to use; None for those that ssh would.
    """

    policy: HostKeyPolicy
    ssh_config: Path | None
    identities: Sequence[Path]
    credentials: Credentials
    gateways: Gateways
    connect_timeout_s: float
    known_hosts: Path | None = None

    def connect(self, address: Address) -> Connection:
        """Return a connection to a host whose key is trusted; see `transport.connect`."""
        return self._connect(self._resolve(address))

    def _resolve(self, address: Address) -> Login:
        login = resolve(address, ssh_config=self.ssh_config, identities=self.identities)
        if self.known_hosts is None:
            return login
        return replace(login, user_known_hosts=(self.known_hosts,), global_known_hosts=())

    def _connect(self, login: Login) -> Connection:
        counters = Counters()
        if not login.proxy_jump:
            pipe = self._dial(login, counters)
            return self._shake_hands(login, pipe, counters, None)
        gateway = self._gateway(login)
        slot = Slot(gateway.handshakes)
        try:
            pipe = self._tunnel(login, gateway, counters)
            return self._shake_hands(login, pipe, counters, slot)
        except BaseException:
            slot.release()
            raise

    def _gateway(self, login: Login) -> Gateway:
        """Return the last gateway before a host; it is reached through those before it."""
        key = (login.proxy_jump, self.ssh_config, self.policy)
        if key not in self.gateways:
            self._refuse_circles(login)
        # sudo is not needed there, so its password is not asked for.
        road = replace(self, credentials=replace(self.credentials, sudo_password=None))
        return self.gateways.get(key, lambda: road._connect(self._last_jump(login)))

    def _last_jump(self, login: Login) -> Login:
        *before, last = login.proxy_jump
        gateway = self._resolve(Address.parse(last.removeprefix("ssh://")))
        return replace(gateway, proxy_jump=tuple(before)) if before else gateway

    def _refuse_circles(self, login: Login) -> None:
        """Look at the whole way before any of it is walked: circles would wait for themselves."""
        seen: set[tuple[str, ...]] = set()
        hop = login
        while hop.proxy_jump:
            if hop.proxy_jump in seen:
                raise ConfigurationError(
                    f"cannot reach {login.name}: its gateways form a loop",
                    hint="check ProxyJump in ~/.ssh/config",
                )
            seen.add(hop.proxy_jump)
            hop = self._last_jump(hop)

    def _dial(self, login: Login, counters: Counters) -> CountingSocket:
        try:
            return dial(login, counters, timeout_s=self.connect_timeout_s)
        except OSError as error:
            raise connection_failure(login, error, self.connect_timeout_s) from error

    def _tunnel(
        self, login: Login, gateway: Gateway, counters: Counters, *, again: bool = True
    ) -> CountingSocket:
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
            # That a shared gateway was lost long ago may show only now.
            if again and not connection.alive:
                return self._tunnel(login, gateway, counters, again=False)
            raise connection_failure(login, error, self.connect_timeout_s) from error
        counters.connections += 1
        counters.turns += 1
        return CountingSocket(tunnel, counters)

    def _shake_hands(
        self, login: Login, pipe: CountingSocket, counters: Counters, slot: Slot | None
    ) -> Connection:
        timeout_s = max(self.connect_timeout_s, HANDSHAKE_TIMEOUT_S)
        transport: SshTransport | None = None
        try:
            transport = SshTransport(pipe, preferred_key_types(login))
            transport.shake_hands(timeout_s)
            key = transport.get_remote_server_key()
            check_host_key(login, key.get_name(), key.asbytes(), self.policy)
        except BaseException as error:
            if transport:
                transport.close()
            pipe.close()
            if isinstance(error, paramiko.SSHException | EOFError | OSError):
                raise connection_failure(login, error, timeout_s) from error
            raise
        on_login = slot.release if slot else lambda: None
        return Connection(login, transport, self.credentials, counters, on_login=on_login)
