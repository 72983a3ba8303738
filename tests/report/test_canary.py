"""A registered secret, in everything that a sink is given, comes out of none of them."""

from __future__ import annotations

import io

import pytest

from provisioning.agent import events
from provisioning.agent.runs.messages import Hello
from provisioning.errors import ResourceFailedError
from provisioning.protocol.session import Said
from provisioning.report import HostReport, make_sink
from provisioning.secrets import Secret
from tests.report.conftest import TerminalStream

CANARY = "canary-Zx81"
PEM = "-----BEGIN KEY-----\nMIIcanaryAAAABBBBCCCC\nDDDDcanaryEEEEFFFF\n-----END KEY-----"


def speak(sink, words):
    """Put the words into every text that a sink is given."""
    change = {f"name {words}": (f"old {words}", f"new {words}"), "short": (words, None)}
    diff = f"--- a\n+++ b\n@@ -1 +1 @@\n-{words}\n+{words}!\n"
    changed = events.Finished(f"file:{words}", events.CHANGED, change, (diff,))
    failed = events.Finished(
        f"a:{words}", events.FAILED, message=words, hint=words, output=f"first\n{words}\nlast"
    )
    error = ResourceFailedError(f"cannot x: {words}", hint=words, output=words)
    reports = [
        HostReport("web1", changed=[changed], failed=failed),
        HostReport("web2", error=error),
    ]
    sink.begin(f"deploy {words}", ["web1", "web2"])
    for heard in (
        Said(words),
        Hello(words),
        events.Started(f"x:{words}"),
        events.Progress(f"x:{words}", f"doing {words}"),
        events.Noted(words),
        changed,
        failed,
        events.Unchanged((words,)),
        events.Done(words),
    ):
        sink.heard("web1", heard)
    for report in reports:
        sink.ended(report)
    sink.note(words)
    sink.note(words, "web1")
    sink.table(words, [f"head {words}"], [[words]])
    sink.end(reports, conclusion=words)
    sink.error(error)


@pytest.mark.parametrize("width", [40, 60, 120])
@pytest.mark.parametrize("kind", ["plain", "json", "terminal"])
@pytest.mark.parametrize("secret", [CANARY, PEM])
def test_no_sink_shows_a_secret(kind, width, secret, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    stream = TerminalStream() if kind == "terminal" else io.StringIO()
    sink = make_sink(json=kind == "json", diff=True, stream=stream)
    Secret(secret)
    speak(sink, secret)
    written = stream.getvalue()
    assert "***" in written
    assert "canary" not in written


@pytest.mark.parametrize("kind", ["plain", "json", "terminal"])
def test_the_same_words_are_shown_when_they_are_no_secret(kind, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = TerminalStream() if kind == "terminal" else io.StringIO()
    speak(make_sink(json=kind == "json", diff=True, stream=stream), "innocent")
    assert stream.getvalue().count("innocent") > 20
