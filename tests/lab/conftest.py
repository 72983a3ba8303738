"""What the lab's own tests share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from provisioning.lab import Lab

Ssh = Callable[..., CompletedProcess[str]]


@pytest.fixture
def ssh(lab: Lab) -> Ssh:
    """Return a function that runs a command over real ssh, as the lab's own files say."""

    def run(host: str, command: str, *, user: str = "root", stdin: str = "", check: bool = True):
        argv = ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", "-o", f"User={user}"]
        done = subprocess.run(
            [*argv, host, command], input=stdin, capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
