"""Apps that speak ASGI, from a bare host to HTTPS: with each framework and each server."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.lab import Lab, LabHost
from tests.e2e.project import FEW_WORKERS, Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import deploy, live_on, must_run_only, provision, rollback, wait_for
from tests.e2e.streams import CLAIMS, events, websocket
from tests.e2e.test_app_servers import must_be_all_settings
from tests.e2e.visitors import visitors
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

APPS = Path(__file__).with_name("asgi")
FRAMEWORKS = {
    "fastapi": "main:app",
    "starlette": "main:create_app()",
    "quart": "main:app",
    "django": "main:app",
}
SERVERS = [name for name in APP_SERVERS if "asgi" in APP_SERVERS[name].interfaces]

NGINX_QUIET_S = 60
"""Default of proxy_read_timeout. Source: nginx's documentation, ngx_http_proxy_module."""

BODY_BYTES = 9_000_000
"""More than any buffer between the web server and the app server holds, less than `max_body`."""

LARGE_POSTS = 8

INVENTORY = """\
[project]
name = "project"

[hosts.{host}]
user = "root"

[apps.hello]
source = "../app"
asgi = "{entry_point}"
server = "{server}"
{few_workers}
rate_limit = "off"
drain_timeout_s = 5
start_timeout_s = 20
domains = ["hello.lab", "www.hello.lab"]

[apps.hello.secrets]
SECRET_KEY = {{ generate = 32 }}

[tls]
method = "acme"
email = "ops@hello.lab"
directory_url = "lab"
"""

FAILING_LIFESPAN = """

_app = app


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no pool of connections"})
    else:
        await _app(scope, receive, send)
"""


class AsgiProject(Project):
    """A project with an app of one framework in place of the example app."""

    @classmethod
    def of(cls, project: Project, host: LabHost, framework: str, server: str) -> AsgiProject:
        """Return a project with an app that speaks ASGI, on a host."""
        made = cls(project.directory, project.lab)
        made.use(framework)
        made.inventory.write_text(
            INVENTORY.format(
                host=host.name,
                entry_point=FRAMEWORKS[framework],
                server=server,
                few_workers=FEW_WORKERS,
            )
        )
        return made

    @property
    def app(self) -> Path:
        return self.directory / "app"

    @property
    def main(self) -> Path:
        return self.app / "main.py"

    def use(self, framework: str) -> None:
        """Have the source of an app."""
        shutil.rmtree(self.app, ignore_errors=True)
        shutil.copytree(APPS / framework, self.app)

    def deploy_change(self, host: LabHost) -> str:
        self.main.write_text(self.main.read_text() + "# Changed.\n")
        return deploy(self, host)

    def refused(self, host: LabHost, text: str) -> str:
        """Deploy another text of the app, and return what is said while it is refused."""
        before, live = self.main.read_text(), live_on(host)
        self.main.write_text(text)
        refused = self.fab("-H", host.name, "deploy")
        self.main.write_text(before)
        assert refused.code == 4, refused.output
        must_run_only(host, live)
        return refused.output


@pytest.mark.parametrize("suite", BOTH)
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_app_comes_from_a_bare_host_to_https(
    lab: Lab, project: Project, bare_host, suite, server, framework
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    made = AsgiProject.of(project, host, framework, server)
    provision(made, host).must_succeed()
    deploy(made, host)
    again = provision(made, host, "--json").must_succeed()
    assert again.changed(host.name) == []

    site = Site(lab, host)
    for headers in ({}, CLAIMS):
        page = json.loads(site.get("/", headers=headers).body)
        assert page["url"] == "https://hello.lab/"
        assert page["client"] not in (None, "", CLAIMS["X-Forwarded-For"])
        assert (page["claims"], page["ready"]) == ({}, ["lifespan"])
        with websocket(site, "/say-again", headers) as talk:
            assert talk.recv() == "wss://hello.lab/say-again"
            talk.send("hello")
            assert talk.recv() == "hello"
    with events(site, "/events?quiet=1") as stream:
        # The first event comes while the stream is quiet.
        assert stream.readline() == b"data: first\n"
        assert stream.read() == b"\ndata: last\n\n"
    statuses = {
        site.get("/unread", method="POST", body=b"x" * BODY_BYTES).status
        for _ in range(LARGE_POSTS)
    }
    assert statuses == {405}


@pytest.mark.parametrize("suite", BOTH)
@pytest.mark.parametrize("server", SERVERS)
def test_no_request_is_lost_between_wsgi_and_asgi_nor_by_releases_that_fail(
    lab: Lab, project: Project, deployed_host, suite, server
):
    host = deployed_host(suite)
    made = AsgiProject.of(project, host, "fastapi", server)
    wsgi = live_on(host)
    provision(made, host).must_succeed()
    first = deploy(made, host)
    with visitors(lab, host) as visits:
        assert rollback(made, host) == wsgi
        assert rollback(made, host, "--to", first) == first
        second = made.deploy_change(host)
        text = made.main.read_text()
        said = made.refused(host, f"{text}\nraise RuntimeError('out of order')\n")
        assert "RuntimeError: out of order" in said
        assert "no pool of connections" in made.refused(host, text + FAILING_LIFESPAN)
        failing = text.replace('return {"release": RELEASE}', "raise KeyError('shelf')")
        assert "/healthz answered 500" in (said := made.refused(host, failing))
        assert "KeyError: 'shelf'" in said
        assert rollback(made, host) == first
        third = made.deploy_change(host)
    visits.must_have_lost_nothing()
    assert visits.releases == {wsgi, first, second, third}
    must_run_only(host, third)
    must_be_all_settings(host, third, server)


@pytest.mark.parametrize("suite", BOTH)
@pytest.mark.parametrize("server", SERVERS)
def test_killed_processes_lose_at_most_what_was_on_a_killed_worker(
    lab: Lab, project: Project, bare_host, suite, server
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    made = AsgiProject.of(project, host, "starlette", server)
    provision(made, host).must_succeed()
    live = deploy(made, host)
    unit = f"hello@{live}.service"
    site = Site(lab, host)
    with visitors(lab, host) as visits:
        for _ in range(3):
            before = _main(host, unit)
            host.shell(f"kill -KILL {before}")
            wait_for(lambda before=before: _main(host, unit) not in ("0", before))
    visits.must_have_lost_nothing()
    # Workers of main processes that are gone end by themselves.
    wait_for(lambda: len(_processes(host, live)) == 3)
    worker = next(each for each in _processes(host, live) if each != _main(host, unit))
    host.shell(f"kill -KILL {worker}")
    wait_for(lambda: len(set(_processes(host, live)) - {worker}) == 3)
    assert site.get("/").status == 200
    host.reboot()
    wait_for(lambda: site.get("/healthz").status == 200)
    must_run_only(host, live)


@pytest.mark.parametrize("suite", BOTH)
@pytest.mark.parametrize("server", SERVERS)
def test_streams_may_be_quiet_and_end_with_their_release(
    lab: Lab, project: Project, bare_host, suite, server
):
    host = bare_host(suite)
    lead_domains_to(lab, host, ("hello.lab", "www.hello.lab", "other.lab"))
    made = AsgiProject.of(project, host, "fastapi", server)
    other = INVENTORY.partition("[apps.hello]")[2].partition("[tls]")[0]
    made.configure(
        "[tls]\n",
        "[apps.other]"
        + other.format(entry_point="main:app", server=server, few_workers=FEW_WORKERS)
        .replace("hello", "other")
        .replace(', "www.other.lab"', "")
        + "\n[tls]\n",
    )
    if server == "uvicorn":
        # Uvicorn's pings are a sign of life, from which gunicorn's workers cannot be kept.
        secrets = "[apps.hello.secrets]"
        made.configure(secrets, f"[apps.hello.uvicorn]\nws_ping_interval = 86400\n\n{secrets}")
    provision(made, host).must_succeed()
    made.fab("-H", host.name, "deploy").must_succeed()
    site = Site(lab, host)
    quiet_s = NGINX_QUIET_S + 15
    with (
        websocket(site, "/say-again") as talk,
        events(site, f"/events?quiet={quiet_s}") as stream,
    ):
        talk.recv()
        assert stream.readline() == b"data: first\n"
        # Another app's deploy does not touch them.
        made.main.write_text(made.main.read_text() + "# Changed.\n")
        made.fab("-H", host.name, "deploy", "--app", "other").must_succeed()
        assert stream.read() == b"\ndata: last\n\n"
        talk.send("still there")
        assert talk.recv() == "still there"
    with (
        websocket(site, "/say-again") as talk,
        events(site, "/events?quiet=300") as stream,
    ):
        talk.recv()
        assert stream.readline() == b"data: first\n"
        ended = threading.Thread(target=listen, args=(talk,))
        ended.start()
        # The deploy of their own app ends them after its drain, and succeeds.
        made.fab("-H", host.name, "deploy", "--app", "hello").must_succeed()
        ended.join(30)
        assert (ended.is_alive(), talk.close_code) == (False, 1012)
    must_run_only(host, live_on(host))


def listen(talk: ClientConnection) -> None:
    """Return when a websocket is closed."""
    with contextlib.suppress(ConnectionClosed):
        for _ in talk:
            pass


def _main(host: LabHost, unit: str) -> str:
    return host.shell(f"systemctl show -P MainPID {unit}").strip()


def _processes(host: LabHost, release: str) -> list[str]:
    return host.run("pgrep", "-f", f"^[^ ]*python[^ ]* .*{release}", check=False).stdout.split()
