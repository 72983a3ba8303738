"""Each app server has what the first one has: the switch, the drain, the gate, and the way back."""

from __future__ import annotations

import fnmatch
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.lab import Lab, LabHost
from tests.e2e.project import FEW_WORKERS, Project
from tests.e2e.site import Site
from tests.e2e.steps import (
    deploy_change,
    lift_rate_limit,
    live_on,
    must_run_only,
    rollback,
    wait_for,
)
from tests.e2e.visitors import visitors
from tests.suites import BOTH, FIRST_BOOKWORM

pytestmark = pytest.mark.lab

SERVERS = ["uwsgi", pytest.param("waitress", marks=pytest.mark.thorough)]
"""Besides gunicorn, which all other tests use."""

SETTINGS = {
    "gunicorn": "python -c 'from gunicorn.config import KNOWN_SETTINGS as all\n"
    "print(*(s.name for s in all))'",
    "uvicorn": "python -c 'import inspect, uvicorn\n"
    "print(*list(inspect.signature(uvicorn.Config).parameters))'",
    "uwsgi": r"uwsgi --help | sed -nE 's/^ +(-.\|)?--([^ ]+).*/\2/p'",
    "waitress": "python -c 'from waitress.adjustments import Adjustments as all\n"
    "print(*(name for name, _ in all._params))'",
}
"""What prints the names of all settings that a server has: a line of shell in its virtualenv."""

SLOW = 4
"""Requests that are under way when the server is stopped; there are as many threads."""

BODY_BYTES = 5_000_000
"""More than any buffer between the web server and the app server holds."""

UPLOADS, LARGEST = 16, 9_000_000
"""So many, because only some of them failed; less than `max_body`."""


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
@pytest.mark.parametrize("server", SERVERS)
def test_no_request_is_lost_between_servers_nor_when_one_ends(
    lab: Lab, project: Project, deployed_host, suite, server
):
    host = deployed_host(suite)
    site = Site(lab, host)
    lift_rate_limit(project, host)
    first = live_on(host)
    project.configure(FEW_WORKERS, f'server = "{server}"\n')
    with visitors(lab, host) as visits:
        second = deploy_change(project, host)
        assert rollback(project, host) == first
        assert rollback(project, host, "--to", second) == second
        third = deploy_change(project, host)
    visits.must_have_lost_nothing()
    assert visits.releases == {first, second, third}
    must_run_only(host, third)
    unit = f"hello@{third}.service"

    # Who is asking, and how, arrives as the web server says it.
    page = site.get("/", headers={"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "http"})
    assert page.status == 200
    assert b"Secure and live" in page.body
    assert b"192.0.2.66" not in page.body

    # A body that the app does not read is no reason to break off.
    assert site.get("/", method="POST", body=b"x" * BODY_BYTES).status == 405

    # A restart lets what is under way finish; what comes meanwhile waits for the next one.
    before = _main_process(host, unit)
    with ThreadPoolExecutor(SLOW) as pool:
        slow = [pool.submit(site.get, "/slow?seconds=2") for _ in range(SLOW)]
        wait_for(lambda: _under_way(host, third) >= SLOW)
        host.shell(f"systemctl restart --no-block {unit}")
        assert site.get("/").status == 200
        assert [each.result().status for each in slow] == [200] * SLOW
    wait_for(lambda: _main_process(host, unit) not in ("0", before))

    for name, release in (("gunicorn", first), (server, third)):
        must_be_all_settings(host, release, name)

    host.shell(f"systemctl kill -s KILL --kill-who=main {unit}")
    wait_for(lambda: site.get("/healthz").status == 200)
    assert host.shell(f"systemctl is-active {unit}").strip() == "active"

    # A release that cannot be imported is refused with its own words, and nobody sees it.
    code = project.app / "app" / "pages.py"
    text = code.read_text()
    code.write_text(f"{text}\nraise RuntimeError('out of order')\n")
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4
    assert "out of order" in refused.output
    assert live_on(host) == third
    code.write_text(text)

    host.reboot()
    wait_for(lambda: site.get("/healthz").status == 200)
    must_run_only(host, third)


@pytest.mark.thorough
@pytest.mark.parametrize("suite", BOTH)
def test_an_upload_that_an_app_of_gunicorn_does_not_read_gets_its_answer(
    lab: Lab, deployed_host, suite
):
    site = Site(lab, deployed_host(suite))
    statuses = [site.get("/", method="POST", body=b"x" * LARGEST).status for _ in range(UPLOADS)]
    assert statuses == [405] * UPLOADS


def must_be_all_settings(host: LabHost, release: str, server: str) -> None:
    """Fail unless each setting of a server may be given, or is refused with a reason."""
    programs = f"/srv/hello/releases/{release}/venv/bin"
    known = set(host.shell(f"PATH={programs}:$PATH; {SETTINGS[server]}").split())
    model = APP_SERVERS[server]
    assert model.key_names() <= known
    assert {name for name in known - model.key_names() if not model.why_refused(name)} == set()
    for each in model.refused:
        assert fnmatch.filter(known - model.key_names(), each), f"{each} is no setting of {server}"


def _main_process(host: LabHost, unit: str) -> str:
    return host.shell(f"systemctl show --value --property=MainPID {unit}").strip()


def _under_way(host: LabHost, release: str) -> int:
    """Return how many connections a release's server has taken."""
    return int(host.shell(f"grep -c ' 03 .*{release}.sock' /proc/net/unix || true") or 0)
