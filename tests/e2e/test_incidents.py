"""What a person does when an app was compromised: stop it, replace it, change its secrets."""

from __future__ import annotations

import json

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import (
    change_code,
    deploy_change,
    live_on,
    live_release,
    must_run_only,
    provision,
    rollback,
    wait_for,
)
from tests.suites import FIRST_TRIXIE

pytestmark = pytest.mark.lab


def processes(host: LabHost) -> list[str]:
    """Return the ids of the processes that run as the app's user."""
    return host.run("pgrep", "-u", "hello", check=False).stdout.split()


def secret(host: LabHost) -> str:
    """Return the SECRET_KEY of the live release."""
    text = host.shell("cat /srv/hello/current/env")
    [line] = [line for line in text.splitlines() if line.startswith("SECRET_KEY=")]
    return line.partition("=")[2][1:-1]


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_a_stopped_app_stays_stopped_until_it_is_started(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    before, live = live_on(host), deploy_change(project, host)
    site = Site(lab, host)

    project.fab("-H", host.name, "stop", "hello").must_succeed()
    assert site.get("/").status == 503
    assert processes(host) == []
    assert "stopped" in project.fab("-H", host.name, "releases").must_succeed().stdout
    assert "stopped" in project.fab("-H", host.name, "status").stdout
    # Neither a provision nor a boot takes it for something that was cut off.
    provision(project, host).must_succeed()
    host.reboot()
    assert site.get("/").status == 503
    assert processes(host) == []
    again = project.fab("-H", host.name, "stop", "hello").must_succeed()
    assert "hello is stopped" in again.stdout

    # What was stopped is not what a rollback goes back to.
    assert rollback(project, host) == before
    assert site.get("/").status == 200
    refused = project.fab("-H", host.name, "start", "hello")
    assert refused.code == 2
    assert "a release of it is live on" in refused.output

    project.fab("-H", host.name, "stop", "hello").must_succeed()
    assert live_release(project.fab("-H", host.name, "start", "hello").must_succeed()) == before
    assert site.get("/").status == 200
    must_run_only(host, before)
    assert live != before


def test_stopping_at_once_kills_what_runs_as_the_app_whatever_began_it(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "open('instance/there', 'w'); time.sleep(600)"
    )
    running = project.start("-H", host.name, "run", "hello", "--", "python", "-c", stubborn)
    there = "/srv/hello/shared/instance/there"
    wait_for(lambda: host.run("test", "-e", there, check=False).returncode == 0, running)
    project.fab("-H", host.name, "stop", "hello", "--now").must_succeed()
    running.communicate(timeout=60)
    assert running.returncode != 0
    assert processes(host) == []
    assert Site(lab, host).get("/").status == 503


def test_a_replacement_stops_the_release_before_and_is_built_anew(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    before = live_on(host)
    venv = host.shell("readlink -f /srv/hello/current/venv").strip()
    # A mark that a build from earlier downloads would bring along.
    cache = "/var/cache/private/homeport-build/app-hello"
    host.shell(
        f"find {cache} -path '*/flask/__init__.py' -exec sh -c 'echo POISON = 1 >> $1' - {{}} ';'"
    )
    assert host.shell(f"grep -rl POISON {cache}").strip()
    change_code(project)
    replaced = live_release(project.fab("-H", host.name, "deploy", "--replace").must_succeed())
    must_run_only(host, replaced)
    assert Site(lab, host).get("/").status == 200
    assert host.shell("readlink -f /srv/hello/current/venv").strip() != venv
    grep = f"grep -rl POISON {cache} /srv/hello/current/venv/"
    assert host.shell(f"{grep} || true").strip() == ""
    events = [
        (line["event"], line["release"])
        for line in map(json.loads, host.shell("cat /srv/hello/history.jsonl").splitlines())
    ]
    assert events.index(("stopped", before)) < events.index(("gated", replaced))

    # One that cannot run leaves nothing live, and says so; the way out is another release.
    project.edit("app/__init__.py", "import", "import nothing_of_that_name\nimport")
    refused = project.fab("-H", host.name, "deploy", "--replace")
    assert refused.code == 4
    assert "nothing_of_that_name" in refused.output
    assert Site(lab, host).get("/").status == 503
    assert processes(host) == []
    project.fab("-H", host.name, "start", "hello").must_succeed()
    must_run_only(host, replaced)


def test_secrets_get_new_values_that_stay(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    old = secret(host)
    rotated = live_release(
        project.fab("-H", host.name, "restart", "--rotate-secrets").must_succeed()
    )
    new = secret(host)
    assert new != old
    assert json.loads(host.shell("cat /srv/hello/secrets.json"))["SECRET_KEY"] == new
    must_run_only(host, rotated)
    deploy_change(project, host)
    assert secret(host) == new

    # A rotation that never goes live changes nothing for the releases to come.
    project.edit("app/__init__.py", "def create_app", "import os\n\n\ndef create_app")
    guard = f'assert os.environ["SECRET_KEY"] == {new!r}\n\n\ndef create_app'
    project.edit("app/__init__.py", "def create_app", guard)
    live = deploy_change(project, host)
    refused = project.fab("-H", host.name, "restart", "--rotate-secrets")
    assert refused.code == 4
    must_run_only(host, live)
    assert json.loads(host.shell("cat /srv/hello/secrets.json"))["SECRET_KEY"] == new
    for text in (refused.output,):
        assert new not in text
