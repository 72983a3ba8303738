"""Runs that were cut off: what they changed and did not act upon, the next run acts upon."""

from __future__ import annotations

import random
import time

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import ROOT, Project, Result
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    add_watched_role,
    agents,
    change_code,
    deploy,
    hold,
    kill_agents,
    killed,
    left_behind,
    let_go,
    live_on,
    must_run_only,
    provision,
    wait_for,
    wait_until_held,
)
from tests.e2e.visitors import visitors

pytestmark = pytest.mark.lab

SEED = 20260
KILLS = 4


def _loaded(host: LabHost) -> str:
    return host.shell("cat /var/lib/watched.loaded").strip()


def _converged(project: Project, host: LabHost) -> Result:
    """Run until the end, then once more: that must change nothing."""
    first = provision(project, host, "--json").must_succeed()
    second = provision(project, host, "--json").must_succeed()
    assert second.changed(host.name) == []
    assert left_behind(host) == []
    return first


def test_an_agent_killed_between_a_file_and_its_service_loses_no_restart(
    project: Project, provisioned_host
):
    host = provisioned_host()
    add_watched_role(project, "before")
    provision(project, host).must_succeed()
    assert _loaded(host) == "before"
    add_watched_role(project, "after")
    hold(host)
    running = project.start("-H", host.name, "provision")
    wait_until_held(host, running)
    kill_agents(host)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 1, stdout + stderr
    assert "unknown" in stdout + stderr
    assert "try: " in stdout + stderr
    # The file is there, and its service has not seen it.
    assert host.shell("cat /etc/watched.conf").strip() == "after"
    assert _loaded(host) == "before"
    let_go(host)
    assert "service:watched" in _converged(project, host).changed(host.name)
    assert _loaded(host) == "after"


def test_a_controller_killed_between_a_file_and_its_service_loses_no_restart(
    project: Project, provisioned_host
):
    host = provisioned_host()
    add_watched_role(project, "before")
    provision(project, host).must_succeed()
    add_watched_role(project, "after")
    hold(host)
    running = project.start("-H", host.name, "provision")
    wait_until_held(host, running)
    killed(running)
    # The agent ends what it is at, and only that. Until then nobody else may begin.
    second = provision(project, host)
    assert second.code == 1
    assert "another run is in progress on this host" in second.output
    let_go(host)
    wait_for(lambda: not agents(host))
    assert _loaded(host) == "before"
    assert "service:watched" in _converged(project, host).changed(host.name)
    assert _loaded(host) == "after"


def test_nginx_reloads_what_a_killed_run_has_written(project: Project, deployed_host, lab: Lab):
    host = deployed_host()
    provision(project, host).must_succeed()
    site = Site(lab, host)
    template = project.directory / "templates" / "nginx" / "homeport" / "server.conf.j2"
    template.parent.mkdir(parents=True)
    text = (ROOT / "templates" / "nginx" / "homeport" / "server.conf.j2").read_text()
    template.write_text(text.replace("server_tokens off;", "server_tokens on;"))
    # systemctl waits on the host as long as we want: the agent is at nginx's reload.
    host.shell(
        "cat > /usr/local/bin/systemctl <<'END'\n"
        "#!/bin/sh\n"
        'case "$1" in reload*) echo $$ >/run/held; touch /run/at-the-step; '
        "while test -e /run/hold; do sleep 0.05; done;; esac\n"
        'exec /usr/bin/systemctl "$@"\n'
        "END\n"
        "chmod 755 /usr/local/bin/systemctl"
    )
    hold(host)
    running = project.start("-H", host.name, "provision")
    wait_until_held(host, running)
    kill_agents(host)
    running.communicate(timeout=60)
    host.shell("kill -KILL $(cat /run/held); rm /usr/local/bin/systemctl")
    let_go(host)
    assert "server_tokens on" in host.shell("cat /etc/nginx/homeport/server.conf")
    assert site.get("/nowhere").headers["server"] == "nginx"
    changed = _converged(project, host).changed(host.name)
    assert "service:nginx" in changed
    assert "file-set:nginx" not in changed
    wait_for(lambda: site.get("/nowhere").headers["server"].startswith("nginx/"))


def test_a_package_installation_that_was_cut_off_is_completed(project: Project, provisioned_host):
    host = provisioned_host()
    host.shell(
        "cd /tmp && apt-get -qq update && apt-get -qq download htop && dpkg --unpack htop_*.deb"
    )
    assert "unpacked" in host.shell("dpkg-query --show --showformat='${db:Status-Status}' htop")
    project.configure('groups = ["web"]\n', 'groups = ["web"]\npackages = ["htop", "tree"]\n')
    _converged(project, host)
    shown = host.shell("dpkg-query --show --showformat='${db:Status-Status}\\n' htop tree")
    assert shown.split() == ["installed", "installed"]
    assert host.shell("dpkg --audit") == ""


@pytest.mark.thorough
def test_a_bare_host_whose_runs_are_killed_at_random_moments_converges(
    lab: Lab, project: Project, bare_host
):
    host = bare_host("bookworm")
    lead_domains_to(lab, host)
    # One was killed between Python and its library.
    host.shell(
        "cd /tmp && apt-get -qq update && apt-get -qq download"
        " python3-minimal python3.11-minimal libpython3.11-minimal"
        " && dpkg --unpack libpython3* && dpkg --unpack python3.11* && dpkg --configure -a"
        " && dpkg --unpack python3-*; rm *.deb"
    )
    assert "No module named" in host.run("python3", "-c", "import json", check=False).stderr
    moments = random.Random(SEED)
    for number in range(KILLS):
        running = project.start("-H", host.name, "provision", "--json")
        time.sleep(moments.uniform(0.5, 9))
        if number % 2 and agents(host):
            kill_agents(host)
            running.communicate(timeout=120)
        elif number % 2:
            killed(running)
        else:
            killed(running)
            host.power_cut()
            host.boot()
        wait_for(lambda: not agents(host))
    _converged(project, host)
    must_run_only(host, deploy(project, host))
    assert Site(lab, host).get("/").status == 200


def test_deploys_that_are_killed_at_random_moments_lose_nothing(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    project.configure('csp = "strict"\n', 'csp = "strict"\nrate_limit = "off"\n')
    provision(project, host).must_succeed()
    before = live_on(host)
    seen = {before}
    moments = random.Random(SEED)
    with visitors(lab, host) as visits:
        for number in range(KILLS):
            change_code(project)
            running = project.start("-H", host.name, "deploy")
            time.sleep(moments.uniform(0.6, 4))
            if number % 2 and agents(host):
                kill_agents(host)
                running.communicate(timeout=120)
            else:
                killed(running)
            wait_for(lambda: not agents(host))
            seen.add(live_on(host))
        last = deploy(project, host)
    visits.must_have_lost_nothing()
    # Only releases that went live, each whole, were seen by anybody.
    assert visits.releases <= {*seen, last}
    must_run_only(host, last)
    _converged(project, host)
