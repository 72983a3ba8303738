from __future__ import annotations

import itertools

import pytest

from provisioning.agent import events
from provisioning.errors import (
    ConfigurationError,
    DeployRefusedError,
    InterruptedRunError,
    ResourceFailedError,
    UnreachableError,
)
from provisioning.report import HostReport, exit_code
from tests.report.samples import CHANGED_FILE

UNCHANGED = HostReport("same")
CHANGED = HostReport("other", changed=[CHANGED_FILE])
ORDER = [
    (130, HostReport("a", error=InterruptedRunError("x"))),
    (1, HostReport("b", error=ResourceFailedError("x"))),
    (4, HostReport("c", error=DeployRefusedError("x"))),
    (3, HostReport("d", error=UnreachableError("x"))),
    (2, HostReport("e", error=ConfigurationError("x"))),
    (5, CHANGED),
    (0, UNCHANGED),
]


@pytest.mark.parametrize(("code", "report"), ORDER)
def test_one_host_gives_its_own_code(code, report):
    assert exit_code([report], check=True, exit_code_on_change=True) == code


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(ORDER, 2)))
def test_of_two_hosts_the_worse_decides(worse, better):
    reports = [better[1], worse[1]]
    assert exit_code(reports, check=True, exit_code_on_change=True) == worse[0]


@pytest.mark.parametrize(("check", "asked"), [(False, False), (True, False), (False, True)])
def test_a_change_is_a_code_only_in_a_check_and_only_when_asked(check, asked):
    assert exit_code([CHANGED], check=check, exit_code_on_change=asked) == 0


def test_a_refused_release_gives_4_though_only_the_resource_says_so():
    failed = events.Finished("live-release:hello", events.FAILED, refused=True)
    assert exit_code([HostReport("web1", failed=failed)]) == 4


def test_no_host_is_no_failure():
    assert exit_code([]) == 0
