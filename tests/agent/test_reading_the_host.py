"""What programs and files of the host say, as values."""

from __future__ import annotations

import pytest

from provisioning.agent.facts import Facts, version_tuple
from provisioning.agent.machine import dpkg, systemd
from tests.fakes.system import WrittenSystem

STATUS = """\
Package: adduser
Status: install ok installed
Priority: important
Version: 3.134
Description: add and remove users
 Version: 9 is not a field, but text

Package: bash
Essential: yes
Status: install ok installed
Version: 5.2.15-2+b7

Package: init
Protected: yes
Important: yes
Status: hold ok installed
Version: 1.65

Package: removed
Status: deinstall ok config-files
Version: 1

Package: torn
Status: install ok half-configured
Version: 2
"""


def test_installed_packages_are_read_essential_ones_too() -> None:
    assert dpkg.parse_status(STATUS) == {"adduser": "3.134", "bash": "5.2.15-2+b7", "init": "1.65"}
    assert dpkg.parse_status(STATUS.rstrip("\n")) == dpkg.parse_status(STATUS)
    assert dpkg.parse_status("") == {}


def test_packages_that_are_half_way_are_found() -> None:
    assert dpkg.unfinished(STATUS) == {"torn": True}
    leaving = STATUS.replace("install ok half-configured", "deinstall ok half-installed")
    assert dpkg.unfinished(leaving) == {"torn": False}
    assert dpkg.unfinished(STATUS.replace("half-configured", "installed")) == {}


def test_what_dpkg_noted_last_counts() -> None:
    noted = "Package: torn\nStatus: install ok installed\nVersion: 3\n"
    gone = "Package: bash\nEssential: yes\nStatus: install reinstreq half-installed\n"
    files = {
        dpkg.STATUS_FILE: STATUS,
        f"{dpkg.UPDATES}/0000": noted.replace("installed", "unpacked"),
        f"{dpkg.UPDATES}/0001": noted,
        f"{dpkg.UPDATES}/0002": gone,
        f"{dpkg.UPDATES}/tmp.i": "#padding",
    }
    text = dpkg.database(WrittenSystem(files))
    assert dpkg.parse_status(text) == {"adduser": "3.134", "init": "1.65", "torn": "3"}
    assert dpkg.unfinished(text) == {"bash": True}


@pytest.mark.parametrize(
    ("version", "upstream"),
    [
        ("1.22.1-9+deb12u2", "1.22.1"),
        ("1:4.6.0-2+b1", "4.6.0"),
        ("3.0.15~rc1-1", "3.0.15~rc1"),
        ("2.0-rc1-3", "2.0-rc1"),
        ("2024", "2024"),
        ("", ""),
    ],
)
def test_the_upstream_version_is_between_epoch_and_revision(version: str, upstream: str) -> None:
    assert dpkg.upstream_version(version) == upstream


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1.22.1", (1, 22, 1)),
        ("3.0.15~rc1", (3, 0, 15)),
        ("252.31", (252, 31)),
        ("", ()),
        ("x", ()),
    ],
)
def test_versions_compare_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert version_tuple(text) == numbers


def test_states_of_units_are_read_in_the_order_asked_for() -> None:
    text = (
        "Id=ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n"
        "Id=gone.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\n"
        "Id=off.timer\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n"
        "NeedDaemonReload=yes\n"
    )
    found = systemd.parse_show(text, ["sshd.service", "gone.service", "off.timer"])
    assert found["sshd.service"] == systemd.UnitState("loaded", "active", "enabled")
    assert not found["gone.service"].running
    assert found["off.timer"].masked
    assert found["off.timer"].stale


def test_facts_survive_a_newer_or_older_version() -> None:
    facts = Facts(debian="12", cores=4, ipv6=False)
    assert Facts.from_json({**facts.to_json(), "invented": 1}) == facts
    assert Facts.from_json({}) == Facts()
