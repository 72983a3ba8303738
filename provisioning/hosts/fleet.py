"""The hosts of one app during one command: everything that they do together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.agent.runs.messages import RunInfo
from provisioning.errors import HomeportError, InterruptedRunError
from provisioning.hosts.client import PING_EVERY_S
from provisioning.hosts.parallel import map_hosts
from provisioning.protocol.session import HostBusyError

if TYPE_CHECKING:
    from provisioning.agent.resource import Resource
    from provisioning.hosts.host import RemoteHost

Parts = Mapping[str, "Sequence[Resource]"]
"""Host -> what its run is to bring to its desired state."""


@dataclass(frozen=True)
class Fleet:
    """Some hosts, one run each.

    Args:
        runs: One per host.
        parallel: How many of them work at the same time, at most.
    """

    runs: Sequence[RemoteHost]
    parallel: int = 32

    def all(self, work: Callable[[RemoteHost], Any]) -> dict[str, Any]:
        """Do something on every host at once; remember errors with the hosts.

        Returns:
            Host -> what the work returned, for hosts on which it came to its end.
        """
        outcomes = map_hosts(self.runs, work, parallel=self.parallel, on_interrupt=self._interrupt)
        results = {}
        for outcome in outcomes:
            if outcome.interrupted:
                outcome.host.fail(InterruptedRunError("interrupted", hint="run it again"))
            elif outcome.error is None:
                results[outcome.host.name] = outcome.result
            elif isinstance(outcome.error, HomeportError):
                outcome.host.fail(outcome.error)
            else:
                raise outcome.error
        return results

    def converge(
        self, parts: Parts, *, final: bool = True, on_failure: Parts | None = None
    ) -> list[RemoteHost]:
        """Bring resources to their desired state on every host, by their runs.

        Args:
            parts: A host that is missing gets nothing.
            final, on_failure: See `RemoteHost.converge`.

        Returns:
            The hosts on which all of them are.
        """
        results = self.all(
            lambda run: run.converge(
                parts.get(run.name, ()),
                final=final,
                on_failure=on_failure.get(run.name, ()) if on_failure else (),
            )
        )
        return [run for run in self.runs if results.get(run.name)]

    def begin(self, what: str) -> bool:
        """Begin a run in the background on every host.

        The first host by name is asked first, and the others only when it is ours: of two
        commands for the same hosts, in whatever order, one gets them all.

        Returns:
            Whether all hosts are ours; if not, none is kept, and why is remembered with them.
        """
        first, *others = sorted(self.runs, key=lambda run: run.name)
        for part in ([first], others):
            begun = Fleet(part, self.parallel).all(lambda run: run.begin(what)) if part else {}
            if len(begun) < len(part):
                # Whoever has the others may be waiting for ours: two could watch each other.
                Fleet(self.runs, self.parallel).all(lambda run: run.let_go())
                return False
        return True

    def current_run(self) -> dict[RemoteHost, RunInfo]:
        """Return what others do that kept this command from beginning, and can be watched.

        They began on a host of ours that we found busy; they may be at work on others, too.
        """
        errors = [run.report.error for run in self.runs]
        busy = [each.current_run for each in errors if isinstance(each, HostBusyError)]
        whats = {each.what for each in busy if each}
        if not whats:
            return {}
        free = [run for run in self.runs if not run.report.error and not run.has_host]
        asked = Fleet(free, self.parallel).all(lambda run: run.current_run()) if free else {}
        found = {run: asked[run.name] for run in free if asked.get(run.name)}
        for run, error in zip(self.runs, errors, strict=True):
            if isinstance(error, HostBusyError) and error.current_run:
                found[run] = error.current_run
        return {run: each for run, each in found.items() if each.what in whats}

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Keep the lock of hosts that wait for others; at the end, release those still locked."""
        over = threading.Event()

        def keep_alive(run: RemoteHost) -> None:
            while not over.wait(PING_EVERY_S):
                run.keep_alive()

        # One each: that a host is hard to reach must not keep the others waiting.
        for run in self.runs:
            threading.Thread(target=keep_alive, args=(run,), name="heartbeat", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            for run in self.runs:
                run.let_go()

    @property
    def abandoned(self) -> bool:
        """Whether a second Ctrl-C left hosts to finish their step: they take no more requests."""
        return any(run.at_work for run in self.runs)

    @property
    def is_stopping(self) -> bool:
        """Whether a person has asked to stop: nothing further is to be begun."""
        return any(run.is_stopping for run in self.runs)

    @property
    def interrupted(self) -> bool:
        """Whether a person has stopped the work on any of the hosts."""
        return any(run.report.status == "interrupted" for run in self.runs)

    def _interrupt(self) -> None:
        for run in self.runs:
            run.stop()
            run.note("finishing the current step; press Ctrl-C again to quit at once")
