"""What one host's agent said in one command, added up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from provisioning.agent import events
from provisioning.errors import (
    DeployRefusedError,
    HomeportError,
    InterruptedRunError,
    UnreachableError,
)

if TYPE_CHECKING:
    from provisioning.protocol.session import Heard

Status: TypeAlias = Literal[
    "changed", "unchanged", "failed", "unreachable", "refused", "interrupted"
]


@dataclass
class HostReport:
    """One host's outcome, built up by feeding what its agent said.

    The caller sets `error`, `seconds` and the counts of the connection when the host is
    done; everything else comes from `hear`.

    Args:
        host: Its name.
        changed: Resources that were changed; in a check, that would be.
        unchanged: How many resources were as they should be.
        failed: The resource at which the run ended, if one failed.
        error: Why the host could not be worked on, or not to the end.
        stopped: The run ended early because somebody asked.
        seconds: The agent's own time, unless the caller knows a better one.
        turns: Round trips waited for.
        connections: TCP connections opened.
        channels: SSH channels opened.
        bytes_sent: Bytes handed to the network.
        bytes_received: Bytes taken from the network.
    """

    host: str
    changed: list[events.Finished] = field(default_factory=list)
    unchanged: int = 0
    failed: events.Finished | None = None
    error: HomeportError | None = None
    stopped: bool = False
    seconds: float = 0.0
    turns: int = 0
    connections: int = 0
    channels: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    _running: bool = field(default=False, repr=False)

    def hear(self, heard: Heard) -> None:
        """Add an event of the agent."""
        match heard:
            case events.Started():
                self._running = True
            case events.Unchanged(ids):
                self._running = True
                self.unchanged += len(ids)
            case events.Finished():
                self._running = True
                self._add(heard)
            case events.Done():
                self._running = False
                self.stopped = self.stopped or heard.stopped
                self.seconds += heard.seconds

    def _add(self, finished: events.Finished) -> None:
        if finished.status == events.CHANGED:
            self.changed.append(finished)
        elif finished.status == events.FAILED:
            self.failed = finished
        elif finished.status == events.UNCHANGED:
            self.unchanged += 1

    @property
    def went_well(self) -> bool:
        """Whether all is as desired, as far as it was worked on."""
        return self.status in ("changed", "unchanged")

    def has_changed(self, resource: str) -> bool:
        """Return whether a resource was changed: by its id, as "live-release:hello"."""
        return any(each.id == resource for each in self.changed)

    @property
    def status(self) -> Status:
        """How it ended, in one word."""
        if isinstance(self.error, InterruptedRunError):
            return "interrupted"
        if isinstance(self.error, UnreachableError):
            return "unreachable"
        if isinstance(self.error, DeployRefusedError) or (self.failed and self.failed.refused):
            return "refused"
        if self.error or self.failed:
            return "failed"
        # Without `Done` nobody knows how far it came, so it is no success.
        if self.stopped or self._running:
            return "interrupted"
        return "changed" if self.changed else "unchanged"
