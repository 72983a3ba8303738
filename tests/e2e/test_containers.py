"""An app in a container: from a bare host to HTTPS, and all that apps in virtualenvs have."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.containers import BUILDS, give_base_image, use_container
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    NO_LIMIT,
    deploy,
    deploy_change,
    live_on,
    must_run_only,
    provision,
    rollback,
    wait_for,
)
from tests.e2e.visitors import visitors
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough, pytest.mark.timeout(2400)]

EXPOSURE = 1.3
"""Of `systemd-analyze security`, as for apps in virtualenvs: see test_scores.py."""

REFUSED = 4

PROCESS = """
[apps.hello.processes]
worker = "python3 -c 'import time; print(\\"at work\\", flush=True); time.sleep(9999)'"
"""


@pytest.mark.parametrize("suite", BOTH)
def test_a_container_has_all_that_a_virtualenv_has(lab: Lab, project: Project, bare_host, suite):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    use_container(project)
    project.configure(*NO_LIMIT)
    project.inventory.write_text(project.inventory.read_text() + PROCESS)
    provision(project, host).must_succeed()
    again = provision(project, host, "--json").must_succeed()
    assert again.changed(host.name) == []
    assert "uv" not in host.shell("ls /opt/homeport")
    give_base_image(host)
    first = deploy(project, host)
    site = Site(lab, host)
    assert b"Secure and live" in site.get("/").body
    _must_be_confined(project, host, first)

    # Each change of the code is a new image; nobody notices the switch, there and back.
    with visitors(lab, host) as visits:
        second = deploy_change(project, host)
        assert rollback(project, host) == first
        third = deploy_change(project, host)
    visits.must_have_lost_nothing()
    assert visits.releases == {first, second, third}
    must_run_only(host, third)
    assert host.shell("ls /srv/hello/images").count("\n") == 3

    # A restart has the same image; a kill loses nothing that waits.
    restarted = project.fab("-H", host.name, "restart").must_succeed()
    assert live_on(host) in restarted.stdout
    assert host.shell("ls /srv/hello/images").count("\n") == 3
    unit = f"hello@{live_on(host)}.service"
    before = host.shell(f"systemctl show --value -p MainPID {unit}")
    host.shell(f"kill -9 {before}")
    assert site.get("/").status == 200
    wait_for(lambda: host.shell(f"systemctl show --value -p MainPID {unit}") not in ("0\n", before))

    _must_refuse(project, host)
    _must_prune(project, host)


def _must_be_confined(project: Project, host: LabHost, release: str) -> None:
    """What runs sees its image, as the app's user, and may write only what is shared."""
    ask = "id -un; pwd; test -w /app && echo writes /app; "
    ask += "touch instance/here && echo writes instance; ls /srv; whoami; echo $HOME; "
    ask += "mkdir -p $XDG_CACHE_HOME/x && echo $XDG_CACHE_HOME"
    said = project.fab("-H", host.name, "run", "hello", "--", "sh", "-c", ask).must_succeed().stdout
    # Of /srv it sees its own home, where its caches go, and its name.
    seen = [
        "hello",
        "/app",
        "writes instance",
        "hello",
        "hello",
        "/home/app",
        "/srv/hello/home/.cache",
    ]
    assert said.split("\n")[:7] == seen
    assert host.shell("ls /srv/hello/shared/instance/here")
    log = host.shell(f"journalctl --no-pager -o cat -u hello.worker.1@{release}.service")
    assert "at work" in log
    # What was built belongs to root, and nobody else may change it.
    images = "/srv/hello/images"
    assert host.shell(f"find {images} ! -user root -o -perm /6000 -o -perm -2 ! -type l") == ""
    assert host.shell(f"find {images} -type b -o -type c -o -type p -o -type s") == ""
    score = host.shell(f"systemd-analyze security --no-pager hello@{release}.service | tail -1")
    assert float(score.split(":")[1].split()[0]) <= EXPOSURE, score


def _must_refuse(project: Project, host: LabHost) -> None:
    """What cannot be built or started never sees a visitor, and leaves nothing behind."""
    live, images = live_on(host), host.shell("ls /srv/hello/images")
    for old, new, words in (
        ("USER app", "RUN exit 7", "exit status 7"),
        ("USER app", "USER nobody-knows", "there is no user nobody-knows in it"),
        ("USER app", "ENV LD_PRELOAD=/x.so", "it sets LD_PRELOAD"),
        ("serve:app", "gone:app", "No module named 'gone'"),
        ("/opt/venv /opt/venv", "/etc /opt/venv", "was refused"),
    ):
        project.edit("Dockerfile", old, new)
        refused = project.fab("-H", host.name, "deploy")
        project.edit("Dockerfile", new, old)
        assert refused.code == REFUSED, refused.output
        assert words in refused.output, refused.output
        assert live_on(host) == live
    assert set(host.shell("ls /srv/hello/images").split()) >= set(images.split())
    assert host.shell(f"ls -A {BUILDS}/image-hello/tmp") == ""


def _must_prune(project: Project, host: LabHost) -> None:
    project.configure("migrate_compatible", "keep_releases = 2\nmigrate_compatible")
    deploy_change(project, host)
    assert host.shell("ls /srv/hello/images").count("\n") == 2
