"""From what the agents said to what a person, a log or a program reads. Nothing else prints."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from provisioning.report.exit_codes import exit_code
from provisioning.report.host_report import HostReport, Status
from provisioning.report.log_lines import LogLine
from provisioning.report.output import Output
from provisioning.report.sinks.sink import Sink

__all__ = ["HostReport", "LogLine", "Sink", "Status", "exit_code", "make_sink"]


def make_sink(
    *,
    json: bool = False,
    diff: bool = False,
    check: bool = False,
    stream: TextIO | None = None,
    errors: TextIO | None = None,
) -> Sink:
    """Return the sink that suits the one who reads.

    Args:
        json: JSON lines.
        diff: Show unified diffs of what changes.
        check: Nothing will be changed: the words say "would".
        stream: Where to; default: stdout. A terminal gets a live display.
        errors: Where plain lines about why a command cannot go on are written; default:
            stderr, or the stream if one is given.
    """
    output = Output(stream or sys.stdout)
    if json:
        from provisioning.report.sinks.json_lines import JsonSink

        return JsonSink(output, diff=diff, check=check)
    # Source: terminfo(5): "dumb" can do nothing but print lines.
    if output.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from provisioning.report.sinks.terminal import TerminalSink

        return TerminalSink(output, diff=diff, check=check)
    from provisioning.report.sinks.plain import PlainSink

    apart = Output(errors or sys.stderr) if errors or not stream else output
    return PlainSink(output, apart, diff=diff, check=check)
