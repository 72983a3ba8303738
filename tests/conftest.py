"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.lab import Lab
from provisioning.secrets import REDACTOR
from tests import labs
from tests.e2e import roads
from tests.e2e.project import Project
from tests.e2e.roads import HostAt, Road
from tests.labs import BareHost


def pytest_configure() -> None:
    """Have Ctrl-C mean what it means at a terminal, in this process and those it starts.

    A shell without job control has what it starts in the background ignore it, and so do
    `nohup` and some CI runners; a program that was started so inherits that. Source: POSIX,
    "Shell Command Language", 2.12, and signal(7).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take down what workers have left that were ended amid their tests, such as by Ctrl-C."""
    if not hasattr(config, "workerinput") and labs.can_have_labs():
        labs.take_down_abandoned_labs()


@pytest.fixture(autouse=True)
def secrets_of_this_test_only() -> Iterator[None]:
    """Have the process's redactor forget what a test's secrets were."""
    written, pattern = set(REDACTOR._written), REDACTOR._pattern
    yield
    REDACTOR._written, REDACTOR._pattern = written, pattern


@pytest.fixture(scope="session", autouse=True)
def bug_reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands report errors that nobody foresaw, unless a test says another place."""
    state = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(state)
    return state / "homeport"


@pytest.fixture(autouse=True)
def no_bug_is_reported(bug_reports: Path) -> Iterator[None]:
    """Have a test fail in which a command ended by a bug, whatever else the test looks at."""
    yield
    for report in bug_reports.glob("*.txt"):
        words = report.read_text()
        report.unlink()
        pytest.fail(f"a command has reported a bug:\n{words}")


# Real hosts


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab of this run's own, taken down at the end whatever happens.

    The next run takes down what a killed run left behind.
    """
    if not labs.can_have_labs():
        pytest.skip("real hosts need root on Linux")
    with labs.lab_of_this_run() as lab:
        yield lab


@pytest.fixture
def bare_host(lab: Lab) -> Iterator[BareHost]:
    """Return a function that gives bare, running hosts: `bare_host("trixie")`.

    Two calls in one test give two hosts. They are switched off after the test
    and used again; a host that must keep its state has a name of its own:
    `lab.up(["mine"])`.
    """
    with labs.bare_hosts(lab) as give:
        yield give


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Project:
    """Return a project with the example app; its hosts are those of the lab, as root."""
    return Project.create(tmp_path / "project", lab)


@pytest.fixture(scope="session")
def bookworm_road(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Go the road on Debian 12 as root."""
    return roads.bookworm_road(tmp_path_factory.mktemp("bookworm") / "project", lab)


@pytest.fixture(scope="session")
def trixie_road(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Go the road on Debian 13 as a user whose sudo asks for a password."""
    return roads.trixie_road(tmp_path_factory.mktemp("trixie") / "project", lab)


@pytest.fixture
def provisioned_host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[HostAt]:
    """Return a function that gives a provisioned host: `provisioned_host("trixie")`.

    Domains of the example app lead there; nothing is deployed yet.
    """
    with roads.restored_hosts(lab, _road_of(request), "provisioned") as give:
        yield give


@pytest.fixture
def deployed_host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[HostAt]:
    """Return a function that gives a host on which the example app is live."""
    with roads.restored_hosts(lab, _road_of(request), "deployed") as give:
        yield give


def _road_of(request: pytest.FixtureRequest) -> Callable[[str], Road]:
    """Return a function that goes the road on a suite when the first test asks for it."""
    return lambda suite: request.getfixturevalue(f"{suite}_road")
