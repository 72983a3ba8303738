"""What a person hands over is copied whole before anything is done to it, whatever cuts it off."""

from __future__ import annotations

import json
import random
import time

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.steps import agents, cut_off, deploy, provision, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

FILES = 3000
"""So many that copying them can be cut off in the middle."""

MAKE = f"""
mkdir -p /srv/hello/data
for number in $(seq {FILES}); do echo $number > /srv/hello/data/$number; done
chmod 0640 /srv/hello/data/*; chown -R games: /srv/hello
mkdir -p /etc/systemd/journald.conf.d && echo '# mine' > /etc/systemd/journald.conf.d/homeport.conf
"""
HANDED_OVER = ("/srv/hello", "/etc/systemd/journald.conf.d/homeport.conf")
ALL = "cd {} && find . -type f -printf '%p %m %u %s\\n' -exec cat {{}} + | sort | sha256sum"


def test_a_hand_over_that_is_cut_off_loses_nothing(lab: Lab, project: Project) -> None:
    host = lab.up(["handed-over"])[0]
    lead_domains_to(lab, host)
    host.shell("apt-get -qq update && apt-get -qq -y install python3 >/dev/null 2>&1")
    host.shell(MAKE)
    theirs = host.shell(ALL.format("/srv/hello/data"))
    chance = random.Random(5)
    for number in range(10):
        process = project.start("-H", host.name, "provision", "--adopt", ",".join(HANDED_OVER))
        wait_for(lambda: agents(host))
        time.sleep(chance.uniform(0, 3))
        cut_off(process, host, kills_agent=bool(number % 2))
    provision(project, host, "--adopt", ",".join(HANDED_OVER)).must_succeed()
    deploy(project, host)
    assert host.shell(ALL.format("/srv/hello/data")) == theirs

    kept = _copies(host)
    assert kept
    for when, things in kept.items():
        assert f"path:{HANDED_OVER[0]}" in things
        assert host.shell(ALL.format(f"/var/backups/homeport/{when}/srv/hello/data")) == theirs

    first = min(kept)
    project.fab("-H", host.name, "remove", "hello", "--data", "--yes").must_succeed()
    project.fab("-H", host.name, "restore-adopted", first).must_succeed()
    assert host.shell(ALL.format("/srv/hello/data")) == theirs
    assert host.shell("ls /srv/hello").split() == ["data"]
    assert host.shell(f"cat {HANDED_OVER[1]}") == "# mine\n"
    lab.remove("handed-over")


def _copies(host: LabHost) -> dict[str, list[str]]:
    """Return what was handed over by the time of its copy; a copy that was cut off is none."""
    shown = host.shell(
        "cd /var/backups/homeport && grep -H '' */manifest.json | cut -d/ -f1 | uniq"
    )
    return {
        when: [each["id"] for each in json.loads(
            host.shell(f"cat /var/backups/homeport/{when}/manifest.json"))["things"]]
        for when in shown.split()
    }  # fmt: skip
