"""Neither another app nor a person on the host reads or writes what is an app's."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Neighbourhood
from tests.attacks.neighbours import APPS

pytestmark = pytest.mark.lab

LIKELY_NAMES = (
    "homeport homeport-new .homeport-new homeport-build homeport-run homeport.lock evil victim uv "
    "uv-cache .uv pip pip-build build stage stage-1 compileall agent homeport-agent venv release"
)
"""Names that a careless program of root's would take in a directory of everybody's."""


def public(path: str) -> bool:
    """Tell whether everybody may read a path: what nginx serves, and the page of maintenance."""
    return "/static/" in path or path.endswith(("/static", "/maintenance.conf"))


def test_an_app_sees_nothing_of_its_neighbour(neighbourhood: Neighbourhood, suite: str) -> None:
    project = neighbourhood(suite)
    project.run("victim", "fill", MIB=1).must_succeed()
    result = project.run("evil", "read_neighbour").must_succeed()
    lines = result.stdout.splitlines()
    assert any(line.startswith("looked ") for line in lines), result.output
    foreign = [
        line
        for line in lines
        if line.startswith(("READS ", "WRITES "))
        and not line.split(" ", 1)[1].startswith("/srv/evil/")
        and not public(line)
    ]
    assert (len(foreign), foreign[:8]) == (0, [])
    assert "SHM []" in lines, lines[-3:]


def test_an_app_signals_nobody_but_itself(neighbourhood: Neighbourhood, suite: str) -> None:
    project = neighbourhood(suite)
    result = project.run("evil", "signal_all").must_succeed()
    [line] = [line for line in result.stdout.splitlines() if line.startswith("reached ")]
    reached = line.split()[1:]
    # Its own release can be reached: `fab deploy --replace` ends that one first.
    assert reached
    there = project.host.shell("ps -e -o pid=,user=").split("\n")
    owners = dict(each.split() for each in there if each.strip())
    assert {owners[pid] for pid in reached if pid in owners} == {"evil"}


def test_a_person_on_the_host_reads_and_writes_nothing_of_an_app(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    project = neighbourhood(suite)
    project.new_virtualenv("victim")
    project.deploy("victim").must_succeed()
    read = "/srv /var/lib/homeport /run/homeport /run/evil /run/victim"
    written = f"{read} /opt/homeport /var/cache /etc /usr/local"
    look = (
        f"find {read} -type f -readable -print 2>/dev/null | sed 's/^/READS /'; "
        f"find {written} ! -type l -writable -print 2>/dev/null | sed 's/^/WRITES /'; id -un"
    )
    lines = project.host.run("su", "mallory", "-c", look, check=False).stdout.splitlines()
    assert lines[-1] == "mallory"
    foreign = [line for line in lines[:-1] if not public(line)]
    assert (len(foreign), foreign[:8]) == (0, [])


def test_a_person_who_stands_in_a_release_keeps_nothing(neighbourhood: Neighbourhood) -> None:
    project = neighbourhood()
    host = project.host
    first = project.live("victim")
    project.configure_app("victim", "keep_releases = 2\n")
    stand = (
        f"cd /srv/victim/releases/{first}/code && exec > /tmp/stands && echo stands && "
        f"exec sleep 60 || echo refused > /tmp/stands"
    )
    host.run("systemd-run", "--quiet", "--uid=mallory", "sh", "-c", stand)
    host.shell("for _ in $(seq 100); do test ! -s /tmp/stands || exit 0; sleep 0.05; done; exit 1")
    for _ in range(2):
        project.deploy("victim").must_succeed()
    kept = host.shell("ls /srv/victim/releases").split()
    assert first not in kept, (host.shell("cat /tmp/stands"), kept)


def test_a_person_leaves_nothing_that_root_takes_for_its_own(neighbourhood: Neighbourhood) -> None:
    """A guard: nothing of root's has a name in a directory of everybody's."""
    project = neighbourhood()
    plant = "; ".join(
        f"ln -s /etc/canary {place}/{name}"
        for place in ("/tmp", "/var/tmp", "/dev/shm")
        for name in LIKELY_NAMES.split()
    )
    count = "find /tmp /var/tmp -user mallory -type l | wc -l"
    planted = project.host.run("su", "mallory", "-c", f"{plant}; {count}").stdout
    for app in APPS:
        project.new_virtualenv(app)
        project.deploy(app).must_succeed()
    project.provision().must_succeed()
    assert project.host.shell(count) == planted == f"{2 * len(LIKELY_NAMES.split())}\n"


@pytest.mark.parametrize("login", ["root", "admin"])
def test_an_app_does_not_take_a_persons_account(neighbourhood: Neighbourhood, login: str) -> None:
    project = neighbourhood()
    host = project.host
    look = "getent passwd admin; id admin; grep ^admin: /etc/shadow; stat -c '%U %A' /home/admin"
    before = host.shell(look)
    text = project.inventory.read_text()
    project.inventory.write_text(
        text.replace('user = "root"', f'user = "{login}"')
        .replace("[apps.evil", "[apps.admin")
        .replace("evil.lab", "admin.lab")
    )
    project.lab.set_domain("admin.lab", host.name)
    result = project.provision()
    project.lab.set_domain("admin.lab", None)
    assert host.shell(look) == before, result.output
    assert result.code != 0, result.output
    assert "admin" in result.output
    # To refuse is one thing; to try and to be refused by the host's own program another.
    assert "usermod" not in result.output
    assert not host.path("/srv/admin").exists()
