"""`setup` and `migrate_first`: what an app reads while it is imported is there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.answers import LIVE, HistoryEvent
from provisioning.deploy.artifact import Artifact, build_artifact
from provisioning.deploy.begin import Beginning
from provisioning.deploy.deploy import _needs_setup, _ready
from provisioning.deploy.deployment import Deployment
from provisioning.deploy.phases import Change, Planner
from provisioning.errors import DeployRefusedError
from provisioning.hooks import Hooks
from provisioning.inventory.models.app import App
from provisioning.resources import OneOff, Release, ReleaseRunning
from tests.fakes.answers import app_state
from tests.roles.samples import BOOKWORM, inventory

HOSTS = ("web1", "web2")


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "requirements.txt").write_text("flask\n")
    return build_artifact(tmp_path / "source", "requirements.txt")


def _deployment(artifact: Artifact, **options: Any) -> Deployment:
    app = App(name="hello", source=".", wsgi="app:app", domains=["hello.test"], **options)
    placed = dict.fromkeys(HOSTS, app)
    return Deployment(app, artifact, {}, {}, https=False, by="x", placed=placed)


def _steps(folder: Path, deployment: Deployment, *, setup: bool) -> list[dict[str, Sequence[str]]]:
    """Return what each host does between two times at which the hosts wait for each other."""
    text = "[hosts.web1]\n[hosts.web2]\n[apps.hello]\nsource='.'\nwsgi='app:app'\n"
    made = inventory(folder, text + "domains=['hello.test']\n")
    hooks = Hooks.of(made, made.apps["hello"], "deploy", by="x", hosts=HOSTS, say=lambda text: None)
    begun = Beginning(dict.fromkeys(HOSTS, app_state()), dict.fromkeys(HOSTS, BOOKWORM))
    change = Change(deployment.app, deployment.release, https=False, by="x")
    planner = Planner(change, begun, hooks)
    phases = planner.plan(*_ready(deployment, planner, needs_setup=setup))
    return [
        {
            host: [
                each.label if isinstance(each, OneOff) else each.kind
                for each in its.prepare[number]
                if isinstance(each, (OneOff, Release, ReleaseRunning))
            ]
            for host, its in phases.hosts.items()
        }
        for number in range(len(phases.stages))
    ]


MIGRATED_BY_ONE = [
    {"web1": ["migrate"], "web2": []},
    {host: ["release-running"] for host in HOSTS},
]


def test_a_release_is_imported_everywhere_before_it_migrates_and_starts_nowhere_before_that(
    artifact: Artifact, tmp_path: Path
) -> None:
    assert _steps(tmp_path, _deployment(artifact, migrate="m"), setup=False) == [
        {host: ["release", "import"] for host in HOSTS},
        *MIGRATED_BY_ONE,
    ]


def test_hosts_wait_for_nothing_where_nothing_is_migrated(
    artifact: Artifact, tmp_path: Path
) -> None:
    assert _steps(tmp_path, _deployment(artifact), setup=False) == [
        {host: ["release", "import", "release-running"] for host in HOSTS}
    ]


@pytest.mark.parametrize("setup", [True, False])
def test_a_migration_that_comes_first_is_waited_for(
    setup: bool, artifact: Artifact, tmp_path: Path
) -> None:
    deployment = _deployment(artifact, migrate="m", setup="s", migrate_first=True)
    assert _steps(tmp_path, deployment, setup=setup) == [
        {"web1": ["release", *(["setup"] if setup else [])], "web2": ["release"]},
        {"web1": ["migrate"], "web2": []},
        {host: ["import", "release-running"] for host in HOSTS},
    ]


def test_setup_comes_once_on_one_host_and_before_any_import(
    artifact: Artifact, tmp_path: Path
) -> None:
    assert _steps(tmp_path, _deployment(artifact, migrate="m", setup="s"), setup=True) == [
        {"web1": ["release", "setup"], "web2": ["release"]},
        {host: ["import"] for host in HOSTS},
        *MIGRATED_BY_ONE,
    ]


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, True),
        ({"live": "20260102T030405.000Z-abc1234"}, False),
        ({"stopped": "20260102T030405.000Z-abc1234"}, False),
        ({"history": (HistoryEvent(LIVE, "20260102T030405.000Z-abc1234"),)}, False),
        ({"history": (HistoryEvent("failed", "20260102T030405.000Z-abc1234"),)}, True),
    ],
)
def test_an_app_that_was_live_anywhere_is_not_set_up(
    changes: dict[str, Any], needed: bool, artifact: Artifact
) -> None:
    states = {"web1": app_state(), "web2": app_state(**changes)}
    assert _needs_setup(_deployment(artifact, setup="s"), states) is needed
    assert not _needs_setup(_deployment(artifact), states)


def test_who_may_have_been_set_up_has_to_be_asked(artifact: Artifact) -> None:
    deployment = _deployment(artifact, setup="s")
    with pytest.raises(DeployRefusedError, match="web1, which may have had that"):
        _needs_setup(deployment, {"web2": app_state()})
    # Of an app that was live here there is nothing to ask.
    assert not _needs_setup(deployment, {"web2": app_state(live="20260102T030405.000Z-abc1234")})
    alone = replace(deployment, placed={})
    assert _needs_setup(alone, {"203.0.113.9": app_state()})
