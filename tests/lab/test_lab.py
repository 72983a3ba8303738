"""A lab as a whole: it outlives its maker, leaves nothing behind, and lets others be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError, HomeportError
from provisioning.lab import Lab, cgroups, guest, layers, registry
from tests.labs import BareHost, take_down_abandoned_labs

pytestmark = pytest.mark.lab


@pytest.fixture
def own_lab(tmp_path: Path, lab: Lab) -> Iterator[Lab]:
    """A second lab, beside that of the whole run."""
    own = Lab.create(tmp_path / "own")
    try:
        yield own
    finally:
        own.down()


def traces_of(lab_id: str, directory: Path) -> dict[str, list[str]]:
    """Return all that a lab may leave on the machine."""

    def lines(*argv: str) -> list[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    group = cgroups.lab_group(lab_id)
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {
        "links": [line for line in lines("ip", "-br", "link") if lab_id in line],
        "namespaces": [line for line in lines("ip", "netns") if lab_id in line],
        "rules": [line for line in lines("nft", "list", "tables") if lab_id in line],
        "mounts": [str(point) for point in layers.mounts_below(directory)],
        "groups": [str(group)] * group.exists(),
        "twins": [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/*{lab_id}*")],
        "processes": [p.name for p in processes if lab_id.encode() in _command_line(p)],
        "run": [str(path) for path in Path("/run").glob(f"**/*{lab_id}*")],
        "files": [str(directory)] * directory.exists(),
    }
    return {kind: things for kind, things in found.items() if things}


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_nothing_of_a_lab_stays_and_the_other_lab_goes_on(
    own_lab: Lab, lab: Lab, bare_host: BareHost
):
    neighbour = bare_host()
    host = own_lab.up(["web1", "web2"])[0]
    lab_id = own_lab.state().lab_id
    assert host.address != neighbour.address
    assert own_lab.subnet != lab.subnet
    before = traces_of(lab_id, own_lab.paths.directory)
    assert {"links", "namespaces", "rules", "mounts", "groups", "processes", "run"} <= set(before)
    own_lab.down()
    assert traces_of(lab_id, own_lab.paths.directory) == {}
    assert Lab.find(own_lab.paths.directory) is None
    own_lab.down()
    assert neighbour.run("systemctl", "is-system-running").stdout == "running\n"


def test_a_lab_that_is_half_dead_goes_down_all_the_same(own_lab: Lab):
    own_lab.up(["web1", "web2"])
    lab_id = own_lab.state().lab_id
    group = cgroups.lab_group(lab_id)
    for victim in [
        *cgroups.processes(group / "web1"),
        *cgroups.processes(group / "web2.supervisor"),
    ]:
        os.kill(victim, signal.SIGKILL)
    subprocess.run(["ip", "link", "delete", f"hp-{lab_id}"], check=True)
    subprocess.run(["ip", "netns", "delete", f"hp-{lab_id}-web2"], check=True)
    layers.unmount(own_lab.paths.host("web1") / "root")
    own_lab.down()
    assert traces_of(lab_id, own_lab.paths.directory) == {}


def test_a_half_dead_lab_comes_up_again(own_lab: Lab):
    host = own_lab.up(["web1"])[0]
    host.shell("echo kept > /srv/kept")
    lab_id = own_lab.state().lab_id
    cgroups.kill(cgroups.lab_group(lab_id))
    layers.unmount(own_lab.paths.host("web1") / "root")
    subprocess.run(["ip", "netns", "delete", f"hp-{lab_id}-web1"], check=True)
    subprocess.run(["ip", "link", "delete", f"hp-{lab_id}"], check=True)
    assert not own_lab.acme.is_running()
    own_lab.up(["web1"])
    assert host.shell("cat /srv/kept") == "kept\n"
    assert own_lab.acme.is_running()


def test_up_twice_changes_nothing(own_lab: Lab):
    first = own_lab.up(["web1"])[0]
    before = (first.pid, first.start_time, first.shell("cat /etc/machine-id"))
    again = own_lab.up(["web1"])[0]
    assert (again.pid, again.start_time, again.shell("cat /etc/machine-id")) == before


def test_a_lab_outlives_the_process_that_made_it_even_when_that_is_killed(tmp_path: Path, lab: Lab):
    directory = tmp_path / "own"
    script = (
        "import os, signal, sys; from pathlib import Path; from provisioning.lab import Lab;"
        "Lab.create(Path(sys.argv[1])).up(['web1']); os.kill(os.getpid(), signal.SIGKILL)"
    )
    try:
        maker = subprocess.run(
            [sys.executable, "-c", script, str(directory)], start_new_session=True, check=False
        )
        assert maker.returncode == -signal.SIGKILL
        found = Lab.find(directory)
        assert found is not None
        assert found.hosts["web1"].run("systemctl", "is-system-running").stdout == "running\n"
        [row] = found.status()
        assert (row.name, row.suite, row.state) == ("web1", "bookworm", "running")
        assert 5_000_000 < row.memory_bytes < 200_000_000
        # Every process hangs below init, none below a process of the person.
        supervisor = cgroups.processes(cgroups.lab_group(found.state().lab_id) / "web1.supervisor")
        assert [_parent(pid) for pid in supervisor] == [1]
    finally:
        Lab(directory).down()


def _parent(pid: int) -> int:
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


def test_a_lab_whose_directory_was_deleted_is_removed_by_the_next_one(tmp_path: Path, lab: Lab):
    lost = Lab.create(tmp_path / "lost")
    try:
        lost.up(["web1"])
        lab_id = lost.state().lab_id
        state = lost.paths.state.read_text()
        lost.paths.state.unlink()
        lab.up([])
        left = traces_of(lab_id, lost.paths.directory)
        assert set(left) == {"files"}
        assert lab_id not in registry.entries()
    finally:
        lost.paths.state.write_text(state)
        lost.down()


def test_the_gateway_of_a_host_stays_the_same_while_others_come_and_go(own_lab: Lab):
    [first] = own_lab.up(["web1"])
    bridge = Path("/sys/class/net", f"hp-{own_lab.state().lab_id}", "address")
    before = bridge.read_text(), first.shell("cat /sys/class/net/eth0/address")
    own_lab.up(["web2"])
    assert bridge.read_text() == before[0]
    own_lab.remove("web1")
    assert bridge.read_text() == before[0]
    [again] = own_lab.up(["web1"])
    assert again.shell("cat /sys/class/net/eth0/address") == before[1]


def test_a_lab_of_a_killed_test_run_is_taken_down_by_the_next_one(own_lab: Lab, lab: Lab):
    directory = own_lab.paths.directory
    own_lab.up([])
    lab_id = own_lab.state().lab_id
    killed = subprocess.Popen(["sleep", "100"])
    (directory / "owner").write_text(f"{killed.pid} {guest.start_time_s(killed.pid)}")
    take_down_abandoned_labs()
    assert own_lab.paths.state.exists()
    killed.kill()
    killed.wait()
    take_down_abandoned_labs()
    assert traces_of(lab_id, directory) == {}
    assert lab.paths.state.exists()


def test_a_removed_host_leaves_the_others_and_its_name_behind(own_lab: Lab):
    _, second = own_lab.up(["web1", "web2"])
    own_lab.set_domain("hello.lab", "web1")
    own_lab.remove("web1")
    assert list(own_lab.hosts) == ["web2"]
    assert second.run("getent", "hosts", "hello.lab", check=False).returncode == 2
    assert "web1" not in own_lab.ssh_config.read_text() + own_lab.known_hosts.read_text()
    with pytest.raises(HomeportError, match="cannot find the host 'web1' in the lab: it has web2"):
        own_lab.remove("web1")


def test_hosts_that_a_lab_cannot_have_are_refused_before_anything_is_made(own_lab: Lab):
    with pytest.raises(ConfigurationError, match="cannot make a host with Debian 'sarge'"):
        own_lab.up(["web1"], suite="sarge")
    with pytest.raises(ConfigurationError, match="cannot make a host 'Web_1'"):
        own_lab.up(["Web_1"])
    assert own_lab.status() == []
    assert own_lab.state().subnet == ""


def test_secrets_of_a_lab_are_for_its_owner_alone(lab: Lab):
    for path in (lab.key, lab.paths.state, lab.paths.authority / "ca.key"):
        assert path.stat().st_mode & 0o077 == 0
    assert json.loads(lab.paths.state.read_text())["sudo_password"] == lab.sudo_password


def test_the_module_is_a_command(own_lab: Lab):
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "provisioning.lab", *arguments]
        argv += ["--directory", str(own_lab.paths.directory)]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    assert command("up", "--hosts", "1").returncode == 0
    assert command("ssh", "web1", "hostname").stdout == "web1\n"
    assert "web1       bookworm" in command("status").stdout
    wrong = command("up", "--suite", "sarge")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("cannot make a host with Debian 'sarge'")
    assert command("down").returncode == 0
    assert command("status").stdout == f"no lab in {own_lab.paths.directory}\n"
