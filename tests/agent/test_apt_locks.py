"""Whoever else is at work with packages: told apart, waited for, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.agent.debian import apt_locks
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.machine.system import System

HOLD = """\
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lock"
    path.touch()
    monkeypatch.setattr(apt_locks, "LOCKS", (str(path),))
    monkeypatch.setattr(apt_locks, "SCRIPTS", (str(tmp_path / "info").encode(),))
    monkeypatch.setattr(apt_locks, "LOOK_EVERY_S", 0.01)
    return path


@pytest.fixture
def holder(lock: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = tmp_path / "upgrade"
    script.write_text(HOLD)
    process = subprocess.Popen(
        [sys.executable, script, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    yield process
    process.communicate()


def test_nobody_is_at_work(lock: Path) -> None:
    assert apt_locks.left_script() == ""
    assert apt_locks.holder() == ""
    lock.unlink()
    assert apt_locks.holder() == ""


def test_a_holder_is_told_and_looking_does_not_take_the_lock(
    holder: subprocess.Popen[bytes], lock: Path
) -> None:
    assert apt_locks.holder() == f"upgrade (process {holder.pid})"
    holder.communicate()
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert apt_locks.holder() == ""
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_wait_says_for_whom_once_and_ends_with_the_holder(
    holder: subprocess.Popen[bytes],
) -> None:
    said: list[str] = []
    looks = iter(range(5))

    def checkpoint() -> None:
        if next(looks) == 4:
            holder.communicate()

    apt_locks.wait(System(said.append, checkpoint))
    assert said == [f"waiting for upgrade (process {holder.pid}), which is using apt"]


def test_a_wait_is_bounded(
    holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt_locks, "WAIT_S", 0.1)
    with pytest.raises(AgentError, match=rf"upgrade \(process {holder.pid}\) is still") as error:
        apt_locks.wait(System())
    assert "run again" in error.value.hint


def test_a_wait_can_be_stopped(holder: subprocess.Popen[bytes]) -> None:
    def stop() -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        apt_locks.wait(System(checkpoint=stop))
    assert holder.poll() is None


def test_a_packages_script_that_outlived_its_dpkg_is_at_work(lock: Path, tmp_path: Path) -> None:
    script = tmp_path / "info" / "some.postinst"
    script.parent.mkdir()
    script.write_text("echo at work; read x")
    process = subprocess.Popen(
        ["/bin/sh", script, "configure"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"at work\n"
    try:
        assert apt_locks.left_script() == f"some.postinst (process {process.pid})"
        assert apt_locks.holder() == ""
    finally:
        process.communicate()
