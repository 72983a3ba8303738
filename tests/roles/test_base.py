from dataclasses import replace

import pytest

from tests.roles.samples import BOOKWORM, TRIXIE, compiled

EMPTY = "[hosts.web1]\n"


def test_a_container_sets_neither_its_clock_nor_its_kernel(tmp_path):
    resources = compiled(tmp_path, EMPTY, TRIXIE)
    assert "timesyncd" not in " ".join(resources["packages:base"].names)
    assert not [each for each in resources if "timesyncd" in each or "sysctl" in each]


def test_a_real_host_has_the_right_time_and_a_hardened_kernel(tmp_path):
    resources = compiled(tmp_path, EMPTY, BOOKWORM)
    [clock] = [name for name in resources["packages:base"].names if "timesyncd" in name]
    assert clock.startswith("systemd-timesyncd | chrony")
    assert resources["service:systemd-timesyncd"].yields
    settings = "settings:/etc/sysctl.d/60-homeport.conf"
    assert resources["service:systemd-sysctl"].restart_on == (settings,)


@pytest.mark.parametrize("ipv6", [True, False])
def test_the_kernel_is_told_of_ipv6_only_where_it_has_it(tmp_path, ipv6):
    resources = compiled(tmp_path, EMPTY, replace(BOOKWORM, ipv6=ipv6))
    values = resources["settings:/etc/sysctl.d/60-homeport.conf"].values
    assert any(name.startswith("net.ipv6") for name in values) is ipv6


def test_security_updates_are_installed_daily_and_nothing_reboots(tmp_path):
    resources = compiled(tmp_path, EMPTY)
    values = resources["settings:/etc/apt/apt.conf.d/52homeport-upgrades"].values
    assert values["APT::Periodic::Unattended-Upgrade"] == "1"
    assert values["Unattended-Upgrade::Automatic-Reboot"] == "false"
    assert resources["service:apt-daily-upgrade.timer"].enabled


def test_the_journal_is_kept_over_a_boot_and_never_cut_below_what_it_is(tmp_path):
    resources = compiled(tmp_path, EMPTY)
    settings = "settings:/etc/systemd/journald.conf.d/homeport.conf"
    # A bound below systemd's own would remove what a host in use has kept so far.
    assert resources[settings].values == {"Storage": "persistent"}
    assert settings in resources["service:systemd-journald"].restart_on


def test_what_others_have_set_comes_first_unless_the_inventory_says_otherwise(tmp_path):
    settings = "settings:/etc/systemd/journald.conf.d/homeport.conf"
    assert not compiled(tmp_path, EMPTY)[settings].override
    override = EMPTY + 'override = ["journal"]\n'
    resources = compiled(tmp_path / "other", override)
    assert resources[settings].override
    assert not resources["settings:/etc/apt/apt.conf.d/52homeport-upgrades"].override


def test_a_hosts_own_packages_are_a_resource_of_their_own(tmp_path):
    resources = compiled(tmp_path, '[hosts.web1]\npackages = ["htop", "jq"]\n')
    assert resources["packages:host"].names == ("htop", "jq")
    assert "packages:host" not in compiled(tmp_path / "other", EMPTY)
