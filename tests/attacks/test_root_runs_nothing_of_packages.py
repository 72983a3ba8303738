"""No command has root run a program, or load a library, that a package has made."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest

from tests.attacks.conftest import Neighbourhood
from tests.attacks.exec_watch import ExecWatch
from tests.attacks.neighbours import Neighbours

pytestmark = pytest.mark.lab

_PATIENCE_S = 30.0


def test_root_runs_nothing_of_packages(neighbourhood: Neighbourhood, suite: str) -> None:
    project = neighbourhood(suite)
    project.change("evil")
    project.new_virtualenv("evil")
    with ExecWatch(project.host) as watch:
        steps: dict[str, list[str]] = {}

        def done(name: str) -> None:
            known = [line for lines in steps.values() for line in lines]
            steps[name] = [line for line in watch.faults() if line not in known]

        def step(name: str, *arguments: str) -> None:
            project.fab("-H", project.host.name, *arguments).must_succeed()
            done(name)

        # Something to repair, or hardly anything runs.
        project.host.shell("echo '# by hand' >> /etc/nginx/nginx.conf; rm -r /opt/homeport/uv")
        step("provision", "provision")
        step("deploy", "deploy", "--app", "evil")
        project.change("evil")
        step("deploy code", "deploy", "--app", "evil")
        step("rollback", "rollback", "--app", "evil")
        step("restart", "restart", "evil")
        step("status", "status")
        step("logs", "logs", "evil")
        step("run", "run", "evil", "--", "python", "-c", "print('in the app')")
        _shell(project)
        done("shell")
    faults = {name: found for name, found in steps.items() if found}
    # What packages have made did run all along, as their own users.
    others = {program.path for program in watch.programs if program.uid != 0}
    assert any(path.startswith("/usr/bin/python3") for path in others), others
    assert len(watch.of_root) > 20
    assert not faults, "\n".join(
        f"{name}: {line}" for name, all_ in faults.items() for line in all_
    )


def _shell(project: Neighbours) -> None:
    """Open a shell at a terminal, say a command, and leave."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*project.program, "-H", project.host.name, "shell", "evil"],
        cwd=project.directory,
        env=project.environment() | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    asked = False
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            said += os.read(ours, 4096)
        except OSError:
            # Source: pty(7): EIO, once the other side is closed.
            break
        if not asked and said.rstrip().endswith((b"$", b"#")):
            os.write(ours, b"python -c 'print(6 * 7)'; exit\n")
            asked = True
    os.close(ours)
    if process.poll() is None:
        process.terminate()
    assert process.wait(10) == 0, said
    assert b"42" in said, said
