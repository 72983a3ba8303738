"""What an app keeps and runs: shared files, its home, setup, groups, schedulers, timers, logs."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.notes_app import DOMAIN, add_notes, commit_notes, edit_notes
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import provision, wait_for
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

SHARED = "/srv/notes/shared"


def _beat(host: LabHost) -> str:
    """Return the release whose scheduler runs; there is one, and never were two."""
    assert host.shell(f"cat {SHARED}/data/twice 2>/dev/null || true") == ""
    shown = host.shell(
        "systemctl list-units --plain --no-legend --state=running 'notes.beat.*@*.service'"
    ).splitlines()
    [unit] = [line.split()[0] for line in shown]
    return unit.partition("@")[2].removesuffix(".service")


def _live(host: LabHost) -> str:
    return host.shell("basename $(readlink /srv/notes/live.sock) .sock").strip()


@pytest.mark.parametrize("suite", BOTH)
def test_what_an_app_keeps_and_runs(lab: Lab, project: Project, deployed_host, suite: str):
    host = deployed_host(suite)
    host.shell(
        "groupadd films; echo film > /opt/films.txt; chgrp films /opt/films.txt; "
        "chmod 0640 /opt/films.txt"
    )
    project.configure("[hosts.web1]", f"[hosts.{host.name}]")
    add_notes(project, host.name)
    lab.set_domain(DOMAIN, host.name)
    fab = lambda *words: project.fab("-H", host.name, *words)  # noqa: E731
    site = Site(lab, host, DOMAIN)
    provision(project, host).must_succeed()
    assert host.shell(f"ls -A {SHARED}") == ""

    # Without its setup it cannot be imported, and there is no first deploy.
    project.configure('setup = "python init_db.py"\n', "")
    refused = fab("deploy", "--app", "notes")
    assert refused.code == 4, refused.output
    assert "no such table: site" in refused.output
    project.configure('groups = ["films"]\n', 'groups = ["films"]\nsetup = "python init_db.py"\n')
    fab("deploy", "--app", "notes").must_succeed()
    first = _live(host)
    assert _beat(host) == first
    again = provision(project, host, "--json").must_succeed()
    assert [each for each in again.changed(host.name) if "notes" in each] == []

    # Files begin as git has them; SQLite has its journal where they lie.
    assert [site.get("/write").body for _ in range(2)] == [b"2", b"3"]
    modes = host.shell(f"stat -c '%n %a %U' {SHARED}/*").splitlines()
    assert modes == [
        f"{SHARED}/data 750 notes",
        f"{SHARED}/notes.sqlite3 600 notes",
        f"{SHARED}/seed.sqlite3 600 notes",
    ]
    assert site.get("/home").body == b"/srv/notes/home False"
    assert site.get("/group").body == b"film\n"

    # Log files are bounded, by the app itself.
    state = "systemctl show --value -p SubState notes.log-files.service"
    for _ in range(4):
        for _ in range(20):
            assert site.get("/log").body == b"logged"
        host.shell("systemctl start notes.log-files.service")
        wait_for(lambda: host.shell(state).strip() == "dead")
    logs = host.shell(f"stat -c '%n %a %U' {SHARED}/data/logs/*").splitlines()
    names = ["app.log", "app.log.1.gz", "app.log.2.gz"]
    assert logs == [f"{SHARED}/data/logs/{name} 600 notes" for name in names]
    assert int(host.shell(f"stat -c %s {SHARED}/data/logs/app.log")) < 10_000

    # What is there wins; setup does not run again; one scheduler hands over to the next.
    commit_notes(project)
    fab("deploy", "--app", "notes").must_succeed()
    second = _live(host)
    assert second != first
    assert _beat(host) == second
    assert site.get("/write").body == b"4"
    assert site.get("/home").body == b"/srv/notes/home True"

    # A scheduler that ends refuses its release, and the old one is back.
    edit_notes(project, "beat.py", "signal.signal(", 'sys.exit("no beat today")\nsignal.signal(')
    refused = fab("deploy", "--app", "notes")
    assert refused.code == 4, refused.output
    assert "no beat today" in refused.output
    assert _live(host) == second
    assert _beat(host) == second
    edit_notes(project, "beat.py", 'sys.exit("no beat today")\n', "")
    fab("rollback", "--app", "notes").must_succeed()
    assert _beat(host) == _live(host) == first
    fab("restart", "--app", "notes").must_succeed()
    assert _beat(host) == _live(host)

    # The last run of a timer is a part of how the app is.
    failed = "systemctl is-failed --quiet notes.tick.service"
    wait_for(lambda: host.run("sh", "-c", failed, check=False).returncode == 0)
    status = fab("status")
    assert status.code == 1, status.output
    assert "the last run of notes's timer tick failed" in status.output
    host.shell(f"touch {SHARED}/data/good")
    wait_for(lambda: fab("status").code == 0)

    # Its home goes with its data only.
    fab("remove", "notes", "--yes").must_succeed()
    assert host.shell("ls -A /srv/notes").split() == ["home", "shared"]
    fab("remove", "notes", "--data", "--yes").must_succeed()
    assert host.shell("ls -d /srv/notes 2>/dev/null || true") == ""
