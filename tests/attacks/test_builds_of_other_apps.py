"""A build step of one app reaches nothing of another's, nor of the host's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provisioning.lab import LabHost
from tests.attacks.conftest import Neighbourhood
from tests.attacks.packages import sdist

pytestmark = pytest.mark.lab

PORT = 8765

LISTENER = """
import select, socket
listeners = []
for family, address in ((socket.AF_INET, ("0.0.0.0", @PORT@)), (socket.AF_INET6, ("::1", @PORT@)),
                        (socket.AF_UNIX, "\\0evil-listener")):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen()
    listeners.append(listener)
open("/root/listening", "w").close()
while True:
    for ready in select.select(listeners, [], [])[0]:
        ready.accept()
        with open("/root/connections", "a") as log:
            log.write(f"{ready.getsockname()}\\n")
"""


def listen(host: LabHost) -> None:
    """Have a service of the host's listen on loopback, as a database does."""
    script = LISTENER.replace("@PORT@", str(PORT))
    about = ("--unit=listener", "--description=a service of the host's")
    host.run("systemd-run", "--quiet", *about, "python3", "-c", script)
    host.shell("for _ in $(seq 100); do test ! -e /root/listening || exit 0; sleep 0.05; done")
    # The listener works, or nothing would be seen.
    host.run(
        "python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {PORT})).close()"
    )
    host.shell("for _ in $(seq 100); do test ! -s /root/connections || exit 0; sleep 0.05; done")
    host.shell("test -s /root/connections && rm /root/connections")


@contextmanager
def neighbour_machine(address: str) -> Iterator[tuple[int, list[object]]]:
    """Listen on another machine of the network; yields the port and who has connected."""
    seen: list[object] = []
    with socket.create_server((address, 0)) as listener:

        def accept() -> None:
            try:
                while True:
                    connection, peer = listener.accept()
                    connection.close()
                    seen.append(peer)
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_build_reads_no_other_app_and_connects_to_nothing(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    project = neighbourhood(suite)
    host = project.host
    listen(host)
    with neighbour_machine(project.lab.gateway) as (port, seen):
        project.require(
            "evil",
            sdist(
                "looks_around",
                ADDRESSES=["127.0.0.1", "::1", host.address],
                PORTS=[PORT, 22, 80, 443],
                GATEWAY=(project.lab.gateway, port),
            ),
        )
        project.deploy("evil").must_succeed()
    report = project.report()
    assert len(report["connected"]) + len(report["refused"]) > 10, report
    own = ("/srv/evil/venvs/", "/srv/evil/releases/", "/srv/evil/history")
    foreign = [path for path in report["read"] if not path.startswith(own)]
    assert sorted(path for path in foreign if "/static/" not in path)[:5] == []
    heard = host.shell("cat /root/connections 2>/dev/null || true")
    assert (heard, seen, report["connected"]) == ("", [], [])


def test_a_build_does_not_change_what_other_apps_are_built_of(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    project = neighbourhood(suite)
    project.require("evil", sdist("poisoned_cache"))
    project.deploy("evil").must_succeed()
    report = project.report()
    project.new_virtualenv("victim")
    project.deploy("victim").must_succeed()
    poisoned = "grep -rls POISONED /srv/victim/venvs | head -3"
    assert project.host.shell(poisoned, check=False) == "", report["did"]
    assert "POISONED" not in project.fab("-H", project.host.name, "logs", "victim").output
