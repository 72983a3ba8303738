from __future__ import annotations

import pytest

from provisioning.errors import ResourceFailedError, UnreachableError
from provisioning.report import HostReport
from provisioning.report.summary import conclusion, failures, row, unsaid_failure_of
from tests.report.samples import CHANGED_FILE, FAILED

SAME = HostReport("a", unchanged=3)
OTHER = HostReport("b", changed=[CHANGED_FILE], unchanged=3)
GONE = HostReport("c", error=UnreachableError("cannot connect to c: timed out"))


@pytest.mark.parametrize(
    ("reports", "check", "words"),
    [
        ([SAME], False, "nothing had to be changed"),
        ([SAME, SAME], True, "nothing would change"),
        ([OTHER], False, "1 resource changed"),
        ([OTHER], True, "1 resource would change"),
        ([GONE], False, ""),
        ([SAME, OTHER, GONE], False, "3 hosts: 1 changed, 1 unchanged, 1 unreachable"),
        ([SAME, OTHER], True, "2 hosts: 1 would change, 1 unchanged"),
    ],
)
def test_the_last_line_sums_up(reports, check, words):
    assert conclusion(reports, check=check) == words


def test_nobody_knows_the_counts_of_a_host_that_was_not_reached():
    assert row(GONE, check=False) == ("c", "-", "-", "-", "0.0", "-", "unreachable")


def test_a_host_whose_name_is_part_of_other_words_spoils_no_message():
    (failure,) = failures([GONE])
    assert failure.message == "cannot connect to c: timed out"
    twice = [GONE, HostReport("d", error=UnreachableError("cannot connect to d: timed out"))]
    (failure,) = failures(twice)
    assert (failure.hosts, failure.message) == (("c", "d"), "cannot connect to the host: timed out")


def test_an_error_that_repeats_the_failed_resource_is_said_once():
    failed = HostReport("a", failed=FAILED, error=ResourceFailedError(f"a: {FAILED.message}"))
    assert unsaid_failure_of(failed) is None


def test_an_error_besides_the_failed_resource_is_said():
    failed = HostReport("a", failed=FAILED, error=ResourceFailedError("the connection ended"))
    unsaid = unsaid_failure_of(failed)
    assert unsaid is not None
    assert unsaid.message == "the connection ended"
