from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from provisioning.report.output import Output
from provisioning.report.sinks.terminal import TerminalSink


class TerminalStream(io.StringIO):
    """Text in memory that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> TerminalStream:
    return TerminalStream()


@pytest.fixture
def terminal(
    stream: TerminalStream, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., TerminalSink]:
    """Make a terminal sink of a given width."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def make(*, width: int = 80, height: int = 24, diff: bool = False, check: bool = False):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("LINES", str(height))
        return TerminalSink(Output(stream), diff=diff, check=check)

    return make
