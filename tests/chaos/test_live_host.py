"""A few faults and troubles of each kind, at a size for every run.

`fab chaos` tries all of them, docs/reliability.md has the table.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator

import pytest

from provisioning.lab import Lab
from tests.chaos import by_hand, clocks, disk_full, faults, services
from tests.chaos.bad_server import ERROR
from tests.chaos.disturbance import Disturbance
from tests.chaos.faults import Fault
from tests.chaos.moments import Moment
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage
from tests.chaos.subjects import Deploy, Provision, Rollback, Subject
from tests.chaos.switching import learn
from tests.chaos.trouble import Undisturbed

pytestmark = pytest.mark.lab

SEED = 3

DEPLOYS = (
    (faults.CONTROLLER, Moment("one-off:hello/RELEASE migrate")),
    (faults.RUN, Moment("old-releases:hello before")),
    (faults.AGENT, Moment("release:hello/RELEASE", 20)),
    (faults.POWER_CUT, Moment("live-release:hello", 3)),
    (faults.REBOOT, Moment("old-releases:hello after")),
)
ROLLBACKS = (
    (faults.RUN, Moment("live-release:hello", 5)),
    (faults.SILENCE, Moment("release-running:hello@RELEASE")),
)
PROVISIONS = ((faults.AGENT, Moment("service:nginx", 2)),)


@pytest.fixture(scope="module")
def where(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One host with a small disk for all tests here."""
    directory = tmp_path_factory.mktemp("live-host")
    scene = Scene(lab, directory, random.Random(SEED), lambda line: print(line, file=sys.stderr))
    with disk_full.small_stage(scene, "bookworm") as where:
        where.host.shell(by_hand.MAKE_PRECIOUS)
        yield where


@pytest.fixture(scope="module")
def provision(where: Stage) -> tuple[Provision, Undisturbed]:
    subject = Provision(where)
    return subject, learn(where, subject, runs=2)


@pytest.fixture(scope="module")
def deploy(where: Stage, provision: tuple[Provision, Undisturbed]) -> tuple[Deploy, Undisturbed]:
    """The command, and what a host is after it; to be used before another provision."""
    subject = Deploy(where)
    return subject, learn(where, subject, runs=1)


def _struck(
    where: Stage, subject: Subject, undisturbed: Undisturbed, fault: Fault, moment: Moment
) -> Iterator[Row]:
    row = Disturbance(where, subject, fault, moment, undisturbed[1]).carry_out()
    if row is not None:
        yield row


def _must_be_good(rows: Iterable[Row], count: int) -> None:
    found = list(rows)
    assert len(found) == count
    for row in found:
        assert row.is_good, "\n".join([str(row.left_over), *row.wrong])


@pytest.mark.parametrize(("fault", "moment"), DEPLOYS, ids=str)
def test_a_deploy_that_is_struck_is_completed(
    where: Stage, deploy: tuple[Deploy, Undisturbed], fault: Fault, moment: Moment
) -> None:
    _must_be_good(_struck(where, *deploy, fault, moment), 1)


def test_a_rollback_that_is_struck_is_completed(
    where: Stage, deploy: tuple[Deploy, Undisturbed]
) -> None:
    rollback = Rollback(where)
    undisturbed = learn(where, rollback, runs=1)
    for fault, moment in ROLLBACKS:
        _must_be_good(_struck(where, rollback, undisturbed, fault, moment), 1)


def test_a_disk_that_is_full_in_a_deploy_leaves_nothing_half_done(
    where: Stage, deploy: tuple[Deploy, Undisturbed]
) -> None:
    moment = Moment("release:hello/RELEASE", 20)
    _must_be_good(disk_full.fill(where, deploy[0], deploy[1][1], [moment]), 1)


@pytest.mark.thorough
def test_an_index_that_answers_with_errors_is_told_and_got_over(
    where: Stage, deploy: tuple[Deploy, Undisturbed]
) -> None:
    _must_be_good(services.keep_from(where, services.INDEX, deploy[1][1], (ERROR,)), 1)


@pytest.mark.thorough
def test_a_run_that_is_killed_tomorrow_is_completed_today(
    where: Stage, deploy: tuple[Deploy, Undisturbed]
) -> None:
    row = clocks.cut_off_in_another_time(where, deploy[0], deploy[1][1], clocks.DAY_S)
    _must_be_good([row], 1)


@pytest.mark.thorough
def test_a_disk_that_is_full_in_a_provision_leaves_nothing_half_done(
    where: Stage, provision: tuple[Provision, Undisturbed]
) -> None:
    moment = Moment("settings:/etc/apt/apt.conf.d/52homeport-upgrades", 2)
    _must_be_good(disk_full.fill(where, provision[0], provision[1][1], [moment]), 1)


@pytest.mark.parametrize(("fault", "moment"), PROVISIONS, ids=str)
def test_a_provision_that_is_struck_is_completed(
    where: Stage, provision: tuple[Provision, Undisturbed], fault: Fault, moment: Moment
) -> None:
    _must_be_good(_struck(where, *provision, fault, moment), 1)


def test_what_somebody_changes_meanwhile_ends_as_it_should(
    provision: tuple[Provision, Undisturbed],
) -> None:
    _must_be_good(by_hand.change(*provision, 1), 1)
