from dataclasses import replace

import pytest

from tests.roles.samples import BOOKWORM, TRIXIE, compiled, text_of

EMPTY = "[hosts.web1]\n"


def test_a_container_sets_neither_its_clock_nor_its_kernel(tmp_path):
    resources = compiled(tmp_path, EMPTY, TRIXIE)
    assert "systemd-timesyncd" not in resources["package:base"].names
    assert not [each for each in resources if "timesyncd" in each or "sysctl" in each]


def test_a_real_host_has_the_right_time_and_a_hardened_kernel(tmp_path):
    resources = compiled(tmp_path, EMPTY, BOOKWORM)
    assert "systemd-timesyncd" in resources["package:base"].names
    settings = "file:/etc/sysctl.d/60-homeport.conf"
    assert resources["service:systemd-sysctl"].restart_on == (settings,)


@pytest.mark.parametrize("ipv6", [True, False])
def test_the_kernel_is_told_of_ipv6_only_where_it_has_it(tmp_path, ipv6):
    resources = compiled(tmp_path, EMPTY, replace(BOOKWORM, ipv6=ipv6))
    assert ("net.ipv6" in text_of(resources["file:/etc/sysctl.d/60-homeport.conf"])) is ipv6


def test_security_updates_are_installed_daily_and_nothing_reboots(tmp_path):
    resources = compiled(tmp_path, EMPTY)
    text = text_of(resources["file:/etc/apt/apt.conf.d/52homeport-upgrades"])
    assert 'APT::Periodic::Unattended-Upgrade "1";' in text
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in text
    assert resources["service:apt-daily-upgrade.timer"].enabled


def test_the_journal_is_kept_and_bounded_and_reads_its_settings(tmp_path):
    resources = compiled(tmp_path, EMPTY)
    settings = "file:/etc/systemd/journald.conf.d/homeport.conf"
    text = text_of(resources[settings])
    assert "Storage=persistent" in text
    assert "SystemMaxUse=500M" in text
    assert settings in resources["service:systemd-journald"].restart_on


def test_a_hosts_own_packages_are_a_resource_of_their_own(tmp_path):
    resources = compiled(tmp_path, '[hosts.web1]\npackages = ["htop", "jq"]\n')
    assert resources["package:host"].names == ("htop", "jq")
    assert "package:host" not in compiled(tmp_path / "other", EMPTY)
