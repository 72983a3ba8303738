"""Become root on a host whose login user is not: the commands, and what sudo's words mean.

That sudo asks, and that the program runs, is recognised by random markers; sudo's
words are only looked at to explain a refusal.
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass

from provisioning.errors import ConfigurationError, UnreachableError
from provisioning.secrets import Secret


@dataclass(frozen=True)
class SudoCommand:
    """A command line for the login user's shell, which may be any: sh, bash, fish, csh.

    Attributes:
        line: The command line; it contains no secret.
        ready: What the root shell prints on stdout, as a line, before the program starts.
        prompt: What sudo prints on stderr when it wants the password; "" if it may not ask.
    """

    line: str
    ready: bytes
    prompt: bytes


def without_password(command: str) -> SudoCommand:
    """Return the command that runs `command` as root, or fails if that takes a password."""
    return _sudo(command, "-n", prompt="")


def with_password(command: str) -> SudoCommand:
    """Return the command that runs `command` as root, and asks for the password if it must."""
    prompt = f"password-{secrets.token_hex(16)}"
    return _sudo(command, f"-S -p {prompt}", prompt=prompt)


def _sudo(command: str, options: str, *, prompt: str) -> SudoCommand:
    ready = f"ready-{secrets.token_hex(16)}"
    # LC_ALL: sudo's refusals in English, so that we can explain them; only sudo sees it.
    program = f"unset LC_ALL; echo {ready}; {command}"
    # A login user may be root under another name; then there may be no sudo.
    script = (
        'if [ "$(id -u)" = 0 ]; then exec sh -c "$0"; fi; '
        f'LC_ALL=C; export LC_ALL; exec sudo {options} -- sh -c "$0"'
    )
    line = f"exec sh -c {shlex.quote(script)} {shlex.quote(program)}"
    return SudoCommand(line, ready.encode() + b"\n", prompt.encode())


# Source: the messages of sudo 1.9 (plugins/sudoers, src), and of a shell without sudo.
_REFUSALS = (
    (
        ("sudo: not found", "sudo: command not found", "unknown command: sudo"),
        "there is no sudo on the host",
        "log in as root (`user` in the inventory), or install sudo there",
    ),
    (
        ("incorrect password attempt",),
        "sudo refused the password; nothing was done",
        "check the password; each host may have another one",
    ),
    (
        ("not in the sudoers file", "may not run sudo", "is not allowed to"),
        "the user is not allowed to use sudo for this",
        "add the user to the group sudo, or to a file in /etc/sudoers.d, or log in as root",
    ),
    (
        ("you must have a tty",),
        "sudo requires a terminal (`Defaults requiretty`), and Homeport does not use one",
        "add `Defaults:USER !requiretty` to a file in /etc/sudoers.d",
    ),
    (
        ("account is locked", "account validation failure", "expired"),
        "the user's account or its password is expired or locked",
        "unlock it, or set a new password on the host",
    ),
)


def known_refusal(where: str, user: str, stderr: str) -> UnreachableError | None:
    """Return what to tell a person if sudo's words are known, and mean more than "password?".

    Args:
        where: The host, for the message.
        user: The login user.
        stderr: What sudo printed.
    """
    for words, reason, hint in _REFUSALS:
        if any(word in stderr for word in words):
            return UnreachableError(
                f"cannot become root on {where} as {user}: {reason}",
                hint=hint.replace("USER", user),
                output=stderr.strip(),
            )
    return None


def refusal(where: str, user: str, stderr: str, stdout: str) -> UnreachableError:
    """Return what to tell a person when sudo ended without starting the program.

    Args:
        where: The host, for the message.
        user: The login user.
        stderr: What sudo printed.
        stdout: What came on stdout instead of the program's output.
    """
    known = known_refusal(where, user, stderr)
    return known or UnreachableError(
        f"cannot become root on {where} as {user}: sudo did not start the program",
        hint=f"log in as {user} and run `sudo -n true` by hand",
        output="\n".join(text for text in (stdout.strip(), stderr.strip()) if text),
    )


def wants_password(stderr: str) -> bool:
    """Whether `sudo -n` failed for want of a password.

    Source: sudo 1.9 ("a password is required", "a terminal is required to read the
    password") and sudo-rs ("interactive authentication is required").
    """
    return "is required" in stderr


def password_missing(where: str, user: str) -> UnreachableError:
    """Return the error for a sudo that requires a password, if there is none."""
    return UnreachableError(
        f"cannot become root on {where} as {user}: sudo requires a password, and none was given",
        hint="add --prompt-for-sudo-password before the command's name, "
        f"or allow {user} sudo without a password (NOPASSWD)",
    )


def password_refused(where: str, user: str) -> UnreachableError:
    """Return what to tell a person when sudo did not take the password."""
    return UnreachableError(
        f"cannot become root on {where} as {user}: sudo refused the password; nothing was done",
        hint="check the password; each host may have another one",
    )


def password_line(password: Secret) -> bytes:
    """Return what sudo is to read.

    Raises:
        ConfigurationError: The password has more than one line, so that it cannot be one.
    """
    text = password.reveal()
    if "\n" in text or "\r" in text:
        raise ConfigurationError("cannot use the sudo password: it has more than one line")
    return text.encode() + b"\n"
