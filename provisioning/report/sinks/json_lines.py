"""The report as JSON lines, for programs: one object per line, nothing else on the stream.

Every object begins with `time` (UTC, ISO 8601), `host` ("" where it is about no one host)
and `event`. `docs/json-output.md` describes each event's other fields. The last line of a
command that worked on hosts is `summary`, that of one that could not is `error`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from provisioning.agent import events
from provisioning.agent.runs.messages import Hello, OtherFacts
from provisioning.errors import HomeportError
from provisioning.protocol.session import Heard, Said
from provisioning.report import summary
from provisioning.report.changes import words_for
from provisioning.report.host_report import HostReport
from provisioning.report.log_lines import LogLine
from provisioning.report.output import Output
from provisioning.report.sanitize import clean, clean_line

_ACTIONS = {"+": "add", "~": "change", "-": "remove"}


class JsonSink:
    """Writes one object per line.

    Args:
        output: Where to.
        diff: Include the diffs that the agents send.
        check: The changes are what would be done.
    """

    def __init__(self, output: Output, *, diff: bool, check: bool) -> None:
        self._output = output
        self._diff = diff
        self._check = check

    def begin(
        self, title: str, hosts: Sequence[str], *, check: bool = False, log: bool = False
    ) -> None:
        """Write `begin`."""
        self._check = self._check or check
        self._write("begin", title=title, hosts=list(hosts), check=self._check)

    def heard(self, host: str, heard: Heard) -> None:
        """Write what an agent said."""
        match heard:
            case Hello(python):
                self._write("ready", host, python=python)
            case Said(text):
                self._write("progress", host, id="", text=text)
            case OtherFacts():
                self._write("replanned", host)
            case events.Started(id):
                self._write("started", host, id=id)
            case events.Progress(id, text):
                self._write("progress", host, id=id, text=text)
            case events.Unchanged(ids):
                self._write("unchanged", host, ids=list(ids))
            case events.Noted(text):
                self.note(text, host)
            case events.Finished():
                self._finished(host, heard)
            case events.Done():
                how = {"stopped": heard.stopped, "failed": heard.failed, "more": heard.more}
                self._write("done", host, run=heard.run, **how, seconds=heard.seconds)

    def log(self, lines: Sequence[LogLine]) -> None:
        """Write `log`, once for each line."""
        for line in lines:
            at, unit = _time(line.at), line.unit
            self._write("log", line.host, at=at, unit=unit, priority=line.priority, text=line.text)
        if self._output.gone:
            raise BrokenPipeError

    def ended(self, report: HostReport) -> None:
        """Write `ended`."""
        self._write("ended", report.host, **_outcome(report))

    def note(self, text: str, host: str = "") -> None:
        """Write `note`."""
        self._write("note", host, text=text)

    def paused(self) -> AbstractContextManager[None]:
        """Do nothing: no line is drawn over."""
        return nullcontext()

    def end(
        self, reports: Sequence[HostReport], *, conclusion: str = "", next: Sequence[str] = ()
    ) -> None:
        """Write `summary`."""
        hosts = [{"host": report.host, **_outcome(report)} for report in reports]
        last = conclusion or summary.conclusion(reports, check=self._check)
        self._write("summary", check=self._check, hosts=hosts, conclusion=last, next=list(next))

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
        """Write `table`."""
        if values is None:
            values = [dict(zip(columns, row, strict=True)) for row in rows]
        else:
            columns = list(dict.fromkeys(name for value in values for name in value))
        self._write("table", title=title, columns=list(columns), rows=list(values))

    def error(self, error: HomeportError) -> None:
        """Write `error`."""
        self._write("error", **_error(error))

    def _finished(self, host: str, finished: events.Finished) -> None:
        values: dict[str, Any] = {"id": finished.id, "status": finished.status}
        if finished.status == events.FAILED:
            values |= {
                "message": finished.message,
                "hint": finished.hint,
                "output": finished.output,
                "refused": finished.refused,
            }
        elif finished.change:
            values["action"] = _ACTIONS[words_for(finished).symbol]
            values["change"] = {
                clean(name): {"actual": _value(pair[0]), "desired": _value(pair[1])}
                for name, pair in finished.change.items()
            }
            if self._diff:
                values["diffs"] = list(finished.diffs)
        self._write("finished", host, **values, seconds=finished.seconds)

    def _write(self, event: str, host: str = "", /, **values: Any) -> None:
        line = {
            "time": _time(time.time()),
            "host": clean_line(host),
            "event": event,
            **_clean(values),
        }
        # The text is ASCII; nothing in it can end the line early.
        self._output.write(json.dumps(line) + "\n")


def _time(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _outcome(report: HostReport) -> dict[str, Any]:
    return {
        "status": report.status,
        "changed": [finished.id for finished in report.changed],
        "unchanged": report.unchanged,
        "failed": report.failed.id if report.failed else None,
        "error": _error(report.error) if report.error else None,
        "seconds": round(report.seconds, 3),
        "round_trips": report.turns,
        "connections": report.connections,
        "channels": report.channels,
        "bytes_sent": report.bytes_sent,
        "bytes_received": report.bytes_received,
    }


def _error(error: HomeportError) -> dict[str, Any]:
    return {
        "message": error.message,
        "hint": error.hint,
        "output": error.output,
        "exit_code": error.exit_code,
    }


def _value(value: Any) -> Any:
    """Return a value of a resource's state; a number may be a secret as well."""
    return value if clean(str(value)) == str(value) else clean(str(value))


def _clean(value: Any) -> Any:
    """Clean every text, before it is encoded: masking in the line could break it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): _clean(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return value
