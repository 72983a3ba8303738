"""A deploy goes on without whoever began it, and can be watched by others."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from provisioning.lab import LabHost
from tests.e2e.hooks import TELL, add_hooks, hook, on_host, ran_here
from tests.e2e.project import Project, Result
from tests.e2e.steps import (
    MIGRATION_THAT_WAITS,
    PATIENCE_S,
    Step,
    agents,
    change_code,
    deploy,
    kill_agents,
    killed,
    live_on,
    must_run_only,
    only,
    provision,
    wait_for,
)
from tests.e2e.through_proxy import through_proxy

pytestmark = pytest.mark.lab

PAUSE_S = 5
"""Between the switches of two hosts: long enough to stop a controller in it."""

Held = tuple[LabHost, Step, str]


@pytest.fixture
def held(project: Project, deployed_host: Callable[..., LabHost]) -> Held:
    """A host whose next deploys wait at their migration, and the release that is live there."""
    host = deployed_host()
    project.configure('migrate = "flask --app app init-db"\n', MIGRATION_THAT_WAITS)
    change_code(project)
    return host, Step(host), live_on(host)


def scope_of(host: LabHost, process: int) -> str:
    """Return the unit that a process belongs to."""
    return host.shell(f"cat /proc/{process}/cgroup").strip().rpartition("/")[2]


def scopes(host: LabHost) -> set[str]:
    """Return the units of runs in the background."""
    shown = host.shell("systemctl list-units --plain --no-legend 'homeport-run-*'")
    return {line.split()[0] for line in shown.splitlines()}


def one_offs(host: LabHost, label: str) -> list[str]:
    """Return the units of the app's imports or migrations that systemd knows of."""
    shown = host.shell(f"systemctl list-units --all --plain --no-legend 'hello-{label}-*'")
    return [line.split()[0] for line in shown.splitlines()]


def hear(process: subprocess.Popen, wanted: Callable[[dict], bool]) -> list[dict]:
    """Return what a command with `--json` says, up to an event; it must not end before."""
    heard: list[dict] = []
    assert process.stdout is not None
    while not heard or not wanted(heard[-1]):
        heard.append(json.loads(process.stdout.readline()))
    return heard


def last_run(host: LabHost) -> list[dict]:
    """Return the lines of the newest journal."""
    text = host.shell("cat $(ls -d /var/lib/homeport/runs/* | tail -n 1)")
    return [json.loads(line) for line in text.splitlines()]


def test_a_deploy_goes_on_when_its_controller_is_killed(project: Project, held: Held):
    host, step, before = held
    step.hold()
    running = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, running)
    [scope] = {scope_of(host, each) for each in agents(host)} & scopes(host)
    killed(running)
    wait_for(lambda: len(agents(host)) == 1)
    assert live_on(host) == before
    step.let_go()
    wait_for(lambda: not agents(host))
    after = live_on(host)
    assert after != before
    must_run_only(host, after)
    begun, *said = last_run(host)
    assert begun["what"] == f"deploy of hello {after}"
    assert scope == f"homeport-run-{begun['run']}.scope"
    assert said[-1]["event"] == "done"
    assert not said[-1].get("failed")
    # Nothing was left for the next command.
    quiet = provision(project, host, "--json").must_succeed()
    assert quiet.changed(host.name) == []
    assert not [event for event in quiet.events if event["event"] == "note"]


def test_a_controller_that_lost_its_connection_comes_back(project: Project, held: Held):
    host, step, before = held
    step.hold()
    running = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, running)
    host.shell("pkill -KILL -f '^sshd: root@'; true")
    wait_for(lambda: len(agents(host)) == 2, running)
    step.let_go()
    stdout, stderr = running.communicate(timeout=120)
    result = Result(running.returncode, stdout, stderr).must_succeed()
    assert "connection lost; the run continues on the host" in result.output
    assert f"hello {live_on(host)} is live" in result.output
    assert live_on(host) != before
    must_run_only(host, live_on(host))


def test_a_second_deploy_watches_the_one_under_way(project: Project, held: Held):
    host, step, before = held
    step.hold()
    first = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, first)
    second = project.start("-H", host.name, "deploy", "--json")
    heard = hear(second, lambda event: event.get("id", "").startswith("release:"))
    third = project.start("-H", host.name, "rollback", "--json")
    hear(third, lambda event: "following it" in event.get("text", ""))
    step.let_go()
    stdout, stderr = second.communicate(timeout=120)
    heard += Result(second.returncode, stdout, stderr).events
    assert second.returncode == 0, stdout + stderr
    Result(0, *first.communicate(timeout=120))
    assert first.returncode == 0
    notes = [event["text"] for event in heard if event["event"] == "note"]
    # Others of the app's hosts are left out here, and said to be.
    [note] = [text for text in notes if "stays as it was on" not in text]
    assert f"deploy of hello {live_on(host)} by " in note
    assert "following it" in note
    # It is no rollback that the third has watched.
    stdout, stderr = third.communicate(timeout=120)
    assert third.returncode == 4, stdout + stderr
    assert "the rollback of hello was not done: deploy of hello" in stdout + stderr
    # It heard all of it, the switch included, and made no release of its own.
    assert "live-release:hello" in [each["id"] for each in heard if each["event"] == "finished"]
    assert len(host.shell("ls /srv/hello/releases").split()) == 2
    must_run_only(host, live_on(host))
    assert live_on(host) != before


def test_a_provision_is_told_who_is_at_work(project: Project, held: Held):
    host, step, _ = held
    step.hold()
    first = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, first)
    told = provision(project, host)
    assert told.code == 1
    assert "another run is in progress on this host: deploy of hello" in told.output
    step.let_go()
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_a_run_that_is_killed_is_said_and_its_migration_waited_for(project: Project, held: Held):
    host, step, before = held
    step.hold()
    running = project.start("-H", host.name, "deploy")
    wait_for(step.is_reached, running)
    kill_agents(host)
    stdout, stderr = running.communicate(timeout=180)
    assert running.returncode in (1, 3), stdout + stderr
    assert "Traceback" not in stdout + stderr
    assert live_on(host) == before
    step.forget()
    again = project.start("-H", host.name, "deploy", "--json")
    heard = hear(again, lambda event: "a migration of an earlier run" in event.get("text", ""))
    assert "the previous run was interrupted at one-off:hello/" in only(heard, "note")["text"]
    # It goes on, and no second one has begun beside it.
    assert len(one_offs(host, "migrate")) == 1
    assert not step.is_reached()
    step.let_go()
    stdout, stderr = again.communicate(timeout=120)
    assert again.returncode == 0, stdout + stderr
    # Both have come to their end, though nobody hears any more what the first one prints.
    assert host.shell("cat /srv/hello/shared/instance/migrated").split() == ["printed", "printed"]
    assert live_on(host) != before
    must_run_only(host, live_on(host))
    assert "was interrupted" not in provision(project, host).must_succeed().output


NEVER_LIVE = "20260102T030405.000Z-abc1234"
SLEEPS = "\nimport time\n\ntime.sleep(3600)\n"


def test_a_provision_puts_in_order_what_a_killed_deploy_has_left(project: Project, deployed_host):
    host = deployed_host()
    live = live_on(host)
    pages = project.app / "app" / "pages.py"
    good = pages.read_text()
    pages.write_text(good + SLEEPS)
    project.commit("an import that takes for ever")
    running = project.start("-H", host.name, "deploy")
    wait_for(lambda: len(one_offs(host, "import")) == 1, running)
    kill_agents(host)
    running.communicate(timeout=180)
    [orphan] = one_offs(host, "import")
    # As if it had come further, and others had been cut off before.
    host.shell(
        "cd /srv/hello; "
        f"cp -a releases/{live} releases/{NEVER_LIVE}; "
        f"sed -i 's/{live}/{NEVER_LIVE}/g' releases/{NEVER_LIVE}/server.py; "
        f"cd releases/{NEVER_LIVE}/units; "
        f"for kind in socket service; do sed -i 's/{live}/{NEVER_LIVE}/g' hello@{live}.$kind; "
        f"mv hello@{live}.$kind hello@{NEVER_LIVE}.$kind; "
        f"cp hello@{NEVER_LIVE}.$kind /run/systemd/system/; done; cd /srv/hello; "
        f"systemctl start hello@{NEVER_LIVE}; systemctl stop hello@{live}.socket hello@{live}; "
        f"mkdir -p releases/{live}.part/code venvs/0123456789abcdef/bin; "
        "touch .live.sock.homeport-new env/.1.homeport-new static/.a.css.homeport-new "
        f"/run/homeport-sockets/hello/{NEVER_LIVE.replace('abc', 'def')}.sock"
    )
    told = project.fab("-H", host.name, "status").output
    for words in (
        f"{orphan} of an earlier run is still running",
        f"hello@{NEVER_LIVE}.service is active",
        "the live release is not running",
        f"releases/{live}.part is half built",
        "venvs/0123456789abcdef is half built",
        "/srv/hello/.live.sock.homeport-new is left over",
    ):
        assert words in told
    check = provision(project, host, "--check", "--exit-code", "--json")
    assert check.code == 5
    assert check.changed(host.name) == [
        "leftover-programs:hello",
        "old-releases:hello",
        "live-processes:hello",
    ]
    run = provision(project, host, "--json").must_succeed()
    assert run.changed(host.name) == check.changed(host.name)
    must_run_only(host, live)
    assert one_offs(host, "import") == []
    host.shell("test ! -e /srv/hello/venvs/0123456789abcdef")
    wait_for(lambda: not scopes(host))
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []

    # A live release that cannot run is said by a provision, and is not in the way of a deploy.
    host.shell(
        f"cd /srv/hello/releases/{live}/code/app; "
        "echo 'raise RuntimeError(\"the fleet is ill\")' > pages.py; "
        f"systemctl stop hello@{live}"
    )
    refused = provision(project, host)
    assert refused.code == 1, refused.output
    assert f"the live release of hello, {live}, does not start" in refused.output
    assert "the fleet is ill" in refused.output
    pages.write_text(good)
    must_run_only(host, deploy(project, host))


@pytest.mark.thorough
def test_hosts_end_on_what_they_had_when_one_of_them_refuses_at_the_switch(
    project: Project, deployed_host
):
    hosts = [deployed_host("bookworm"), deployed_host("trixie")]
    before = {host.name: live_on(host) for host in hosts}
    project.configure('csp = "strict"\n', 'csp = "strict"\nbatch = 1\n')
    names = ",".join(before)
    shown = project.fab("-H", names, "status").must_succeed()
    assert "hello is not on one release: " in shown.output
    assert all(f"{release} on {name}" in shown.output for name, release in before.items())
    add_hooks(
        project,
        hook("before-switch", TELL),
        on_host("before-switch", "touch instance/may-switch"),
        on_host("after-switch", "echo $HOMEPORT_RELEASE >> instance/seen", "once = true"),
        hook("after-switch", TELL),
        hook("after-failure", TELL),
    )
    # They were made one by one, each with a secret of its own.
    hosts[1].shell("rm /srv/hello/secrets.json")
    # Visitors of the second host cannot be served: only its switch finds that out.
    hosts[1].shell("systemctl stop nginx")
    change_code(project)
    refused = project.fab("-H", names, "deploy", timeout_s=300)
    assert refused.code == 4, refused.output
    assert f"reverted: the deploy failed on {hosts[1].name}" in refused.output
    # One host was switched, and no hook has taken that for the end.
    assert ran_here(refused.output) == ["before-switch", "after-failure"]
    shared = "/srv/hello/shared/instance"
    for host in hosts:
        wait_for(lambda host=host: not agents(host))
        must_run_only(host, before[host.name])
        host.shell(f"rm {shared}/may-switch && test ! -e {shared}/seen")
    hosts[1].shell("systemctl start nginx")
    result = project.fab("-H", names, "deploy").must_succeed()
    live = {live_on(host) for host in hosts}
    assert len(live) == 1, result.output
    assert ran_here(result.output) == ["before-switch", "after-switch"]
    assert hosts[0].shell(f"cat {shared}/seen").split() == list(live)
    hosts[1].shell(f"test -e {shared}/may-switch && test ! -e {shared}/seen")
    for host in hosts:
        wait_for(lambda host=host: not agents(host))
        must_run_only(host, *live)
    back = project.fab("-H", names, "rollback")
    # They never had a release in common before.
    assert back.code == 2
    assert "different releases were live on the hosts before" in back.output
    change_code(project)
    project.fab("-H", names, "deploy").must_succeed()
    project.fab("-H", names, "rollback").must_succeed()
    assert {live_on(host) for host in hosts} == live
    assert "is not on one release" not in project.fab("-H", names, "status").output
    # A host that is left out is named, and the next deploy brings it up.
    change_code(project)
    part = project.fab("-H", hosts[0].name, "deploy").must_succeed()
    assert re.search(rf"hello stays as it was on .*{hosts[1].name}", part.output)
    assert live_on(hosts[0]) != live_on(hosts[1])
    # One id for both would hide what they differ in.
    kept = project.fab("-H", names, "restart")
    assert kept.code == 4
    assert "hello is not on one release: " in kept.output
    part = project.fab("-H", hosts[0].name, "restart").must_succeed()
    assert re.search(rf"hello stays as it was on .*{hosts[1].name}", part.output)
    project.fab("-H", names, "deploy").must_succeed()
    assert len({live_on(host) for host in hosts}) == 1


def test_hosts_whose_controller_sleeps_between_two_switches_end_on_what_they_had(
    project: Project, deployed_host
):
    hosts = [deployed_host("bookworm"), deployed_host("trixie")]
    before = {host.name: live_on(host) for host in hosts}
    names = ",".join(before)
    # They were made one by one, each with a secret of its own.
    hosts[1].shell("rm /srv/hello/secrets.json")
    project.configure('csp = "strict"\n', f'csp = "strict"\nbatch = 1\npause_s = {PAUSE_S}\n')
    change_code(project)
    running = project.start("-H", names, "deploy")
    try:
        wait_for(lambda: {host.name: live_on(host) for host in hosts} != before, running)
        running.send_signal(signal.SIGSTOP)
        for host in hosts:
            wait_for(lambda host=host: not agents(host))
            must_run_only(host, before[host.name])
    finally:
        running.send_signal(signal.SIGCONT)
    stdout, stderr = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 1, stdout + stderr
    assert "it heard nothing from the controller for too long" in stdout
    assert "2 hosts: 2 failed" in stdout
    for host in hosts:
        wait_for(lambda host=host: not agents(host))
        must_run_only(host, before[host.name])
    project.fab("-H", names, "deploy").must_succeed()
    assert len({live_on(host) for host in hosts}) == 1


def test_a_connection_that_is_lost_while_its_host_waits_is_made_anew(
    project: Project, deployed_host
):
    hosts = [deployed_host("bookworm"), deployed_host("trixie")]
    before = live_on(hosts[0])
    # They were made one by one, each with a secret of its own.
    hosts[1].shell("rm /srv/hello/secrets.json")
    project.configure('csp = "strict"\n', f'csp = "strict"\nbatch = 1\npause_s = {PAUSE_S}\n')
    change_code(project)
    with through_proxy(project, hosts[0]) as proxy:
        running = project.start("-H", ",".join(host.name for host in hosts), "deploy")
        try:
            wait_for(lambda: live_on(hosts[0]) != before, running)
            proxy.cut()
            stdout, stderr = running.communicate(timeout=PATIENCE_S)
        finally:
            running.kill()
            running.communicate()
    assert running.returncode == 0, stdout + stderr
    assert "connection lost; the run continues on the host" in stdout
    assert len({live_on(host) for host in hosts}) == 1


def test_the_next_deploy_after_a_clean_one_says_nothing_of_it(project: Project, deployed_host):
    host = deployed_host()
    change_code(project)
    must_run_only(host, deploy(project, host))
    change_code(project)
    assert "was interrupted" not in project.fab("-H", host.name, "deploy").must_succeed().output
