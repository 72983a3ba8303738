"""What becomes of a release that does not get healthy."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.apps import health_answers
from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.http import Answer
from provisioning.agent.resources.release_running import ReleaseRunning
from tests.fakes.system import QuietSystem

RELEASE, OTHER = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"


@pytest.mark.parametrize(("live", "is_ended"), [(OTHER, True), (RELEASE, False)])
def test_it_is_ended_unless_visitors_see_it(root: Path, live: str, *, is_ended: bool) -> None:
    layout = AppLayout("root")
    Path(layout.live_socket).parent.mkdir(parents=True, exist_ok=True)
    Path(layout.live_socket).symlink_to(layout.socket(live))
    system = QuietSystem()
    assert Releases("root", system).live == live
    sick = ReleaseRunning("root", RELEASE, "/healthz", "hello.test", timeout_s=0)
    with pytest.raises(AgentError, match="was not answered in time"):
        sick.apply(system, {})
    assert any(argv[:2] == ["systemctl", "kill"] for argv in system.told) is is_ended
    assert Releases("root", system).history()[-1].event == "failed"


def test_an_answer_that_stays_is_refused_long_before_its_time_is_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = AppLayout("root")
    Path(layout.live_socket).parent.mkdir(parents=True, exist_ok=True)
    answers = [Answer(0, "refused", {}), Answer(503, "", {}), *[Answer(404, "no", {})] * 9]
    monkeypatch.setattr(health_answers, "STEADY_S", 0.5)
    monkeypatch.setattr(ReleaseRunning, "_ask", lambda *_: answers.pop(0))
    monkeypatch.setattr(ReleaseRunning, "_check_process", lambda *_: None)
    sick = ReleaseRunning("root", RELEASE, "/healthz", "hello.test", timeout_s=3600)
    with pytest.raises(AgentError, match="/healthz answered 404 instead of 200: no") as refused:
        sick.apply(QuietSystem(), {})
    assert "set `health` of [apps.root]" in refused.value.hint
    assert answers
