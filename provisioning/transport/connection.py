"""One SSH connection to a host, and the programs started over it."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import paramiko

from provisioning.errors import UnreachableError
from provisioning.secrets import Secret
from provisioning.transport.channel import Channel
from provisioning.transport.counters import Counters
from provisioning.transport.login.cached_prompt import AskOnce
from provisioning.transport.login.keys import AskPassphrase, KeyRing
from provisioning.transport.login.login import Login
from provisioning.transport.ssh import pipelined
from provisioning.transport.ssh.authentication import Authentication
from provisioning.transport.ssh.channel import SshChannel
from provisioning.transport.ssh.transport import CHANNEL_TIMEOUT_S, SshTransport
from provisioning.transport.sudo.channel import SudoChannel

ROOT = "root"
SudoPassword = Secret | AskOnce[Secret | None] | Callable[[], Secret | None]


@dataclass(frozen=True)
class Credentials:
    """What a login may need in addition to the keys that ssh's configuration names.

    Attributes:
        keys: The keys of this process.
        login_password: Tried when no key fits.
        ask_passphrase: Asks for the passphrase of a key file.
        sudo_password: The sudo password, or what asks for it.
    """

    keys: KeyRing
    login_password: Secret | None = None
    ask_passphrase: AskPassphrase | None = None
    sudo_password: SudoPassword | None = None


class Connection:
    """A connection to a host whose key is trusted; the login happens with the first `open`.

    Made by `connect`. A context manager: closed at the end.

    Args:
        login: The host.
        transport: The SSH connection, its host key checked.
        credentials: What to log in with.
        counters: What it cost so far.
        on_login: Called once, when the login is done or the connection closed.
    """

    def __init__(
        self,
        login: Login,
        transport: SshTransport,
        credentials: Credentials,
        counters: Counters,
        *,
        on_login: Callable[[], None] = lambda: None,
    ) -> None:
        self.login = login
        self.counters = counters
        self._transport = transport
        self._credentials = credentials
        self._on_login = on_login
        self._lock = threading.Lock()
        self._logged_in = False

    def authenticate(self) -> None:
        """Log in, if that has not happened yet.

        Raises:
            UnreachableError: The host refused all keys and the password.
        """
        with self._lock:
            self._log_in(None)

    def open(self, command: str, *, sudo: bool) -> Channel:
        """Start a program and return the pipe to it.

        Login, channel and program are asked for in one go where the server allows it.

        Args:
            command: A command line for sh; without newlines, "!", and backslashes before
                quotes or backslashes, which csh and fish as login shells would read
                otherwise. No secrets: it is visible on the host.
            sudo: Whether it must run as root; sudo is used if the login user is not root.

        Raises:
            UnreachableError: The login was refused, or sudo, or the program; nothing ran.
            ConnectionLostError: The connection is gone.
        """
        if not sudo or self.login.user == ROOT:
            channel = self._start(f"exec sh -c {shlex.quote(command)}")
            channel.drain_stderr()
            return channel
        password, ask = self._sudo_password()
        return SudoChannel(
            self._start,
            command,
            where=self.login.where,
            user=self.login.user,
            password=password,
            ask=ask,
        )

    def _sudo_password(self) -> tuple[Secret | None, Callable[[], Secret | None]]:
        """Return the password if it is at hand, and what gives it if it is needed."""
        given = self._credentials.sudo_password
        if given is None or isinstance(given, Secret):
            return given, lambda: given
        if isinstance(given, AskOnce) and given.answered:
            return given(), given
        return None, given

    def _start(self, command: str) -> SshChannel:
        self.counters.channels += 1
        with self._lock:
            try:
                channel = self._log_in(command) or self._transport.start_program(command)
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise UnreachableError(
                    f"cannot start a program on {self.login.where}: "
                    f"{str(error) or 'the connection ended'}",
                    hint="check sshd's log on the host (journalctl -u ssh)",
                ) from error
        return SshChannel(channel, self.login.where)

    def _log_in(self, command: str | None) -> paramiko.Channel | None:
        """Log in if need be; start the command along with it if that can be done."""
        if self._logged_in:
            return None
        program = None
        if command is not None and pipelined.understood_by(self._transport):
            program = pipelined.EagerProgram(self._transport, command)
        requested = Authentication(
            self._transport, self.login, program.request if program else None
        ).log_in(
            self._credentials.keys,
            self._credentials.ask_passphrase,
            self._credentials.login_password,
        )
        self._logged_in = True
        self._transport.give_up_if_silent()
        self._on_login()
        return program.wait(CHANNEL_TIMEOUT_S) if program and requested else None

    def open_tunnel(self, host: str, port: int, *, timeout_s: float) -> paramiko.Channel:
        """Log in and return a pipe to a port that this host can reach, for a jump.

        Raises:
            UnreachableError: The login was refused.
            paramiko.ChannelException: This host cannot reach the port, or may not.
        """
        self.authenticate()
        return self._transport.open_channel(
            "direct-tcpip", dest_addr=(host, port), src_addr=("", 0), timeout=timeout_s
        )

    @property
    def alive(self) -> bool:
        """Whether the connection is open."""
        return self._transport.is_active()

    def close(self) -> None:
        """Close the connection; programs on the host read the end of their stdin."""
        self._transport.close()
        self._on_login()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
