"""What the agent's tests share: the agent's own paths, in a directory of the test's."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.layout import AppLayout
from tests.agent.runs import Host
from tests.umask import usual_umask


@pytest.fixture
def roots_place(tmp_path: Path) -> Iterator[Path]:
    """A directory that is root's alone, from "/" down, as most of a host's are; /tmp is not."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    place = Path(tempfile.mkdtemp(prefix="homeport-tests-", dir="/var/lib"))
    place.chmod(0o755)
    yield place
    # Not Python's own, which does not get to the end of a deep tree.
    subprocess.run(["rm", "-rf", place], check=True)


@pytest.fixture(autouse=True)
def own_paths(roots_place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own is touched by an agent that runs in this process."""
    directory = roots_place / "agent"
    directory.mkdir()
    for name in ("STATE", "RUNTIME", "MEMORY", "RUNS", "LOCK", "SOCKETS"):
        monkeypatch.setattr(layout, name, f"{directory}{getattr(layout, name)}")
    monkeypatch.setattr(AppLayout, "root", property(lambda self: f"{directory}/srv/{self.app}"))
    monkeypatch.setattr(
        AppLayout, "earlier_runtime", property(lambda self: f"{directory}/run/{self.app}")
    )
    return directory


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test shows what a power cut leaves: what does runs on hosts (tests/chaos)."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.fixture(autouse=True)
def agents_umask() -> Iterator[None]:
    """The agent sets it when it starts."""
    with usual_umask():
        yield


@pytest.fixture
def root(roots_place: Path) -> Path:
    """The directory that a test's resources are about."""
    if os.geteuid() != 0:
        pytest.skip("the agent changes owners: it needs root")
    path = roots_place / "root"
    path.mkdir()
    return path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "memory.json")
