"""Pythons that uv has downloaded: those that an app uses stay, whoever has the app."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.apps.runtimes import virtualenv
from provisioning.resources import UnusedPythons
from tests.agent.runs import Host

KEY = "0123456789abcdef"


@pytest.fixture
def pythons(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of them, with two."""
    path = root / "pythons"
    monkeypatch.setattr(layout, "PYTHONS", str(path))
    monkeypatch.setattr(virtualenv, "APPS", str(root / "srv"))
    for name in ("3.11-a", "3.12-b"):
        (path / name / "cpython" / "bin").mkdir(parents=True)
        (path / name / layout.READY).write_text("x")
    return path


def _use(root: Path, app: str, target: str) -> Path:
    link = root / "srv" / app / "venvs" / KEY / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    return link


def test_what_a_virtualenv_leads_to_stays(pythons: Path, root: Path, host: Host) -> None:
    link = _use(root, "shop", f"{pythons}/3.12-b/cpython/bin/python3.12")
    _use(root, "blog", "/usr/bin/python3")
    assert not host.run([UnusedPythons("all")]).done.failed
    assert [each.name for each in pythons.iterdir()] == ["3.12-b"]
    assert host.run([UnusedPythons("all")]).changes == {}
    link.unlink()
    assert not host.run([UnusedPythons("all")]).done.failed
    assert list(pythons.iterdir()) == []


def test_where_there_are_none_nothing_is_looked_for(root: Path, host: Host) -> None:
    assert host.run([UnusedPythons("all")]).changes == {}
