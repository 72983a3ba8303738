"""Hooks on a real road: in order, told what there is to know, and able to stop a deploy."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.hooks import TELL, add_hooks, hook, marks, on_host
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import change_code, deploy, live_on, live_release, must_run_only, wait_for
from tests.hooks.receiver import OK, Receiver

pytestmark = pytest.mark.lab

SHARED = "/srv/hello/shared/instance"

TELL_ON_HOST = 'env > "instance/$HOMEPORT_STAGE" && id -un >> "instance/$HOMEPORT_STAGE"'


def told_on_host(host: LabHost, stage: str) -> dict[str, str]:
    lines = host.shell(f"cat {SHARED}/{stage}").splitlines()
    assert lines[-1] == "hello"
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_hooks_run_in_order_here_and_there_and_know_what_they_are_for(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    before = live_on(host)
    receiver = Receiver([OK])
    project.env |= {"DEPLOY_WEBHOOK_URL": receiver.url.reveal(), "no_proxy": "127.0.0.1"}
    project.configure('wsgi = "app:create_app()"\n',
                      'wsgi = "app:create_app()"\ninclude = ["app/static/dist"]\n')  # fmt: skip
    add_hooks(
        project,
        hook("before-build", f"mkdir app/static/dist; echo $HOMEPORT_COMMIT "
             f"> app/static/dist/commit.txt; echo to $DEPLOY_WEBHOOK_URL; {TELL}"),
        *(hook(at, TELL) for at in ("after-build", "before-migrate", "after-migrate",
          "before-switch", "after-switch", "before-rollback", "after-rollback", "after-failure")),
        *(on_host(at, TELL_ON_HOST) for at in ("before-migrate", "after-migrate", "before-switch",
          "after-switch", "before-rollback", "after-rollback")),
        on_host("after-switch", "echo it is damp; exit 3"),
        'at = "after-switch"\nwebhook = { env = "DEPLOY_WEBHOOK_URL" }\n',
    )  # fmt: skip
    try:
        project.commit("the same")
        result = project.fab("-H", host.name, "deploy").must_succeed()
        live = live_release(result)
        must_run_only(host, live)
        assert marks(result.stdout) == [
            "before-build",
            "after-build",
            "import on the host",
            "before-migrate",
            "before-migrate-hook-10 on the host",
            "migrate on the host",
            "after-migrate-hook-11 on the host",
            "after-migrate",
            "before-switch",
            "before-switch-hook-12 on the host",
            "after-switch-hook-13 on the host",
            "after-switch-hook-16 on the host",
            "after-switch",
        ]
        # After the switch, what fails is told, and nothing else.
        assert "warning: after-switch-hook-16 ended with exit status 3" in result.stdout
        assert "| it is damp" in result.stdout
        commit = project.git("rev-parse", "HEAD").strip()
        # What was built goes live, though git does not know it.
        assert Site(lab, host).get("/static/dist/commit.txt").body.decode().strip() == commit
        told = told_on_host(host, "after-switch")
        assert told["SECRET_KEY"]
        assert {name: value for name, value in told.items() if name.startswith("HOMEPORT_")} == {
            "HOMEPORT_APP": "hello",
            "HOMEPORT_BY": told["HOMEPORT_BY"],
            "HOMEPORT_COMMAND": "deploy",
            "HOMEPORT_COMMIT": commit,
            "HOMEPORT_ENVIRONMENT": "lab",
            "HOMEPORT_HOST": host.name,
            "HOMEPORT_HOSTS": host.name,
            "HOMEPORT_PREVIOUS": before,
            "HOMEPORT_RELEASE": live,
            "HOMEPORT_RESULT": "ok",
            "HOMEPORT_STAGE": "after-switch",
        }
        back = project.fab("-H", host.name, "rollback").must_succeed()
        assert live_release(back) == before
        assert marks(back.stdout) == [
            "before-rollback",
            "before-rollback-hook-14 on the host",
            "before-switch",
            "before-switch-hook-12 on the host",
            "after-switch-hook-13 on the host",
            "after-switch-hook-16 on the host",
            "after-rollback-hook-15 on the host",
            "after-switch",
            "after-rollback",
        ]
        assert told_on_host(host, "after-rollback")["HOMEPORT_COMMAND"] == "rollback"
        # Forth again: hooks on the host belong to the command, not to the release.
        assert "after-switch-hook-13" in project.fab("-H", host.name, "rollback").stdout
    finally:
        receiver.close()
    assert [(each["command"], each["release"], each["result"]) for each in receiver.messages] == [
        ("deploy", live, "ok"), ("rollback", before, "ok"), ("rollback", live, "ok"),
    ]  # fmt: skip
    assert "| to ***" in result.stdout
    assert "canary" not in result.output + back.output


def test_a_hook_that_fails_or_hangs_before_the_switch_leaves_the_release_that_was_there(
    project: Project, deployed_host
):
    host = deployed_host()
    before = live_on(host)
    hang = "touch instance/hung; setsid sleep 321 & sleep 321"
    for stopping, words in (
        (hook("before-build", "echo no tide; exit 7"), "ended with exit status 7"),
        (hook("before-migrate", "echo no tide; exit 7"), "ended with exit status 7"),
        (hook("before-switch", "echo no tide; exit 7"), "ended with exit status 7"),
        (hook("before-switch", "echo no tide; sleep 321", "timeout_s = 1"), "within 1 s"),
        (on_host("before-switch", "echo no tide $SECRET_KEY; exit 7"), "ended with exit status 7"),
        (on_host("before-switch", f"echo no tide; {hang}", "timeout_s = 2"), "within 2 s"),
    ):
        add_hooks(project, stopping, hook("after-failure", "echo told of $HOMEPORT_RESULT"))
        change_code(project)
        refused = project.fab("-H", host.name, "deploy")
        assert refused.code == 4, refused.output
        assert words in refused.output
        assert "no tide" in refused.output
        assert "| told of failed" in refused.output
        assert "is live" not in refused.output
        assert "Traceback" not in refused.output
        must_run_only(host, before)
    assert host.run("test", "-e", f"{SHARED}/hung", check=False).returncode == 0
    assert host.run("pgrep", "-f", "sleep 321", check=False).returncode == 1
    # A hook that is content lets the next one through.
    add_hooks(project, on_host("before-switch", 'test "${HOMEPORT_STAGE:-none}" = before-switch'))
    must_run_only(host, deploy(project, host))


def test_ctrl_c_ends_a_hook_and_the_release_that_was_ready(project: Project, deployed_host):
    host = deployed_host()
    before = live_on(host)
    at_work = project.directory / "at-work"
    add_hooks(
        project,
        hook("before-switch", f"echo $$ > {at_work}; while :; do sleep 0.1; done"),
        hook("after-failure", "echo told of it"),
    )
    change_code(project)
    running = project.start("-H", host.name, "deploy")
    try:
        wait_for(lambda: at_work.exists() and at_work.read_text().endswith("\n"), running)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=120)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130, stdout + stderr
    assert "Traceback" not in stdout + stderr
    assert "told of it" not in stdout
    assert not Path(f"/proc/{at_work.read_text().strip()}").exists()
    must_run_only(host, before)
