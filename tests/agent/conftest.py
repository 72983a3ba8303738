"""What the agent's tests share: the agent's own paths, in a directory of the test's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.layout import AppLayout
from tests.agent.runs import Host


@pytest.fixture(autouse=True)
def own_paths(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own is touched by an agent that runs in this process."""
    directory = tmp_path_factory.mktemp("agent")
    for name in ("STATE", "RUNTIME", "MEMORY", "RUNS", "LOCK", "BUILD_CACHE"):
        monkeypatch.setattr(layout, name, f"{directory}{getattr(layout, name)}")
    monkeypatch.setattr(AppLayout, "root", property(lambda self: f"{directory}/srv/{self.app}"))
    monkeypatch.setattr(AppLayout, "runtime", property(lambda self: f"{directory}/run/{self.app}"))
    return directory


@pytest.fixture(autouse=True)
def agents_umask() -> Iterator[None]:
    """The agent sets it when it starts."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory that a test's resources are about."""
    if os.geteuid() != 0:
        pytest.skip("the agent changes owners: it needs root")
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "memory.json")
