"""Which virtualenv a release gets: one for each set of requirements, and for each Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.deploy.artifact import Artifact, build_artifact
from provisioning.deploy.deployment import Deployment
from provisioning.deploy.interpreter import interpreter
from provisioning.deploy.requirements import Requirements
from provisioning.deploy.requirements.choice import Choice
from provisioning.deploy.runtimes import virtualenv
from provisioning.deploy.steps import build
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers.gunicorn import GunicornSettings
from provisioning.resources import Virtualenv
from tests.roles.samples import BOOKWORM, TRIXIE


def _app(**options: Any) -> App:
    return App(name="hello", source=".", wsgi="app:app", domains=["hello.test"], **options)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "app.py").write_text("app = None\n")
    (tmp_path / "requirements.txt").write_text("flask==3\n")
    return build_artifact(tmp_path, "requirements.txt")


def _made(artifact: Artifact, **options: Any) -> Virtualenv:
    app = _app(**options)
    return virtualenv.virtualenv(app, artifact, BOOKWORM, interpreter(app, BOOKWORM).path)


def test_it_is_the_apps_and_knows_what_its_build_may_reach(artifact: Artifact) -> None:
    made = _made(artifact, build_hosts=["static.crates.io", "git.example.com:8443"])
    assert made.owner == "hello"
    assert made.hosts == ("static.crates.io", "git.example.com:8443")
    assert made.path.startswith("/srv/hello/venvs/")
    assert (made.python, made.uv) == ("/usr/bin/python3", "/opt/homeport/uv/bin/uv")
    assert _made(artifact, python="/opt/python/bin/python").python == "/opt/python/bin/python"


def test_the_server_comes_with_hashes_whatever_the_apps_own_requirements_are(
    artifact: Artifact, tmp_path: Path
) -> None:
    """What of it the app brings itself is seen only in what was installed."""
    assert set(_made(artifact).extra) == {"gunicorn"}
    (tmp_path / "requirements.txt").write_text("gunicorn==26\n")
    again = build_artifact(tmp_path, "requirements.txt")
    assert set(_made(again).extra) == {"gunicorn"}
    assert "gevent" in _made(artifact, settings=GunicornSettings(worker_class="gevent")).extra
    assert all("--hash=sha256:" in line for line in _made(artifact).extra.values())


def test_another_one_is_made_only_for_what_makes_a_difference(
    artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _made(artifact).path
    assert _made(artifact, build_hosts=["a.example"], threads=9).path == first
    assert (
        virtualenv.virtualenv(
            _app(), artifact, replace(BOOKWORM, memory_mb=1), "/usr/bin/python3"
        ).path
        == first
    )
    others = [
        _made(artifact, settings=GunicornSettings(worker_class="gevent")).path,
        _made(artifact, python="python3.12").path,
        virtualenv.virtualenv(_app(), artifact, TRIXIE, "/usr/bin/python3").path,
        virtualenv.virtualenv(
            _app(), artifact, replace(BOOKWORM, architecture="arm64"), "/usr/bin/python3"
        ).path,
    ]
    (tmp_path / "requirements.txt").write_text("flask==3.1\n")
    others.append(_made(build_artifact(tmp_path, "requirements.txt")).path)
    # Those of an earlier format were made with a cache that all apps could write.
    monkeypatch.setattr(virtualenv, "VIRTUALENV_FORMAT", "1")
    others.append(_made(artifact).path)
    assert len({first, *others}) == len(others) + 1


PACKAGE = '[project]\nname = "x"\ndependencies = []\n[build-system]\nrequires = []\n'


def test_whatever_makes_another_recipe_makes_another_path(tmp_path: Path) -> None:
    """At the same path it would be built anew below a release that runs from it."""
    (tmp_path / "app.py").write_text("app = None\n")
    (tmp_path / "requirements.txt").write_text("flask==3\n")
    (tmp_path / "pyproject.toml").write_text(
        PACKAGE + "[project.optional-dependencies]\npg = []\n[dependency-groups]\nprod = []\n"
    )
    (tmp_path / "virtual").mkdir()
    (tmp_path / "virtual" / "pyproject.toml").write_text('[project]\nname = "x"\n')
    (tmp_path / "local.txt").write_text("flask==3\n.\n")
    made = [
        _made(build_artifact(tmp_path, listing, choice=Choice(**choice)))
        for listing, choice in (
            ("requirements.txt", {}),
            ("local.txt", {}),
            ("virtual/pyproject.toml", {}),
            ("pyproject.toml", {}),
            ("pyproject.toml", {"install_project": False}),
            ("pyproject.toml", {"extras": ("pg",)}),
            ("pyproject.toml", {"groups": ("prod",)}),
        )
    ]
    (tmp_path / "app.py").write_text("app = 1\n")
    made.append(_made(build_artifact(tmp_path, "pyproject.toml")))
    made.append(_made(build_artifact(tmp_path, "local.txt")))
    assert len({each.path for each in made}) == len({each.desired()["ready"] for each in made})
    assert len({each.path for each in made}) == len(made)
    same = (build_artifact(tmp_path, "requirements.txt"), build_artifact(tmp_path, "pyproject.toml",
            choice=Choice(install_project=False)))  # fmt: skip
    assert {_made(each).path for each in same} == {made[0].path, made[4].path}


def test_a_virtual_project_has_another_virtualenv_than_an_earlier_homeport_gave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recipe has changed."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    artifact = build_artifact(tmp_path, "pyproject.toml")
    now = _made(artifact).path
    monkeypatch.setattr(Requirements, "installs_project", True)
    assert _made(artifact).path != now


def test_one_for_a_python_that_is_gone_is_left_to_what_runs_from_it(artifact: Artifact) -> None:
    """A release that goes on from memory may read a module of it only now."""
    plan = Deployment(_app(), artifact, env={}, proposed={}, https=False, by="me")
    first = _made(artifact).path

    def path(lost: frozenset[str]) -> str:
        resources = build(replace(plan, lost=lost), BOOKWORM)
        [made] = [each for each in resources if isinstance(each, Virtualenv)]
        return made.path

    assert path(frozenset()) == path(frozenset({"other"})) == first
    assert path(frozenset({Path(first).name})) != first
