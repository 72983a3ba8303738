"""This command's run in the background on a host, which goes on when the connection is lost."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable

from provisioning.agent.runs.messages import OtherFacts
from provisioning.errors import (
    ConfigurationError,
    ConnectionLostError,
    HomeportError,
    HostKeyError,
    UnreachableError,
)
from provisioning.hosts.agent_link import AgentLink
from provisioning.hosts.client import Ended
from provisioning.protocol.session import RunDiedError
from provisioning.protocol.submission import Submission

RECONNECT_S = 120.0
"""How long to try to reconnect to a host with a run: long enough for a reboot."""

RECONNECT_PAUSE_S = 1.0

LET_GO_S = 5.0
"""How long to wait for a thread that still talks to a host before the run is left alone."""

LOST = "connection lost; the run continues on the host; reconnecting"


class BackgroundRun:
    """The run of one host.

    Args:
        host: The host's name.
        link: The way to its agent.
        note: Tells the person something about the host.
    """

    def __init__(self, host: str, link: AgentLink, note: Callable[[str], None]) -> None:
        self._host = host
        self._link = link
        self._note = note
        # Its id while it has the host's lock, else ""; how much was heard of it.
        self._id, self._heard = "", 0
        self._is_lost = False

    @property
    def has_host(self) -> bool:
        """Whether it has the host's lock."""
        return bool(self._id)

    def begin(self, who: str, what: str) -> None:
        """Begin it: it locks the host until its end, even if we go.

        Raises:
            HostBusyError: another run is at work there.
        """
        with self._link.speaking:
            self._link.start()
            run = secrets.token_hex(8)
            self._link.client.begin(run, who=who, what=what)
            self._id, self._heard = run, 0

    def has_ended(self) -> None:
        """Take note that it has the host no more."""
        self._id = ""

    def resume(self, submission: Submission, lost: ConnectionLostError) -> Ended | OtherFacts:
        """Come back to it, and hear how its plan ends.

        Raises:
            ConnectionLostError: the person does not want to wait for it.
            UnreachableError: the host cannot be reached any more, or is another one by now.
            RunDiedError: the host went down, and the run with it.
            ConfigurationError: what is needed to connect has been removed meanwhile.
        """
        run = self._id
        if not run or self._link.stopping:
            raise lost
        self._note(LOST)
        deadline = time.monotonic() + RECONNECT_S
        while True:
            # Not ours to end, until it is come back to.
            self._id = ""
            try:
                self._connect_again()
                self._id = run
                return self._link.client.resume(run, self._heard, submission)
            except (RunDiedError, HostKeyError, ConfigurationError):
                raise  # Trying again does not help.
            except HomeportError as error:
                if self._link.stopping:
                    raise lost from None
                if time.monotonic() > deadline:
                    raise UnreachableError(
                        f"cannot reach {self._host} again: {error.message}",
                        hint=error.hint or lost.hint,
                        output=error.output or lost.output,
                    ) from None
            time.sleep(RECONNECT_PAUSE_S)

    def keep_alive(self) -> None:
        """Say to it that we are still here; callable from another thread.

        If the connection is lost, another one is made: it must not give us up.
        """
        if not self._id or not self._link.speaking.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(HomeportError):  # Whoever speaks to it next finds out.
                self._keep_alive()
        finally:
            self._link.speaking.release()

    def _keep_alive(self) -> None:
        try:
            self._link.client.keep_alive()
        except ConnectionLostError:
            if self._link.stopping:
                return
            if not self._is_lost:
                self._note(LOST)
            self._is_lost = True
            self._connect_again()
            self._link.client.take_up(self._id, self._heard)
        self._is_lost = False

    def _connect_again(self) -> None:
        self._heard = max(self._heard, self._link.client.heard_of_run)
        self._link.connect_again()

    def let_go(self) -> None:
        """End it, if it still has the host."""
        if not self._id or not self._link.speaking.acquire(timeout=LET_GO_S):
            return
        try:
            self._id = ""
            with contextlib.suppress(HomeportError):  # Without us it ends by itself.
                self._link.client.end_run()
        finally:
            self._link.speaking.release()
