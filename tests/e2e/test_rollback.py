"""Going back: to which release, with what, and what stays."""

from __future__ import annotations

import hashlib
import re
import time

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import change_code, deploy, deploy_change, live_on, must_run_only, rollback

pytestmark = pytest.mark.lab

KEEP = 3


def _keep_releases(project: Project) -> None:
    project.configure("migrate_compatible = true\n",
                      f"migrate_compatible = true\nkeep_releases = {KEEP}\n")  # fmt: skip


def _releases(project: Project, host: LabHost) -> dict[str, str]:
    """Return release -> the line that `fab releases` has for it."""
    shown = project.fab("-H", host.name, "releases").must_succeed().stdout
    return {line.split()[0]: line for line in shown.splitlines() if re.match(r"\d{8}T", line)}


def _names(host: LabHost, directory: str) -> set[str]:
    return set(host.shell(f"ls {directory}").split())


def test_back_to_a_release_by_its_id_by_parts_of_it_and_twice_in_a_row(
    project: Project, deployed_host
):
    host = deployed_host()
    one = live_on(host)
    two = deploy_change(project, host)
    three = deploy_change(project, host)
    assert rollback(project, host, "--to", one) == one
    must_run_only(host, one)
    # The end of an id is its commit, the beginning its time.
    assert rollback(project, host, "--to", two[-7:]) == two
    assert rollback(project, host, "--to", three[: len("20260101T000000.000Z-")]) == three
    assert rollback(project, host) == two
    assert rollback(project, host) == three
    must_run_only(host, three)
    lines = _releases(project, host)
    assert set(lines) == {one, two, three}
    assert " live " in lines[three]
    assert " previous " in lines[two]
    for wrong, words in (("nosuch", "no such release"), ("2", "several releases match"),
                         (three, "is live already")):  # fmt: skip
        refused = project.fab("-H", host.name, "rollback", "--to", wrong)
        assert refused.code == 2, refused.output
        assert words in refused.output
        assert "try:" in refused.output
    must_run_only(host, three)


def test_pruning_keeps_what_is_wanted_and_all_that_it_needs(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    _keep_releases(project)
    site = Site(lab, host)
    requirements = project.app / "requirements.txt"
    pages, statics = [live_on(host)], []
    for number in range(KEEP + 1):
        # Another environment, another virtualenv, and an asset that its pages alone name.
        text = f"/* edition {number} */\n" * 100
        asset = f"edition.{hashlib.sha256(text.encode()).hexdigest()[:12]}.css"
        for old in (project.app / "app" / "static").glob("edition.*"):
            old.unlink()
        (project.app / "app" / "static" / asset).write_text(text)
        requirements.write_text(requirements.read_text() + f"# {number}\n")
        inventory = re.sub(r"(?m)^EDITION.*\n", "", project.inventory.read_text())
        project.inventory.write_text(
            inventory.replace("[apps.hello.env]\n", f'[apps.hello.env]\nEDITION = "{number}"\n')
        )
        statics.append(asset)
        pages.append(deploy_change(project, host))
        # Pages of the release before are still open in browsers.
        for each in statics[-2:]:
            answer = site.get(f"/static/{each}")
            assert answer.status == 200
            assert "immutable" in answer.headers["cache-control"]
    kept = set(pages[-KEEP:])
    for directory in ("releases", "venvs", "env"):
        assert len(_names(host, f"/srv/hello/{directory}")) == KEEP, directory
    assert _names(host, "/srv/hello/releases") == kept
    # The compressed ones go and stay with their originals.
    assert {name.removesuffix(".gz") for name in _names(host, "/srv/hello/static/static")} >= set(
        statics[-KEEP:]
    )
    assert site.get(f"/static/{statics[0]}").status == 404
    lines = _releases(project, host)
    assert " pruned " in lines[pages[0]]
    refused = project.fab("-H", host.name, "rollback", "--to", pages[0])
    assert refused.code == 2, refused.output
    assert f"{pages[0]} was pruned" in refused.output
    for release in kept:
        assert release in refused.output
    # What is kept is whole: it still runs, with the environment that it had.
    oldest = pages[-KEEP]
    assert rollback(project, host, "--to", oldest) == oldest
    environment = host.shell(
        f"tr '\\0' '\\n' < /proc/$(systemctl show --value -p MainPID 'hello@{oldest}')/environ"
    )
    assert f"EDITION={KEEP + 1 - KEEP}" in environment.splitlines()
    assert f"HOMEPORT_RELEASE={oldest}" in environment.splitlines()
    assert site.get("/").status == 200
    must_run_only(host, oldest)


def test_what_is_shared_outlives_deploys_and_rollbacks(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    site = Site(lab, host)
    page = site.get("/")
    token = re.search(rb'name="form_token" value="([^"]+)"', page.body)
    assert token
    cookie = page.headers["set-cookie"].split(";")[0]
    body = b"form_token=" + token[1] + b"&name=Ada&message=Still+here"
    written = site.get("/guestbook", method="POST", body=body, headers={
        "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert written.status == 303
    host.shell("echo kept > /srv/hello/shared/instance/upload && ls -i /srv/hello/shared/instance")
    deploy_change(project, host)
    assert b"Still here" in site.get("/").body
    rollback(project, host)
    assert b"Still here" in site.get("/").body
    assert host.shell("cat /srv/hello/current/code/instance/upload") == "kept\n"


def test_a_migration_in_between_is_gone_back_over_by_force_only(project: Project, deployed_host):
    host = deployed_host()
    project.configure("migrate_compatible = true\n", "")
    one = live_on(host)
    two = deploy_change(project, host)
    refused = project.fab("-H", host.name, "rollback")
    assert refused.code == 4, refused.output
    assert "has migrated the database" in refused.output
    assert "nothing was done" in refused.output
    assert "try: fab rollback --force" in refused.output
    must_run_only(host, two)
    assert rollback(project, host, "--force") == one
    # Forward again is over no migration that the release would not know.
    assert rollback(project, host) == two


def test_releases_tells_what_became_of_each(project: Project, deployed_host):
    host = deployed_host()
    one = live_on(host)
    project.edit("app/__init__.py", "from __future__ import annotations\n",
                 "from __future__ import annotations\nraise RuntimeError\n")  # fmt: skip
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4
    failed = max(set(re.findall(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{7}", refused.output)))
    project.edit("app/__init__.py", "raise RuntimeError\n", "", commit=False)
    (project.app / "README.md").write_text("changed\n")
    two = deploy(project, host)
    lines = _releases(project, host)
    assert "failed at import" in lines[failed]
    assert " live " in lines[two]
    assert "dirty" in lines[two]
    assert " previous " in lines[one]
    commit = project.git("rev-parse", "HEAD")[:7]
    assert commit in lines[two]
    for line in lines.values():
        assert re.search(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}  \S+@\S+", line)


@pytest.mark.parametrize("how", ["reboot", "power cut"])
def test_after_a_boot_the_release_that_was_switched_to_runs_and_no_other(
    lab: Lab, project: Project, deployed_host, how
):
    host = deployed_host()
    before = live_on(host)
    # A visitor's slow request keeps the old release there while the new one is live already.
    change_code(project)
    slow = Site(lab, host).connection()
    slow.request("GET", "/slow?seconds=25", headers={"Host": "hello.lab"})
    deploying = project.start("-H", host.name, "deploy")
    try:
        while (after := live_on(host)) == before:
            assert deploying.poll() is None
            time.sleep(0.02)
        running = host.shell(
            "systemctl list-units --plain --no-legend --state=active 'hello@*.service'"
        )
        assert len(running.splitlines()) == 2, running
        if how == "reboot":
            host.reboot()
        else:
            host.power_cut()
            host.boot()
        must_run_only(host, after)
        assert Site(lab, host).get("/").status == 200
        stdout, stderr = deploying.communicate(timeout=120)
        assert deploying.returncode == 1, stdout + stderr
        assert "the host went down" in stdout + stderr, stdout + stderr
    finally:
        deploying.kill()
        deploying.communicate()
        slow.close()
    # The next run completes what was cut off, and the one after it has nothing to do.
    after = deploy_change(project, host)
    must_run_only(host, after)
    project.fab("-H", host.name, "provision").must_succeed()
    second = project.fab("-H", host.name, "provision", "--json").must_succeed()
    assert second.changed(host.name) == []
