"""`fab check`: which steps it runs, and how it ends."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError

# The package has the task of this name in front of its module.
command = importlib.import_module("provisioning.commands.check")
ROOT = Path(__file__).parents[1]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that would be run; the third fails."""
    commands: list[list[str]] = []

    def run(argv: list[str], **_: object) -> int:
        commands.append(argv)
        return 7 if len(commands) == 3 else 0

    monkeypatch.setattr(command, "run_to_its_end", run)
    monkeypatch.setattr(command, "_install_missing", lambda: None)
    return commands


def test_it_ends_at_the_first_step_that_fails(ran: list[list[str]]) -> None:
    assert command.check(ROOT) == 7
    assert [each[0] for each in ran] == ["ruff", "ruff", "mypy"]


def test_a_quick_one_needs_no_host_and_no_network() -> None:
    steps = dict(command._steps(["-x"], quick=True))
    assert list(steps) == list(command.QUICK)
    assert steps["tests"][-5:] == ["--dist", "worksteal", "-m", "not lab and not thorough", "-x"]
    assert len(dict(command._steps([]))) == len(command.STEPS)


def test_the_grid_comes_in_place_of_all_else(ran: list[list[str]]) -> None:
    assert command.check(ROOT, "--rows uwsgi", grid=True) == 0
    assert ran == [["python", "-m", "tests.grid", "--rows", "uwsgi"]]


def test_the_apps_of_others_come_in_place_of_all_else(ran: list[list[str]]) -> None:
    assert command.check(ROOT, "--apps isso", apps=True) == 0
    assert ran == [["python", "-m", "tests.apps", "--apps", "isso"]]
    with pytest.raises(ConfigurationError, match="two suites"):
        command.check(ROOT, apps=True, grid=True)


def test_it_is_for_a_checkout_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="for a checkout of Homeport itself"):
        command.check(tmp_path)
