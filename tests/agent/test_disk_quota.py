"""A bound on what an app writes: what the quota tools are asked, and what their answers mean.

No kernel here counts by user, so the tools' answers are played; that a host whose file system does
not count is refused is seen on a real one, in tests/e2e/test_bad_input.py.
"""

from __future__ import annotations

import pytest

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.resources.disk_quota import REPORT, DiskQuota
from tests.fakes.system import QuotaSystem

HEADER = (
    "User,BlockStatus,FileStatus,BlockUsed,BlockSoftLimit,BlockHardLimit,BlockGrace,"
    "FileUsed,FileSoftLimit,FileHardLimit,FileGrace\n"
)


@pytest.mark.parametrize(
    ("row", "kib"),
    [
        ("hello,ok,ok,1200,0,5242880,,17,0,0,", 5242880),
        ("hello,hard,ok,5242880,0,5242880,,17,0,0,", 5242880),
        ("hello,ok,ok,1200,0,0,,17,0,0,", 0),
        ("other,ok,ok,1200,0,5242880,,17,0,0,", 0),
        ("", 0),
    ],
)
def test_the_bound_is_the_hard_limit_of_the_apps_user(row: str, kib: int) -> None:
    tools = QuotaSystem(REPORT, HEADER + "root,ok,ok,20,0,0,,2,0,0,\n" + row)
    assert DiskQuota("hello", 7).actual(tools) == {"at most KiB": kib}


def test_the_bound_is_set_on_the_file_system_of_the_app() -> None:
    tools = QuotaSystem(REPORT, HEADER)
    resource = DiskQuota("hello", 5242880)
    resource.test(tools, {"at most KiB": (0, 5242880)})
    resource.apply(tools, {"at most KiB": (0, 5242880)})
    assert tools.told[-1] == ["setquota", "--user", "hello", "0", "5242880", "0", "0", "/srv"]


def test_a_file_system_that_does_not_count_is_refused_with_the_way_out() -> None:
    with pytest.raises(AgentError) as caught:
        DiskQuota("hello", 5).test(QuotaSystem(REPORT, None), {"at most KiB": (0, 5)})
    assert "/srv does not count usage by user" in caught.value.message
    assert "usrquota" in caught.value.hint
    assert "remove disk_max from [apps.hello]" in caught.value.hint


def test_without_the_tools_there_is_no_bound() -> None:
    assert DiskQuota("hello").actual(System()) == DiskQuota("hello").desired()
