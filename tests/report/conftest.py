from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from provisioning.report.output import Output
from provisioning.report.sinks.terminal import TerminalSink
from provisioning.secrets import REDACTOR


class TerminalStream(io.StringIO):
    """Text in memory that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def forget_secrets() -> Iterator[None]:
    """Take back the secrets of a test: other tests print words that look like them."""
    written = set(REDACTOR._written)
    yield
    REDACTOR._written, REDACTOR._pattern = written, None


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
