"""Log in: try the keys, then a password, and say clearly why nothing fitted."""

from __future__ import annotations

from collections.abc import Callable

import paramiko

from provisioning.errors import UnreachableError
from provisioning.secrets import Secret
from provisioning.transport.keys import AskPassphrase, Candidate, KeyRing
from provisioning.transport.known_hosts import fingerprint
from provisioning.transport.login import Login
from provisioning.transport.ssh import SshTransport
from provisioning.transport.ssh_agent import SshAgentError

PASSWORD_METHODS = ("password", "keyboard-interactive")


def log_in(
    transport: SshTransport,
    login: Login,
    *,
    keys: KeyRing,
    ask_passphrase: AskPassphrase | None,
    password: Secret | None,
    meanwhile: Callable[[], None] | None = None,
) -> bool:
    """Authenticate as the login's user.

    Args:
        transport: The connection, the host's key already trusted.
        login: Who, and with which identity files.
        keys: The keys of this process.
        ask_passphrase: Asks for the passphrase of a key file; None if nobody is there.
        password: The login password, tried when no key fits; None for none.
        meanwhile: Sends what may follow a login before it is granted; called anew with
            each key.

    Returns:
        Whether what `meanwhile` sent went along with the login that was granted.

    Raises:
        UnreachableError: The host refused everything there was.
    """
    tried: list[Candidate] = []
    notes: list[str] = []
    accepted: list[str] = []
    try:
        for candidate in keys.candidates(login, ask_passphrase, notes):
            tried.append(candidate)
            if _try_key(transport, login, candidate, meanwhile, accepted, notes):
                return meanwhile is not None
        if _try_none(transport, login, accepted):
            return False
        if password and any(method in accepted for method in PASSWORD_METHODS):
            if _try_password(transport, login, password, accepted):
                return False
            notes.append("the login password was refused")
    except (paramiko.SSHException, EOFError, OSError) as error:
        # Every refusal was met where it happened; what arrives here is the end.
        notes.append(f"then the host hung up ({error or 'end of connection'})")
    raise _refusal(login, tried, accepted, notes)


def _try_key(
    transport: SshTransport,
    login: Login,
    candidate: Candidate,
    meanwhile: Callable[[], None] | None,
    accepted: list[str],
    notes: list[str],
) -> bool:
    try:
        more = transport.attempt(
            lambda handler, done: handler.auth_publickey(login.user, candidate.key, done),
            meanwhile,
        )
    except SshAgentError as error:
        notes.append(f"{candidate.label}: {error}")
        return False
    except paramiko.BadAuthenticationType as error:
        accepted[:] = error.allowed_types
        return False
    except paramiko.AuthenticationException:
        if not transport.is_active():
            raise
        return False
    if more:
        accepted[:] = more
        notes.append(f"the host took {candidate.label}, but wants {' or '.join(more)} besides")
    return not more


def _try_none(transport: SshTransport, login: Login, accepted: list[str]) -> bool:
    """Ask for nothing but the list of methods; some hosts let known machines in like this."""
    try:
        return not transport.attempt(lambda handler, done: handler.auth_none(login.user, done))
    except paramiko.BadAuthenticationType as error:
        accepted[:] = error.allowed_types
        return False


def _try_password(
    transport: SshTransport, login: Login, password: Secret, accepted: list[str]
) -> bool:
    def answer(title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        # Only one question can be the one for the password.
        return [password.reveal()] if len(prompts) == 1 else [""] * len(prompts)

    try:
        if "password" in accepted:
            return not transport.attempt(
                lambda handler, done: handler.auth_password(login.user, password.reveal(), done)
            )
        return not transport.attempt(
            lambda handler, done: handler.auth_interactive(login.user, answer, done)
        )
    except paramiko.AuthenticationException:
        if not transport.is_active():
            raise
        return False


def _refusal(
    login: Login, tried: list[Candidate], accepted: list[str], notes: list[str]
) -> UnreachableError:
    reason = f"it refused {_count(len(tried), 'key')}" if tried else "there is no key to try"
    if accepted:
        reason += f"; it takes {' or '.join(accepted)}"
    lines = [
        f"{candidate.label}: {candidate.key.get_name()} {fingerprint(candidate.key.asbytes())}"
        for candidate in tried
    ]
    if tried:
        hint = (
            f"add one of these to ~{login.user}/.ssh/authorized_keys on the host, "
            "or give the right user and key (`user` in the inventory, -i FILE, "
            "or User and IdentityFile in ~/.ssh/config)"
        )
    else:
        hint = (
            "give a key: -i FILE, IdentityFile in ~/.ssh/config, or ssh-add; ssh-keygen makes one"
        )
    return UnreachableError(
        f"cannot log in to {login.where} as {login.user}: {reason}",
        hint=hint,
        output="\n".join(lines + notes),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
