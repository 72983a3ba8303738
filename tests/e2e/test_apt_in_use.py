"""A server that was just rented: its own first upgrade is at work, and its lists are old."""

from __future__ import annotations

import pytest

from tests.e2e.project import Project
from tests.e2e.steps import PATIENCE_S, left_behind, wait_for

pytestmark = pytest.mark.lab

# A bare host has no Python, but Debian's base has this.
HOLD = r"""
cat > /root/upgrade.pl <<'END'
use Fcntl;
open(my $file, "+>>", "/var/lib/apt/lists/lock") or die;
# Source: fcntl(2), struct flock.
my $lock = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die;
open(my $held, ">", "/root/held.new");
print $held $$;
close($held);
rename("/root/held.new", "/root/held");
sleep 600;
END
setsid -f perl /root/upgrade.pl </dev/null >/dev/null 2>&1
until test -e /root/held; do sleep 0.05; done
"""


def test_a_bare_host_on_which_apt_is_in_use_is_waited_for(project: Project, bare_host):
    host = bare_host()
    host.shell(HOLD)
    checking = project.start("-H", host.name, "provision", "--check")
    try:
        assert checking.stdout
        told = []
        for line in checking.stdout:
            told.append(line)
            if "waiting: apt's lists are held by process" in line:
                break
        else:
            raise AssertionError(told)
        assert "(perl)" in told[-1]
        host.shell("kill $(cat /root/held)")
        stdout, stderr = checking.communicate(timeout=PATIENCE_S)
    finally:
        checking.kill()
        checking.communicate()
    assert checking.returncode == 0, stdout + stderr
    assert "packages:base" in stdout

    # The archive has moved on since these lists were fetched.
    host.shell("sed -i 's/^Filename: .*python3/&-of-old/' /var/lib/apt/lists/*_main_binary-*")
    told = project.fab("-H", host.name, "provision", "--check").must_succeed()
    assert told.output.count("fetching Debian's package lists") == 1
    wait_for(lambda: not left_behind(host))


HALF = r"""
awk 'BEGIN { RS = ""; ORS = "\n\n" }
/^Package: libssl3\n/ { sub(/\nStatus: install ok installed/, "\nStatus: install ok unpacked") }
{ print }' /var/lib/dpkg/status > /root/status
cp /root/status /var/lib/dpkg/status
"""
"""As a full disk leaves it, of what nearly everything depends on."""


def test_a_python_is_borrowed_where_other_packages_are_half_there(project: Project, bare_host):
    host = bare_host()
    host.shell(HALF)
    # apt does nothing before that is completed, for which there was no room.
    assert host.run("apt-get", "--simulate", "install", "python3", check=False).returncode != 0
    told = project.fab("-H", host.name, "provision", "--check").must_succeed()
    assert "package-manager:apt" in told.output
