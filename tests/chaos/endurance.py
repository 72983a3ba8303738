"""Deploys and rollbacks in a row, with every kind of request in flight: none of them fails.

Besides the steady load there are connections that lie idle over a switch, uploads of 5 MB,
requests that take 8 seconds, streams and websockets. The drain timeout is a little longer than 8
seconds; streams and websockets may be cut short once they are as old as that, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from provisioning.lab import LabHost
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.sites import SUITES, shortened, site, switch_off
from tests.chaos.sockets import add_websocket
from tests.e2e.kinds import DRAIN_S
from tests.e2e.project import FEW_WORKERS, Project
from tests.e2e.steps import (
    NO_LIMIT,
    agents,
    change_code,
    live_on,
    must_run_only,
    provision,
    wait_for,
)
from tests.e2e.visitors import Visits, visitors

SHARE_OF_ROLLBACKS = 0.3

UNDER_WAY_S = 3.0
"""Until then requests of every kind are in flight."""

FAILURES_SHOWN = 10


def run(scene: Scene, rounds: int, suites: Sequence[str] = SUITES) -> Iterator[Row]:
    """Switch releases on one host of each Debian.

    Args:
        scene: Where.
        rounds: How many switches there are on each of them.
        suites: The Debians.
    """
    for suite in suites:
        project = Project.create(scene.directory / f"endurance-{suite}", scene.lab)
        try:
            yield _on(scene, project, site(project, suite), rounds)
        finally:
            switch_off(scene.lab)


def _on(scene: Scene, project: Project, host: LabHost, rounds: int) -> Row:
    row = Row("none", f"{rounds} deploys and rollbacks in a row, {host.suite}")
    project.configure(NO_LIMIT[0], f"{NO_LIMIT[1]}drain_timeout_s = {DRAIN_S}\n")
    # Its streams and websockets keep more threads to themselves than few workers have.
    project.configure(FEW_WORKERS, "")
    provision(project, host).must_succeed()
    add_websocket(project)
    # Twice: a rollback goes to a release with that drain timeout and the websocket, too.
    for _ in range(2):
        change_code(project)
        project.fab("-H", host.name, "deploy").must_succeed()
    went_live = [live_on(host)]
    with visitors(scene.lab, host, load="endurance") as visits:
        time.sleep(UNDER_WAY_S)
        for number in range(1, rounds + 1):
            rolls_back = number > 1 and scene.random.random() < SHARE_OF_ROLLBACKS
            command = "rollback" if rolls_back else "deploy"
            scene.say(f"{host.name}: {number} of {rounds}, {command}")
            _switch(project, host, command, number, row)
            went_live.append(live_on(host))
    _judge(row, visits, went_live)
    return row


def _switch(project: Project, host: LabHost, command: str, number: int, row: Row) -> None:
    row.tried += 1
    before = live_on(host)
    if command == "deploy":
        change_code(project)
    result = project.fab("-H", host.name, command)
    try:
        result.must_succeed()
        wait_for(lambda: not agents(host))
        assert live_on(host) != before, "the release before is still live"
        must_run_only(host, live_on(host))
        row.converged += 1
    except AssertionError as error:
        row.wrong.append(f"round {number}, {command}: {error}\n{shortened(result)}")


def _judge(row: Row, visits: Visits, went_live: Sequence[str]) -> None:
    row.sent, row.failed, row.excused = visits.requests, len(visits.failures), visits.cut
    row.wrong += visits.failures[:FAILURES_SHOWN]
    if visits.result["reopened"]:
        row.wrong.append(f"{visits.result['reopened']} kept connections were closed")
    # A switch that nobody could notice proves nothing.
    if unseen := set(went_live) - visits.releases:
        row.wrong.append(f"live and seen by no visitor: {', '.join(sorted(unseen))}")
    counts = visits.result["sent"]
    if silent := [name for name, count in counts.items() if not count]:
        row.wrong.append(f"never asked for: {', '.join(silent)}")
