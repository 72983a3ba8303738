"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.secrets import REDACTOR

pytest_plugins = ["tests.lab_fixtures", "tests.e2e.roads"]


def pytest_configure() -> None:
    """Have Ctrl-C mean what it means at a terminal, in this process and those it starts.

    A shell without job control has what it starts in the background ignore it, and so do
    `nohup` and some CI runners; a program that was started so inherits that. Source: POSIX,
    "Shell Command Language", 2.12, and signal(7).
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
