"""The `Channel` protocol to a program that runs as root by way of sudo."""

from __future__ import annotations

import threading
from collections.abc import Callable

from provisioning.errors import ConnectionLostError, UnreachableError
from provisioning.secrets import Secret
from provisioning.transport.ssh.channel import SshChannel
from provisioning.transport.sudo import command as sudo
from provisioning.transport.sudo.command import SudoCommand

# A directory service behind PAM may be slow; after a wrong password PAM waits on purpose.
SUDO_TIMEOUT_S = 60.0
# What a login shell's start-up files, and sudo's lecture, may print before the program.
MAX_NOISE_BYTES = 64 * 1024

# Runs a command line of the login user on a new channel.
Start = Callable[[str], SshChannel]


class SudoChannel:
    """A program that is started as root, with the sudo password if that is wanted.

    Without a password at hand the program is started by `sudo -n`, and what is sent
    goes out at once: where no password is wanted, that costs nothing. Else it is
    started anew with the password, and what was sent is sent again. The first start
    saw no byte of it: `sudo -n` ends before it reads anything.

    Args:
        start: Opens a channel.
        command: The program, for sh.
        where: The host, for messages.
        user: The login user, for messages.
        password: The sudo password if it is at hand; it goes out only if sudo asks.
        ask: Gives the sudo password, or None; called only if sudo wants one.

    Raises:
        UnreachableError: sudo refused the user or the password; nothing was started.
    """

    def __init__(
        self,
        start: Start,
        command: str,
        *,
        where: str,
        user: str,
        password: Secret | None = None,
        ask: Callable[[], Secret | None] = lambda: None,
    ) -> None:
        self._start = start
        self._command = command
        self._where, self._user = where, user
        self._ask = ask
        self._lock = threading.Lock()
        # What was sent, until the program is known to run; what it printed, unread.
        self._sent = bytearray()
        self._early = b""
        self._awaited: bytes | None = None
        if password is None:
            attempt = sudo.without_password(command)
            self._awaited = attempt.ready
            self._channel = start(attempt.line)
            self._channel.drain_stderr()
        else:
            self._start_with(password)

    def send(self, data: bytes) -> None:
        """Send `data` to the program's stdin; keep it until the program is known to run."""
        with self._lock:
            if self._awaited is not None:
                self._sent += data
                try:
                    self._channel.send(data)
                except ConnectionLostError:
                    return  # most likely sudo has ended: `receive` finds out why
                return
        # Outside of the lock: whoever receives must not wait for whoever sends.
        self._channel.send(data)

    def receive(self, timeout_s: float | None = None) -> bytes:
        """Return some bytes of the program's stdout; at first make sure that it runs."""
        if self._awaited is not None:
            self._await_start(self._awaited, timeout_s)
        if self._early:
            early, self._early = self._early, b""
            return early
        return self._channel.receive(timeout_s)

    def _await_start(self, ready: bytes, timeout_s: float | None) -> None:
        while ready not in self._early:
            data = self._channel.receive(timeout_s)
            if not data or len(self._early) > MAX_NOISE_BYTES:
                self._start_again()
                return
            self._early += data
        self._early = self._early.partition(ready)[2]
        with self._lock:
            self._awaited = None
            self._sent.clear()

    def _start_again(self) -> None:
        """Start the program with the password, now that it did not start without."""
        words, noise = self._channel.stderr_tail(), _text(self._early)
        self._channel.close()
        if known := sudo.known_refusal(self._where, self._user, words):
            raise known
        password = self._ask()
        if password is None:
            if sudo.wants_password(words):
                raise sudo.password_missing(self._where, self._user)
            raise sudo.refusal(self._where, self._user, words, noise)
        with self._lock:
            self._start_with(password)
            self._channel.send(bytes(self._sent))
            self._awaited = None
            self._sent.clear()

    def _start_with(self, password: Secret) -> None:
        """Start the program by `sudo -S`.

        The password goes out only when sudo has asked for it, and nothing else before
        the program has said that it runs: sudo would take it for further passwords.
        """
        attempt = sudo.with_password(self._command)
        self._channel = self._start(attempt.line)
        try:
            self._early, words = self._answer(attempt, password)
        except BaseException:
            self._channel.close()
            raise
        self._channel.drain_stderr(words)

    def _answer(self, attempt: SudoCommand, password: Secret) -> tuple[bytes, bytes]:
        """Answer sudo's prompt; return stdout and stderr of the program once it runs."""
        stdout, stderr = b"", b""
        answered = False
        while attempt.ready not in stdout:
            try:
                from_stdout, from_stderr = self._channel.receive_any(SUDO_TIMEOUT_S)
            except TimeoutError as error:
                raise UnreachableError(
                    f"cannot become root on {self._where} as {self._user}: "
                    f"sudo gave no answer in {SUDO_TIMEOUT_S:.0f} s",
                    output=_text(stderr),
                ) from error
            stdout, stderr = stdout + from_stdout, stderr + from_stderr
            prompts = stderr.count(attempt.prompt)
            if prompts > 1:
                raise sudo.password_refused(self._where, self._user)
            if prompts and not answered:
                self._channel.send(sudo.password_line(password))
                answered = True
            if not (from_stdout or from_stderr) or len(stdout + stderr) > MAX_NOISE_BYTES:
                words = _text(stderr.replace(attempt.prompt, b""))
                raise sudo.refusal(self._where, self._user, words, _text(stdout))
        return stdout.partition(attempt.ready)[2], stderr.replace(attempt.prompt, b"")

    def stderr_tail(self) -> str:
        """Return the last lines of stderr, sudo's among them."""
        return self._channel.stderr_tail()

    def exit_status(self) -> int | None:
        """Return the exit status of the program, or of sudo if it refused."""
        return self._channel.exit_status()

    def close(self) -> None:
        """Close the channel; the program reads the end of its stdin."""
        self._channel.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
