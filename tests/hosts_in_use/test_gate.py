"""A run that would change what others made is refused before its first change, and names it all."""

from __future__ import annotations

import re

import pytest

from provisioning.lab import LabHost
from tests.e2e.listing import APT_MEMORY, listing_of, without
from tests.e2e.project import Project, Result
from tests.e2e.roads import lead_domains_to
from tests.e2e.steps import files_touched, provision
from tests.hosts_in_use.preparations import PREPARATIONS, Preparation

pytestmark = pytest.mark.lab

UNTOUCHED = "in the way that this project did not make; nothing was done"


ROUNDS = (
    (
        "an account that logs in",
        "a directory made by hand",
        "a template of units",
        "a unit that starts at boot",
        "temporary files of the same name",
        "a drop-in of the same name",
        "settings of apt of the same name",
        "settings of the journal of the same name",
        "another server on port 80",
    ),
    ("an account with rights", "Capistrano's releases"),
    ("a system's account", "a link in place of the directory"),
    ("an account at work", "a file in place of the directory"),
    ("a group", "an empty directory"),
)
"""What can be on a host at the same time."""

# What a run says of itself, and the archive's lists, which it needs to look ahead.
OWN = (*APT_MEMORY, "/var/lib/homeport")


@pytest.fixture(scope="module")
def host_in_use(lab) -> LabHost:
    """A bare host that is in use, with Python; nothing on it is Homeport's."""
    host = lab.up(["in-use"])[0]
    lead_domains_to(lab, host)
    host.shell("apt-get -qq update && apt-get -qq -y install python3 dbus >/dev/null 2>&1")
    yield host
    lab.remove("in-use")


@pytest.fixture
def in_use(host_in_use: LabHost, request: pytest.FixtureRequest):
    preparations = [PREPARATIONS[name] for name in request.param]
    for each in preparations:
        host_in_use.shell(each.make)
    yield host_in_use, preparations
    for each in preparations:
        host_in_use.shell(each.undo, check=False)


def refused(result: Result) -> str:
    assert result.code == 1, result.output
    assert UNTOUCHED in result.output, result.output
    assert "Traceback" not in result.output, result.output
    assert "try: " in result.output, result.output
    return result.output


def test_every_preparation_has_its_round() -> None:
    assert {name for names in ROUNDS for name in names} == set(PREPARATIONS)


@pytest.mark.parametrize("in_use", ROUNDS, ids=lambda names: names[0], indirect=True)
def test_all_that_is_in_the_way_is_named_and_stays(
    project: Project, in_use: tuple[LabHost, list[Preparation]]
) -> None:
    host, preparations = in_use
    before = without(listing_of(host), OWN)
    foretold = refused(provision(project, host, "--check"))
    told = refused(provision(project, host))
    assert not files_touched(before, without(listing_of(host), OWN))
    assert f"{len(preparations)} thing" in told, told
    offered = re.search(r"--adopt (\S+)", told)
    adoptable = offered[1].split(",") if offered else []
    for each in preparations:
        for words in each.names:
            assert words in told
            assert words in foretold
        assert (each.names[0] in adoptable) == each.can_be_adopted
