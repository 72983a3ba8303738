"""Lines for a pipe, a log or a CI system: one per thing, prefixed by its host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from provisioning.agent import events
from provisioning.errors import HomeportError
from provisioning.protocol.session import Heard, Said
from provisioning.report import summary
from provisioning.report.changes import FAILED, took, words_for
from provisioning.report.host_report import HostReport
from provisioning.report.log_lines import LogLine, about
from provisioning.report.names import readable_id
from provisioning.report.output import Output
from provisioning.report.sanitize import clean_line, clean_lines
from provisioning.report.sinks.text_table import aligned
from provisioning.secrets import REDACTOR

OUTPUT_LINES = 40
"""Of what a failed program printed; a log has room."""


class PlainSink:
    """Writes lines, without colours, cursor movements or anything else a log cannot hold.

    Args:
        output: Where the report goes.
        errors: Where `error` goes.
        diff: Show the diffs that the agents send.
        check: The words say "would".
    """

    def __init__(self, output: Output, errors: Output, *, diff: bool, check: bool) -> None:
        self._output = output
        self._errors = errors
        self._diff = diff
        self._check = check
        self._width = 0
        self._several = False
        self._log = False
        self._talk = output

    def begin(
        self, title: str, hosts: Sequence[str], *, check: bool = False, log: bool = False
    ) -> None:
        """Write the title and the hosts' names."""
        self._check = self._check or check
        names = [clean_line(host) for host in hosts]
        self._width = max(map(len, names), default=0)
        self._several = len(names) > 1
        if log:
            self._log, self._talk = True, self._errors
            return
        checking = " (check: nothing is changed)" if self._check else ""
        on = f": {', '.join(names)}" if names else ""
        self._write([clean_line(title) + on + checking])

    def heard(self, host: str, heard: Heard) -> None:
        """Write what a person may want to know of what an agent said."""
        match heard:
            case Said(text):
                self._write_of(host, [f"  {clean_line(text)}"])
            case events.Progress(id, text):
                words = f"  {readable_id(clean_line(id))}  {clean_line(text)}"
                self._write_of(host, [words.replace("    ", "  ")])
            case events.Noted(text):
                self.note(text, host)
            case events.Finished(status=events.CHANGED | events.FAILED):
                self._write_of(host, self._finished(heard))

    def log(self, lines: Sequence[LogLine]) -> None:
        """Write lines, each after its host, time and unit."""
        self._write(
            [
                f"{clean_line(line.host).ljust(self._width)}  {about(line)}  {text}"
                for line in lines
                for text in clean_lines(line.text) or [""]
            ],
            self._output,
        )
        if self._output.gone:
            raise BrokenPipeError

    def ended(self, report: HostReport) -> None:
        """Write why a host failed; of several, also that it is done with."""
        failure = summary.unsaid_failure_of(report)
        if failure:
            self._write_of(report.host, _failure(failure.message, failure.output, failure.hint))
        elif self._several and not self._log:
            outcome = summary.outcome(report, check=self._check)
            self._write_of(report.host, [f"= {outcome}, {report.seconds:.1f} s"])

    def note(self, text: str, host: str = "") -> None:
        """Write a line."""
        if host:
            self._write_of(host, [f"  {clean_line(text)}"])
        else:
            self._write([clean_line(text)])

    def paused(self) -> AbstractContextManager[None]:
        """Do nothing: no line is drawn over."""
        return nullcontext()

    def end(
        self, reports: Sequence[HostReport], *, conclusion: str = "", next: Sequence[str] = ()
    ) -> None:
        """Write the summary as aligned text."""
        if self._log:
            return
        columns = summary.columns(check=self._check)
        rows = [summary.row(report, check=self._check) for report in reports]
        lines = ["", *aligned(columns, rows)] if rows else []
        if len(reports) > 1:
            for failure in summary.failures(reports):
                lines += ["", f"{summary.host_names(failure.hosts)}: {failure.message}"]
                lines += [f"  try: {failure.hint}"] if failure.hint else []
        last = clean_line(conclusion) or summary.conclusion(reports, check=self._check)
        lines += ["", last] if last else []
        self._write([*lines, *(clean_line(each) for each in next)])

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
        """Write a table as aligned text."""
        head = [clean_line(title)] if title else []
        cleaned = [[clean_line(cell) for cell in row] for row in rows]
        self._write([*head, *aligned([clean_line(column) for column in columns], cleaned)])

    def error(self, error: HomeportError) -> None:
        """Write why the command cannot go on."""
        first, *others = clean_lines(error.message) or [""]
        lines = [f"error: {first}", *(f"  {line}" for line in others)]
        lines += [f"    {line}" for line in clean_lines(error.output)]
        lines += [f"  try: {clean_line(error.hint)}"] if error.hint else []
        self._write(lines, self._errors)

    def _finished(self, finished: events.Finished) -> Iterable[str]:
        words = words_for(finished)
        if words.symbol == FAILED:
            message = f"{words.id}  {finished.message}"
            yield from _failure(message, finished.output, finished.hint)
            return
        details = words.would() if self._check else words.details
        yield "  ".join(filter(None, (f"{words.symbol} {words.id}", details, took(finished))))
        if self._diff:
            for diff in finished.diffs:
                yield from (f"    {line}" for line in clean_lines(diff))

    def _write_of(self, host: str, lines: Iterable[str]) -> None:
        prefix = clean_line(host).ljust(self._width)
        self._write([f"{prefix}  {line}".rstrip() for line in lines])

    def _write(self, lines: Sequence[str], output: Output | None = None) -> None:
        """Write lines that belong together as one, whatever other hosts have to say."""
        text = "".join(f"{REDACTOR.redact(line)}\n" for line in lines)
        (output or self._talk).write(text)


def _failure(message: str, output: str, hint: str) -> Iterable[str]:
    first, *others = clean_lines(message) or [""]
    yield f"{FAILED} {first}"
    yield from (f"  {line}" for line in others)
    yield from (f"      {line}" for line in clean_lines(output, OUTPUT_LINES))
    if hint:
        yield f"    try: {clean_line(hint)}"
