"""One server gives its ports to another: the program that does it, and what is said of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import handover
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.sockets import listening
from provisioning.agent.resources.service import Service
from tests.fakes.system import QuietSystem

SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$TOLD"
case $1 in
    stop) [ -z "$STOPS" ] || kill "$STOPS" ;;
    restart) exit "$ENDS" ;;
esac
"""
LISTENER = """
import socket, sys
made = socket.create_server(("127.0.0.1", 0))
print(made.getsockname()[1], flush=True)
sys.stdin.read()
"""


class Old:
    """A server that listens until it is killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    @property
    def sockets(self) -> list[str]:
        return list(listening(QuietSystem(), self.port))


@pytest.fixture
def old() -> Iterator[Old]:
    made = Old()
    yield made
    made.process.kill()
    made.process.communicate()


def carry_out(folder: Path, sockets: list[str], *, stops: str, ends: int = 0) -> tuple[int, list]:
    """Run the program with a stand-in for systemctl; return its status and what that was told."""
    stand_in, told = folder / "systemctl", folder / "told"
    stand_in.write_text(SYSTEMCTL)
    stand_in.chmod(0o755)
    variables = {"PATH": f"{folder}:{os.environ['PATH']}", "TOLD": str(told), "STOPS": stops}
    done = subprocess.run(
        handover.program(["nginx.service"], "caddy.service", sockets),
        env={**variables, "ENDS": str(ends)},
        check=False,
    )
    return done.returncode, told.read_text().splitlines()


STOPPED, STARTED = "stop --no-block nginx.service", "restart caddy.service"
BACK = "start nginx.service"


def test_the_new_server_starts_when_the_old_one_listens_no_more(tmp_path, old):
    assert old.sockets
    status, told = carry_out(tmp_path, old.sockets, stops=str(old.process.pid))
    assert (status, told) == (0, [STOPPED, STARTED])
    assert old.sockets == []


def test_where_the_old_one_does_not_run_nothing_is_waited_for(tmp_path):
    assert carry_out(tmp_path, [], stops="") == (0, [STOPPED, STARTED])


def test_a_new_server_that_does_not_start_gives_the_ports_back(tmp_path, old):
    status, told = carry_out(tmp_path, old.sockets, stops=str(old.process.pid), ends=3)
    assert (status, told) == (3, [STOPPED, STARTED, BACK])


def test_a_server_that_does_not_stop_keeps_its_ports(tmp_path, old, monkeypatch):
    monkeypatch.setattr(handover, "FREE_S", 0)
    status, told = carry_out(tmp_path, old.sockets, stops="")
    assert (status, told) == (handover.STILL_LISTENS, [STOPPED, BACK])


class Ending(QuietSystem):
    """A machine on which the program ends with a status."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    def run(self, argv, **_):
        super().run(argv)
        return Completed(self._status if argv[0] == "systemd-run" else 0, "", "")


CADDY = Service("caddy", instead_of=("nginx.service",), ports=(9,))
STARTS = {"running": (False, True)}


def test_a_program_of_systemds_own_does_it_so_that_a_killed_agent_leaves_a_web_server():
    system = Ending(0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        [inode] = listening(system, port)
        Service("caddy", instead_of=("nginx.service",), ports=(port,))._run(system, STARTS)
    [argv] = [each for each in system.told if each[0] == "systemd-run"]
    assert "--wait" in argv
    assert argv[-4:] == ["caddy.service", inode, "1000", "nginx.service"]
    # systemd replaces no variables of the script.
    assert "$$sockets" in argv[-6]


def test_a_service_without_a_predecessor_just_starts():
    system = Ending(0)
    Service("caddy")._run(system, STARTS)
    assert system.told[-1] == ["systemctl", "restart", "caddy.service"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(handover.STILL_LISTENS, "nginx.service still listen"), (1, "cannot start caddy.service")],
)
def test_what_went_wrong_is_said(status, words):
    with pytest.raises(AgentError, match=words):
        CADDY._run(Ending(status), STARTS)
