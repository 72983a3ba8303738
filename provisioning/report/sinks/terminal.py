"""The report on a terminal: changes stay, and live lines move below them."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import IO, Any, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live

from provisioning.agent import events
from provisioning.errors import HomeportError
from provisioning.protocol.session import Heard
from provisioning.report import summary
from provisioning.report.host_report import HostReport
from provisioning.report.log_lines import LogLine
from provisioning.report.output import Output
from provisioning.report.sanitize import clean_line
from provisioning.report.sinks import rich_parts
from provisioning.report.sinks.progress import FRAMES_PER_S, LiveLines
from provisioning.report.sinks.text_table import table_parts
from provisioning.report.styles import HOSTS, QUIET, STRONG, text

HOST_COLUMN_CHARS = 24
"""A longer name is folded: a few would take the room from all."""

NARROW_CHARS = 72
"""On a narrower terminal, columns of tables stand closer together."""


class _Console(Console):
    """A console that leaves the cursor where people can see it.

    A process may be killed or suspended at any moment, and nobody can then bring a hidden
    cursor back. It rests below the live lines.
    """

    def show_cursor(self, show: bool = True) -> bool:
        """Leave the cursor as it is."""
        return False


class TerminalSink:
    """Draws; from one thread of its own, so that a slow terminal holds up no host.

    Args:
        output: The terminal.
        diff: Show the diffs that the agents send.
        check: The words say "would".
    """

    def __init__(self, output: Output, *, diff: bool, check: bool) -> None:
        self._console = _Console(
            file=cast(IO[str], output),
            force_terminal=True,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._diff = diff
        self._check = check
        # Taken before any lock of the library's: whoever draws holds it.
        self._drawing = threading.RLock()
        self._pending: list[RenderableType] = []
        self._state = threading.Lock()
        self._lines = LiveLines(())
        self._live: Live | None = None
        self._width = 0
        self._log = False
        self._colours: dict[str, str] = {}
        self._ending = threading.Event()
        self._drawer: threading.Thread | None = None

    def begin(
        self, title: str, hosts: Sequence[str], *, check: bool = False, log: bool = False
    ) -> None:
        """Show the title, and from now on a line for each running host."""
        self._stop()
        self._check, self._log = self._check or check, log
        self._colours = dict(zip(hosts, cycle(HOSTS), strict=False))
        self._width = min(
            max((len(clean_line(host)) for host in hosts), default=0), HOST_COLUMN_CHARS
        )
        if not log:
            self._show(self._head(title, hosts))
        if hosts:
            self._lines = LiveLines(tuple(hosts), self._check, log)
            self._start()

    def _head(self, title: str, hosts: Sequence[str]) -> RenderableType:
        head = text(clean_line(title), STRONG)
        if hosts:
            head.append("  ").append_text(text(summary.host_names(hosts), QUIET))
        if self._check:
            head.append_text(text("  check: nothing is changed", QUIET))
        return head

    def heard(self, host: str, heard: Heard) -> None:
        """Follow what a host is doing, and keep what it changed on the screen."""
        with self._state:
            self._lines.hear(host, heard)
        if isinstance(heard, events.Noted):
            self.note(heard.text, host)
        elif isinstance(heard, events.Finished):
            if heard.status == events.CHANGED:
                kept = rich_parts.change_block(
                    host, self._width, heard, check=self._check, diff=self._diff
                )
                self._show(kept)
            elif heard.status == events.FAILED:
                failure = summary.Failure((host,), heard.message, heard.hint, heard.output)
                self._show(rich_parts.failure_block(host, self._width, failure, heard.id))

    def log(self, lines: Sequence[LogLine]) -> None:
        """Show log lines instead of the live lines."""
        if not lines:
            return
        self._stop()
        shown = [
            rich_parts.log_block(line, self._width, self._colours.get(line.host, ""))
            for line in lines
        ]
        self._show(*shown)

    def ended(self, report: HostReport) -> None:
        """Take a host's line away; show why it failed, unless that has been shown."""
        with self._state:
            self._lines.end(report.host)
        failure = summary.unsaid_failure_of(report)
        if failure:
            self._show(rich_parts.failure_block(report.host, self._width, failure))

    def note(self, words: str, host: str = "") -> None:
        """Keep a line on the screen."""
        if host:
            self._show(rich_parts.line_of(host, self._width, " ", text(clean_line(words))))
        else:
            self._show(text(clean_line(words)))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Take the live lines away while a person is asked something."""
        drawing = self._live is not None
        self._stop()
        try:
            yield
        finally:
            if drawing:
                self._start()

    def end(
        self, reports: Sequence[HostReport], *, conclusion: str = "", next: Sequence[str] = ()
    ) -> None:
        """Take the live lines away and show the summary."""
        self._stop()
        if self._log:
            return
        narrow = self._console.width < NARROW_CHARS
        self._show(*rich_parts.summary_block(reports, conclusion, check=self._check, narrow=narrow))
        self._show(*(text(clean_line(each)) for each in next))

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
        """Show a table."""
        narrow = self._console.width < NARROW_CHARS
        parts = table_parts(columns, rows, keys, self._console.width)
        for number, (heads, cells) in enumerate(parts):
            self._show(
                rich_parts.table_block(
                    "" if number else title, heads, cells, narrow=narrow, marks=marks
                )
            )
            if number < len(parts) - 1:
                self._show("")

    def error(self, error: HomeportError) -> None:
        """Take the live lines away and show why the command cannot go on."""
        self._stop()
        failure = summary.Failure((), error.message, error.hint, error.output)
        self._show(rich_parts.failure_block("", 0, failure))

    def _show(self, *renderables: RenderableType) -> None:
        """Have something shown: soon by the drawer while there is one, else now."""
        with self._state:
            self._pending += renderables
            waiting = self._drawer is not None
        if not waiting:
            self._draw()

    def _draw(self) -> None:
        with self._drawing:
            with self._state:
                pending, self._pending = self._pending, []
            if pending:
                # Printing draws the live lines anew as well.
                self._console.print(Group(*pending))
            elif self._live:
                self._live.refresh()

    def _renderable(self) -> RenderableType:
        with self._state:
            return self._lines.lines(self._console)

    def _start(self) -> None:
        atexit.register(self._stop)
        self._ending.clear()
        self._live = Live(
            console=self._console,
            get_renderable=self._renderable,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        with self._drawing:
            self._live.start(refresh=True)
        self._drawer = threading.Thread(target=self._keep_drawing, name="report", daemon=True)
        self._drawer.start()

    def _keep_drawing(self) -> None:
        while not self._ending.wait(1 / FRAMES_PER_S):
            self._draw()

    def _stop(self) -> None:
        """Take the live lines away; whatever happens, the terminal is as it was."""
        drawer, live = self._drawer, self._live
        if drawer is None or live is None:
            return
        self._ending.set()
        drawer.join()
        with self._drawing:
            self._draw()
            with self._state:
                self._drawer = None
            live.stop()
            self._live = None
            self._draw()
        atexit.unregister(self._stop)
