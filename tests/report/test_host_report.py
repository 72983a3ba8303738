from __future__ import annotations

import pytest

from provisioning.agent import events
from provisioning.agent.runs.messages import Hello
from provisioning.errors import (
    ConnectionLostError,
    DeployRefusedError,
    HostKeyError,
    InterruptedRunError,
    UnreachableError,
)
from provisioning.protocol.session import Said
from provisioning.report import HostReport
from tests.report.samples import CHANGED_FILE, FAILED, NEW_FILE


def report_of(*heard, error=None):
    report = HostReport("web1", error=error)
    for each in heard:
        report.hear(each)
    return report


def test_what_was_heard_is_added_up():
    report = report_of(
        Said("connecting"),
        Hello("3.11.2"),
        events.Unchanged(("a:1", "a:2")),
        events.Started(NEW_FILE.id),
        NEW_FILE,
        events.Done("run-1", seconds=1.5),
        events.Finished("a:3", events.UNCHANGED),
        CHANGED_FILE,
        events.Done("run-2", seconds=0.5),
    )
    assert report.changed == [NEW_FILE, CHANGED_FILE]
    assert (report.unchanged, report.failed, report.seconds) == (3, None, 2.0)
    assert report.status == "changed"


def test_a_run_that_never_said_done_is_no_success():
    assert report_of(events.Unchanged(("a:1",))).status == "interrupted"
    assert report_of(events.Unchanged(("a:1",)), events.Done("run")).status == "unchanged"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreachableError("x"), "unreachable"),
        (HostKeyError("x"), "unreachable"),
        (ConnectionLostError("x"), "failed"),
        (DeployRefusedError("x"), "refused"),
        (InterruptedRunError("x"), "interrupted"),
    ],
)
def test_an_error_decides_the_status(error, status):
    assert report_of(CHANGED_FILE, events.Done("run"), error=error).status == status


def test_a_failed_resource_decides_the_status():
    assert report_of(FAILED, events.Done("run", failed=True)).status == "failed"


def test_a_release_that_was_kept_from_going_live_is_refused_and_not_failed():
    refused = events.Finished("live-release:hello", events.FAILED, refused=True)
    assert report_of(refused, events.Done("run", failed=True)).status == "refused"


def test_a_run_that_was_stopped_is_interrupted():
    assert report_of(CHANGED_FILE, events.Done("run", stopped=True)).status == "interrupted"
