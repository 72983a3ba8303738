"""What every sink can do: the one way to a person's eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from provisioning.errors import HomeportError
from provisioning.report.host_report import HostReport
from provisioning.report.log_lines import LogLine

if TYPE_CHECKING:
    from provisioning.protocol.session import Heard


class Sink(Protocol):
    """Shows what happens. Safe to call from several threads at once."""

    def begin(
        self, title: str, hosts: Sequence[str], *, check: bool = False, log: bool = False
    ) -> None:
        """Show what is about to start, and on which hosts.

        Args:
            title: Such as "provision" or "deploy hello".
            hosts: All that will be worked on, in the order of the inventory.
            check: Nothing will be changed.
            log: The output is that of programs, and may be another program's input: nothing
                else is written there, and no summary.
        """

    def log(self, lines: Sequence[LogLine]) -> None:
        """Show what was logged, in this order; maybe nothing.

        Raises:
            BrokenPipeError: Whoever reads along has seen enough.
        """

    def heard(self, host: str, heard: Heard) -> None:
        """Show what a host's agent said."""

    def ended(self, report: HostReport) -> None:
        """Show that a host is done with, and why if it failed."""

    def note(self, text: str, host: str = "") -> None:
        """Show a line that a person should read."""

    def paused(self) -> AbstractContextManager[None]:
        """Leave the terminal to a question that a person is asked."""

    def end(
        self, reports: Sequence[HostReport], *, conclusion: str = "", next: Sequence[str] = ()
    ) -> None:
        """Show the summary.

        Args:
            reports: One per host.
            conclusion: Its last line; default: what the reports add up to.
            next: Lines below it: where to look, what to do next.
        """

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        keys: int = 0,
        values: Sequence[Mapping[str, Any]] | None = None,
        marks: bool = False,
    ) -> None:
        """Show a table.

        Args:
            title: Above it; may be empty.
            columns: Their heads.
            rows: Cells.
            keys: How many columns, from the left, say what a row is about. A table that is too
                wide for the terminal is shown in parts that all begin with them.
            values: The rows for programs: not rounded, and with names of their own.
            marks: Cells that are verdicts, such as "pass", get a colour where there are any.
        """

    def error(self, error: HomeportError) -> None:
        """Show why the command cannot go on."""
