"""Hosts as a person meets them: they boot, let in, keep and lose what they should."""

from __future__ import annotations

import pytest

from provisioning.errors import HomeportError
from provisioning.lab import Lab
from tests.lab.conftest import Ssh
from tests.labs import BareHost

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_bare_host_runs_systemd_without_python_and_without_failures(bare_host: BareHost, suite):
    host = bare_host(suite)
    assert host.run("systemctl", "is-system-running").stdout == "running\n"
    assert host.shell("ps -o comm= -p 1") == "systemd\n"
    assert f"VERSION_CODENAME={suite}\n" in host.shell("cat /etc/os-release")
    assert host.run("which", "python3", check=False).returncode == 1
    assert host.shell("hostname") == f"{host.name}\n"


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_root_and_both_sudo_users_get_in_by_key_and_by_host_key_checking(
    bare_host: BareHost, ssh: Ssh, lab: Lab, suite
):
    host = bare_host(suite)
    assert ssh(host.name, "id -un").stdout == "root\n"
    assert ssh(host.name, "sudo -n id -un", user="admin").stdout == "root\n"
    assert ssh(host.name, "sudo -n id", user="operator", check=False).returncode != 0
    with_password = ssh(
        host.name, "sudo -S -p '' id -un", user="operator", stdin=lab.sudo_password + "\n"
    )
    assert with_password.stdout == "root\n"
    wrong = ssh(host.name, "sudo -S -p '' id", user="operator", stdin="wrong\n", check=False)
    assert wrong.returncode != 0


def test_a_host_reboots_by_itself_and_keeps_its_disk(bare_host: BareHost, ssh: Ssh):
    host = bare_host()
    host.shell("echo kept > /srv/kept; echo gone > /run/gone")
    boot_id = host.shell("cat /proc/sys/kernel/random/boot_id; cat /etc/machine-id").split()
    before = host.start_time
    # The connection ends under the command, so its status says nothing.
    ssh(host.name, "systemctl reboot", check=False)
    host.wait_rebooted(before)
    assert host.start_time > before
    assert host.shell("cat /srv/kept") == "kept\n"
    assert not int(host.shell("test -e /run/gone && echo 1 || echo 0"))
    assert host.shell("cat /etc/machine-id").split() == boot_id[1:]


def test_a_power_cut_ends_a_host_at_once_and_a_boot_brings_it_back(bare_host: BareHost):
    host = bare_host()
    host.shell("echo kept > /srv/kept")
    host.shell("systemd-run --quiet --unit=busy sleep 1000")
    host.power_cut()
    assert host.pid is None
    with pytest.raises(HomeportError, match="the host is off"):
        host.run("true")
    host.power_cut()
    host.boot()
    assert host.shell("cat /srv/kept") == "kept\n"
    assert host.run("systemctl", "is-active", "busy", check=False).stdout == "inactive\n"


def test_a_shut_down_host_stays_off_until_it_is_booted(bare_host: BareHost):
    host = bare_host()
    host.power_off()
    assert not host.is_on
    host.power_off()
    host.boot()
    assert host.is_on


def test_a_reset_host_is_bare_again_and_is_still_the_same_host(bare_host: BareHost, ssh: Ssh):
    host = bare_host()
    identity = "cat /etc/machine-id /etc/ssh/*.pub; hostname; hostname -I"
    before = host.shell(identity)
    host.shell(
        "rm -rf /usr/share/doc; echo x > /srv/x; echo 'PermitRootLogin no' > /etc/ssh/sshd_config"
    )
    host.reset()
    assert host.shell("ls /srv") == ""
    assert host.shell("ls /usr/share/doc") != ""
    assert host.shell(identity) == before
    assert ssh(host.name, "true").returncode == 0


def test_snapshots_bring_saved_states_back_in_any_order(bare_host: BareHost):
    host = bare_host()
    host.shell("echo one > /srv/state; mkdir /srv/only-one")
    host.snapshot("one")
    assert host.shell("cat /srv/state") == "one\n"
    host.shell("echo two > /srv/state; rmdir /srv/only-one; mv /usr/share/doc /usr/share/moved")
    host.snapshot("two")
    host.shell("echo three > /srv/state")
    host.restore("one")
    assert host.shell("cat /srv/state; ls /srv") == "one\nonly-one\nstate\n"
    host.reset()
    assert host.shell("ls /srv") == ""
    host.restore("two")
    assert host.shell("cat /srv/state; ls /srv; ls -d /usr/share/doc /usr/share/moved || true") == (
        "two\nstate\n/usr/share/moved\n"
    )
    with pytest.raises(HomeportError, match="no snapshot 'three'"):
        host.restore("three")


def test_a_small_disk_is_really_full(bare_host: BareHost):
    host = bare_host(disk_size_mb=32)
    filled = host.run("dd", "if=/dev/zero", "of=/srv/big", "bs=1M", "count=64", check=False)
    assert "No space left on device" in filled.stderr
    # In the lab's own hands it survives what another disk survives.
    host.power_cut()
    host.boot()
    assert host.path("/srv/big").stat().st_size > 8_000_000
    host.reset()
    host.run("dd", "if=/dev/zero", "of=/srv/big", "bs=1M", "count=64")


def test_a_host_with_other_keys_is_refused_by_ssh_until_they_are_published(
    bare_host: BareHost, ssh: Ssh, lab: Lab
):
    host = bare_host()
    host.renew_keys()
    refused = ssh(host.name, "true", check=False)
    assert refused.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr
    lab.publish()
    assert ssh(host.name, "true").returncode == 0


def test_a_failing_command_shows_its_status_and_its_last_words(bare_host: BareHost):
    host = bare_host()
    with pytest.raises(HomeportError, match="it ended with status 7") as failure:
        host.run("sh", "-c", "echo why >&2; exit 7")
    assert failure.value.output == "why"
    assert host.run("sh", "-c", "exit 7", check=False).returncode == 7
    assert host.run("cat", input="words").stdout == "words"


def test_a_command_that_hangs_is_ended_on_the_host_too(bare_host: BareHost):
    host = bare_host()
    with pytest.raises(HomeportError, match="it took longer than 1 s"):
        host.run("sleep", "4711", timeout_s=1)
    assert "4711" not in host.shell("ps -eo args | grep sleep || true").replace("grep", "")


def test_files_are_seen_from_outside_as_the_host_sees_them(bare_host: BareHost):
    host = bare_host()
    host.shell("mkdir -p /srv/real; echo in > /srv/real/file; ln -s /srv/real /srv/link")
    assert host.path("/srv/link/file").read_text() == "in\n"
    assert host.path("/srv/link").is_symlink()
    host.path("/srv/real/file").write_text("out\n")
    assert host.shell("cat /srv/real/file") == "out\n"
    host.power_cut()
    assert host.path("/srv/link/file").read_text() == "out\n"


def test_a_host_that_cannot_boot_shows_its_console_at_once(bare_host: BareHost):
    host = bare_host()
    host.power_off()
    host.path("/usr/lib/systemd/systemd").unlink()
    with pytest.raises(HomeportError, match="the host is off") as failure:
        host.boot()
    assert "execv(/usr/lib/systemd/systemd" in failure.value.output
    assert not host.is_on
    host.reset()
    assert host.is_on


def test_systemd_inside_may_sandbox_and_administer_the_network(bare_host: BareHost):
    host = bare_host("trixie")
    sandbox = "-p ProtectSystem=strict -p PrivateUsers=yes -p SystemCallFilter=@system-service"
    command = f"systemd-run --quiet --wait --pipe {sandbox} touch /srv/x"
    assert "Read-only file system" in host.run("sh", "-c", command, check=False).stderr
    host.shell(f"systemd-run --quiet --wait {sandbox} true")
    host.shell("ip link add probe type bridge && ip link delete probe")
    host.shell("echo 1024 > /proc/sys/net/core/somaxconn")
