"""Log in: try the keys, then a password, and say clearly why nothing fitted."""

from __future__ import annotations

from collections.abc import Callable

import paramiko

from provisioning.errors import UnreachableError
from provisioning.secrets import Secret
from provisioning.transport.login.keys import AskPassphrase, Candidate, KeyRing
from provisioning.transport.login.login import Login
from provisioning.transport.login.ssh_agent import SshAgentError
from provisioning.transport.ssh.transport import SshTransport
from provisioning.transport.trust.known_hosts import fingerprint

PASSWORD_METHODS = ("password", "keyboard-interactive")


class Authentication:
    """One login, and what was met on the way to it.

    Args:
        transport: The connection, the host's key already trusted.
        login: Who, and with which identity files.
        meanwhile: Sends what may follow a login before it is granted; called anew with
            each key.
    """

    def __init__(
        self, transport: SshTransport, login: Login, meanwhile: Callable[[], None] | None = None
    ) -> None:
        self._transport = transport
        self._login = login
        self._meanwhile = meanwhile
        self._refused: list[Candidate] = []
        self._accepted: list[str] = []
        self._notes: list[str] = []
        self._hung_up = False

    def log_in(
        self, keys: KeyRing, ask_passphrase: AskPassphrase | None, password: Secret | None
    ) -> bool:
        """Authenticate as the login's user.

        Args:
            keys: The keys of this process.
            ask_passphrase: Asks for the passphrase of a key file; None if nobody is there.
            password: The login password, tried when no key fits; None for none.

        Returns:
            Whether what `meanwhile` sent went along with the login that was granted.

        Raises:
            UnreachableError: The host refused everything there was.
        """
        try:
            for candidate in keys.candidates(self._login, ask_passphrase, self._notes):
                if self._try_key(candidate):
                    return self._meanwhile is not None
            if self._try_none():
                return False
            if password and any(method in self._accepted for method in PASSWORD_METHODS):
                if self._try_password(password):
                    return False
                self._notes.append("the login password was refused")
        except (paramiko.SSHException, EOFError, OSError):
            # Refusals are met where they happen; what arrives here is the end.
            self._hung_up = True
        raise self._refusal()

    def _try_key(self, candidate: Candidate) -> bool:
        try:
            more = self._transport.attempt(
                lambda handler, done: handler.auth_publickey(self._login.user, candidate.key, done),
                self._meanwhile,
            )
        except SshAgentError as error:
            self._notes.append(f"{candidate.label}: {error}")
            return False
        except paramiko.AuthenticationException as error:
            self._met_refusal(error)
            self._refused.append(candidate)
            return False
        if more:
            self._accepted = more
            wanted = " or ".join(more)
            self._notes.append(f"the host accepted {candidate.label}, but also requires {wanted}")
        return not more

    def _try_none(self) -> bool:
        """Ask for nothing but the list of methods; some hosts let known machines in like this."""
        try:
            return not self._transport.attempt(
                lambda handler, done: handler.auth_none(self._login.user, done)
            )
        except paramiko.AuthenticationException as error:
            self._met_refusal(error)
            return False

    def _try_password(self, password: Secret) -> bool:
        def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
            # Only one question can be the one for the password.
            return [password.reveal()] if len(prompts) == 1 else [""] * len(prompts)

        user = self._login.user
        try:
            if "password" in self._accepted:
                return not self._transport.attempt(
                    lambda handler, done: handler.auth_password(user, password.reveal(), done)
                )
            return not self._transport.attempt(
                lambda handler, done: handler.auth_interactive(user, answer, done)
            )
        except paramiko.AuthenticationException as error:
            self._met_refusal(error)
            return False

    def _met_refusal(self, error: paramiko.AuthenticationException) -> None:
        """Note which methods are left; raise again if it was the end of the connection."""
        if isinstance(error, paramiko.BadAuthenticationType):
            self._accepted = error.allowed_types
        elif not self._transport.is_active():
            raise error

    def _refusal(self) -> UnreachableError:
        if self._refused:
            keys = "1 key" if len(self._refused) == 1 else f"{len(self._refused)} keys"
            reason = f"it refused {keys}{' and closed the connection' * self._hung_up}"
            hint = (
                f"add one of these to ~{self._login.user}/.ssh/authorized_keys on the host, "
                "or give the right user and key (`user` in the inventory, -i FILE, "
                "or User and IdentityFile in ~/.ssh/config)"
            )
        elif self._hung_up:
            reason = "it closed the connection"
            hint = "try again; if it fails again, sshd's log on the host says why"
        elif self._notes:
            reason = "no key could be used"
            hint = "unlock a key (ssh-add), or name another one: -i FILE"
        else:
            reason = "there is no key to try"
            hint = "give one: -i FILE, or IdentityFile in ~/.ssh/config; ssh-keygen makes one"
        if self._accepted:
            reason += f"; it accepts {' or '.join(self._accepted)}"
        lines = [
            f"{candidate.label}: {candidate.key.get_name()} {fingerprint(candidate.key.asbytes())}"
            for candidate in self._refused
        ]
        return UnreachableError(
            f"cannot log in to {self._login.where} as {self._login.user}: {reason}",
            hint=hint,
            output="\n".join(lines + self._notes),
        )
