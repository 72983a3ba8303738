"""The build of an image, all of whose steps are hostile, gets nothing and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.e2e.containers import give_base_image, use_container
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.steps import live_on, provision
from tests.suites import FIRST_TRIXIE

pytestmark = [pytest.mark.lab, pytest.mark.thorough, pytest.mark.timeout(1200)]

ATTACK = Path(__file__).with_name("image_attack.py")


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_a_hostile_build_gets_nothing(lab: Lab, project: Project, bare_host, suite: str):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    use_container(project)
    provision(project, host).must_succeed()
    give_base_image(host)
    host.shell("echo 'canary of the host' > /root/canary; chmod 600 /root/canary")
    (project.app / "attack.py").write_text(ATTACK.read_text())
    gateway = host.shell("ip route show default | cut -d' ' -f3").strip()
    steps = f"ENV GATEWAY={gateway}\nCOPY attack.py /\nRUN python3 /attack.py && exit 9\n"
    project.edit("Dockerfile", "USER app", f"{steps}USER app")
    refused = project.fab("-H", host.name, "deploy", "--json")
    assert refused.code == 4, refused.output
    assert "held: the network" in refused.output, refused.output
    assert "STOLEN" not in refused.output, refused.output
    assert "canary of the host" not in refused.output
    assert host.shell("pgrep -x sleep -a | grep 7654321 || true") == ""
    assert host.shell("ls /etc/evil /usr/bin/evil /srv/evil /root/evil 2>/dev/null || true") == ""

    # As it goes through, nothing that it has planted is there for anybody.
    project.edit("Dockerfile", " && exit 9", "")
    project.fab("-H", host.name, "deploy").must_succeed()
    image = f"/srv/hello/releases/{live_on(host)}/image/rootfs"
    assert host.shell(f"stat -c %a {image}/usr/bin/become") == "755\n"
    assert host.shell(f"ls {image}/disk {image}/opt/pipe 2>/dev/null || true") == ""
    read = project.fab("-H", host.name, "run", "hello", "--", "cat", "/etc/canary")
    assert "canary of the host" not in read.output
    assert host.shell("pgrep -x sleep -a | grep 7654321 || true") == ""
    assert host.shell("systemctl list-units --no-legend 'homeport-build*'") == ""
