"""What is in nobody's way goes on beside Homeport, untouched, and stays when an app goes."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.listing import APT_MEMORY, listing_of, without
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import cut_off, deploy, deploy_change, provision, rollback

pytestmark = pytest.mark.lab

FOREIGN = """
useradd -m -s /bin/bash -G sudo,www-data ann
useradd --system --home-dir /var/lib/blog --shell /usr/sbin/nologin blog
install -d -o blog -m 0750 /srv/blog /srv/blog/releases /srv/blog/releases/20260101120000
ln -s releases/20260101120000 /srv/blog/current
echo secret > /srv/blog/releases/20260101120000/database.yml
install -d /var/www/old && echo '<h1>old</h1>' > /var/www/old/index.html
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' \
    > /etc/systemd/system/blog.service
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/blog@.service
mkdir -p /etc/systemd/system/blog.service.d /etc/systemd/journald.conf.d /etc/sysctl.d /etc/cron.d
printf '[Service]\\nNice=5\\n' > /etc/systemd/system/blog.service.d/nice.conf
systemctl daemon-reload && systemctl enable -q --now blog blog@1
echo '* * * * * blog true' > /etc/cron.d/blog
printf '[Journal]\\nSystemMaxUse=4G\\n' > /etc/systemd/journald.conf.d/mine.conf
echo 'vm.swappiness = 10' > /etc/sysctl.d/10-mine.conf
echo 'APT::Install-Recommends "false";' > /etc/apt/apt.conf.d/99mine
mkdir -p /opt/tool/bin && echo '#!/bin/sh' > /opt/tool/bin/tool
mkdir -p /etc/letsencrypt/renewal-hooks/deploy
echo '#!/bin/sh' > /etc/letsencrypt/renewal-hooks/deploy/50-mine
echo 'd /run/blog 0755 blog blog' > /etc/tmpfiles.d/blog.conf
mkdir -p /root/.secrets && echo token > /root/.secrets/dns && chmod 0600 /root/.secrets/dns
"""
"""A host on which somebody else's blog runs, with settings, accounts and units of its own."""

THEIRS = (
    "/srv/blog", "/var/www/old", "/etc/systemd/system/blog.service",
    "/etc/systemd/system/blog@.service", "/etc/systemd/system/blog.service.d",
    "/etc/cron.d/blog", "/etc/sysctl.d/10-mine.conf", "/etc/systemd/journald.conf.d/mine.conf",
    "/etc/apt/apt.conf.d/99mine", "/opt/tool", "/etc/letsencrypt/renewal-hooks/deploy/50-mine",
    "/etc/tmpfiles.d/blog.conf", "/root/.secrets", "/home/ann",
)  # fmt: skip


def theirs(host: LabHost) -> dict[str, str]:
    """Return all of theirs as it is: files, accounts, and units with their processes."""
    listing = {
        path: entry
        for path, entry in listing_of(host).items()
        if any(path == each or path.startswith(f"{each}/") for each in THEIRS)
    }
    for name in ("ann", "blog"):
        listing[name] = host.shell(f"getent passwd {name}; id {name}; getent shadow {name}")
    for unit in ("blog.service", "blog@1.service"):
        listing[unit] = host.shell(f"systemctl show -P MainPID -P UnitFileState {unit}")
    return listing


@pytest.fixture(scope="module")
def host(lab: Lab) -> LabHost:
    host = lab.up(["beside"])[0]
    lead_domains_to(lab, host)
    host.shell(FOREIGN)
    yield host
    lab.remove("beside")


@pytest.fixture(scope="module")
def before(host: LabHost) -> dict[str, str]:
    return theirs(host)


@pytest.fixture(scope="module")
def bare(host: LabHost, before: dict[str, str]) -> dict[str, str]:
    return without(listing_of(host), OWN)


OWN = (*APT_MEMORY, "/var/lib/homeport", "/var/backups", "/var/lib/systemd", "/var/cache")


@pytest.fixture(scope="module")
def ours(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("ours") / "project", lab)


@pytest.fixture(scope="module")
def another(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A second project, of another app with another domain."""
    project = Project.create(tmp_path_factory.mktemp("another") / "second", lab, name="second")
    project.inventory.write_text(
        project.inventory.read_text()
        .replace("apps.hello", "apps.second")
        .replace('"hello.lab", "www.hello.lab"', '"second.lab"')
        .partition("[tls]")[0]
        + '[tls]\nmethod = "self-signed"\n'
    )
    return project


def test_others_are_untouched_by_all_that_a_project_does(
    lab: Lab, ours: Project, host: LabHost, bare: dict[str, str], before: dict[str, str]
) -> None:
    chance = random.Random(7)
    for _ in range(3):
        # Cut off at any moment; the next run completes it.
        process = ours.start("-H", host.name, "provision")
        time.sleep(chance.uniform(2, 12))
        cut_off(process, host, kills_agent=False)
    provision(ours, host).must_succeed()
    first = deploy(ours, host)
    deploy_change(ours, host)
    assert rollback(ours, host) == first
    assert Site(lab, host).get("/healthz").status == 200
    assert theirs(host) == before
    assert "nothing had to be changed" in provision(ours, host).must_succeed().output


def test_two_projects_serve_side_by_side(
    lab: Lab, ours: Project, another: Project, host: LabHost, before: dict[str, str]
) -> None:
    provision(another, host).must_succeed()
    another.fab("-H", host.name, "deploy").must_succeed()
    assert Site(lab, host).get("/healthz").status == 200
    # What they share is as either wants it: neither has anything to do after the other.
    assert "nothing had to be changed" in provision(ours, host).must_succeed().output
    assert "nothing had to be changed" in provision(another, host).must_succeed().output
    deploy_change(ours, host)
    assert host.shell("systemctl is-active 'second@*.service'").strip() == "active"
    assert theirs(host) == before


@pytest.mark.parametrize(
    "command", ["provision", "deploy", "rollback", "restart", "stop", "remove"]
)
def test_an_app_of_another_environment_is_refused(
    lab: Lab, ours: Project, host: LabHost, tmp_path: Path, command: str
) -> None:
    staging = Project.create(tmp_path / "project", lab)
    text = '[project]\nname = "elsewhere"\n\n' + staging.inventory.read_text()
    staging.inventory.write_text(text)
    more = {"stop": ("hello",), "remove": ("hello", "--yes"), "restart": ("hello",)}
    live = host.shell("readlink /srv/hello/live.sock")
    told = staging.fab("-H", host.name, command, *more.get(command, ()))
    assert told.code in (1, 4), told.output
    assert "an app of project/lab" in told.output
    assert 'set name = "project" under [project]' in told.output
    assert "Traceback" not in told.output
    assert host.shell("readlink /srv/hello/live.sock") == live
    assert Site(lab, host).get("/healthz").status == 200


def test_what_is_whose_can_be_seen(ours: Project, another: Project, host: LabHost) -> None:
    told = ours.fab("-H", host.name, "owns").must_succeed().output
    for words in (
        "/etc/nginx/nginx.conf", "/srv/hello", "/srv/second", "user", "certificate",
        "/var/lib/homeport ", "/var/lib/homeport-build ", "the host",
    ):  # fmt: skip
        assert words in told
    assert "project/lab, second/lab" in told


def test_status_names_apps_of_others(ours: Project, host: LabHost) -> None:
    told = ours.fab("-H", host.name, "status").output
    assert "also here: the app second of second/lab, which serves second.lab" in told


def test_what_a_person_has_given_an_account_stays(ours: Project, host: LabHost) -> None:
    host.shell("usermod --shell /bin/bash --append --groups adm hello")
    account = host.shell("getent passwd hello; id hello")
    assert "nothing had to be changed" in provision(ours, host).must_succeed().output
    assert host.shell("getent passwd hello; id hello") == account


def test_what_a_person_sets_of_the_host_is_left_and_said(ours: Project, host: LabHost) -> None:
    host.shell("printf '[Journal]\\nStorage=volatile\\n' > /etc/systemd/journald.conf.d/their.conf")
    told = provision(ours, host).must_succeed().output
    assert "sets Storage to volatile, where Homeport would set persistent" in told
    assert "nothing had to be changed" in provision(ours, host).must_succeed().output
    assert host.shell("cat /etc/systemd/journald.conf.d/their.conf") == (
        "[Journal]\nStorage=volatile\n"
    )


def test_an_app_that_the_inventory_has_no_more_goes_on_and_is_named(
    lab: Lab, ours: Project, host: LabHost
) -> None:
    kept = ours.inventory.read_text()
    head, _, rest = kept.partition("[apps.hello]")
    ours.inventory.write_text(head + rest[rest.index("[tls]") :])
    told = provision(ours, host).must_succeed().output
    assert "the app hello is no longer in the inventory" in told
    assert "fab remove hello" in told
    assert Site(lab, host).get("/healthz").status == 200
    # Under another name it would be a second app, with none of the first one's data.
    ours.inventory.write_text(kept.replace("apps.hello", "apps.store"))
    told = provision(ours, host).output
    assert "domain:hello.lab" in told
    assert "fab remove hello" in told
    assert Site(lab, host).get("/healthz").status == 200
    ours.inventory.write_text(kept)


def test_nobody_is_removed_without_being_asked(ours: Project, host: LabHost) -> None:
    told = ours.fab("-H", host.name, "remove", "hello")
    assert told.code == 2
    assert "--yes" in told.output


def test_what_was_handed_over_comes_back_and_nothing_is_lost(
    ours: Project, another: Project, host: LabHost
) -> None:
    """A directory that a person hands over, an app in it, and the way back."""
    project = ours
    kept = project.inventory.read_text()
    text = kept.replace("apps.hello", "apps.notes").replace(
        '"hello.lab", "www.hello.lab"', '"n.lab"'
    )
    head, _, _ = text.partition("[tls]")
    project.inventory.write_text(f'{head}[tls]\nmethod = "self-signed"\n')
    host.shell("mkdir -p /srv/notes && echo old > /srv/notes/old.txt && chmod 0700 /srv/notes")
    assert "/srv/notes" in provision(project, host).output
    told = provision(project, host, "--adopt", "/srv/notes/").must_succeed().output
    [when] = set(re.findall(r"/var/backups/homeport/(\S+)", told))
    project.fab("-H", host.name, "deploy", "--app", "notes").must_succeed()
    # Neither over an app that is at work, nor by another project.
    for each in (project, another):
        refused = each.fab("-H", host.name, "restore-adopted", when)
        assert refused.code == 1, refused.output
        assert host.shell("systemctl is-active 'notes@*.service'").strip() == "active"
    host.shell("echo data > /srv/notes/shared/instance/data; echo mine > /srv/notes/mine.txt")
    told = project.fab("-H", host.name, "remove", "notes", "--yes").must_succeed().output
    assert "mine.txt" in told
    assert host.shell("cat /srv/notes/old.txt /srv/notes/mine.txt") == "old\nmine\n"
    project.fab("-H", host.name, "restore-adopted", when).must_succeed()
    assert host.shell("ls /srv/notes; stat -c %a /srv/notes").split() == ["old.txt", "700"]
    # What was there by then is in a copy of its own.
    found = host.shell("cat /var/backups/homeport/*/srv/notes/shared/instance/data")
    assert found == "data\n"
    again = project.fab("-H", host.name, "restore-adopted", when).must_succeed()
    assert "nothing had to be changed" in again.output
    host.shell("rm -r /srv/notes; userdel notes")
    project.inventory.write_text(kept)


def test_an_app_goes_and_leaves_its_data(
    lab: Lab, ours: Project, host: LabHost, before: dict[str, str]
) -> None:
    kept = ours.fab("-H", host.name, "remove", "hello", "--check").must_succeed().output
    all_of_it = ours.fab("-H", host.name, "remove", "hello", "--data", "--check").output
    assert "code, settings, certificate, entry in the record" in kept
    assert "code, settings, certificate, entry in the record, data, account" in all_of_it
    assert Site(lab, host).get("/healthz").status == 200
    ours.fab("-H", host.name, "remove", "hello", "--yes").must_succeed()
    assert host.shell("ls /srv/hello").split() == ["home", "secrets.json", "shared"]
    assert "hello" not in host.shell("systemctl list-units --all --plain 'hello*'; nginx -T")
    assert host.run("pgrep", "-u", "hello", check=False).returncode == 1
    assert host.shell("systemctl is-active 'second@*.service'").strip() == "active"
    assert theirs(host) == before


def test_it_comes_back_with_its_data(lab: Lab, ours: Project, host: LabHost) -> None:
    host.shell("echo kept > /srv/hello/shared/instance/kept")
    provision(ours, host).must_succeed()
    deploy(ours, host)
    assert Site(lab, host).get("/healthz").status == 200
    assert host.shell("cat /srv/hello/shared/instance/kept") == "kept\n"


def test_it_goes_without_a_trace(
    ours: Project, another: Project, host: LabHost, bare: dict[str, str], before: dict[str, str]
) -> None:
    keys = host.shell("md5sum /etc/homeport/acme/archive/*/privkey*.pem | cut -d' ' -f1").split()
    assert keys
    ours.fab("-H", host.name, "remove", "hello", "--data", "--yes").must_succeed()
    another.fab("-H", host.name, "remove", "second", "--data", "--yes").must_succeed()
    new = set(without(listing_of(host), OWN)) - set(bare)
    named = [path for path in new if "hello" in path or "second" in path]
    # Packages have their own words.
    assert [path for path in named if not path.startswith(("/usr", "/opt"))] == []
    assert host.run("getent", "passwd", "hello", check=False).returncode == 2
    remembered = json.loads(host.shell("cat /var/lib/homeport/memory.json"))
    assert [key for key in remembered if "hello" in key or "second" in key] == []
    assert theirs(host) == before
    left = host.shell("find /etc/homeport -type f -exec md5sum {} + | cut -d' ' -f1").split()
    assert set(left) & set(keys) == set()
