"""Caddy in nginx's place: from a bare host, and from one server to the other and back."""

from __future__ import annotations

import json
import threading

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import deploy, deploy_change, lift_rate_limit, provision, rollback
from tests.e2e.streams import CLAIMS as SAID
from tests.e2e.streams import events, websocket
from tests.e2e.test_asgi import AsgiProject, listen
from tests.e2e.test_sites import NOBODY, add_apps, must_be_served_below_paths
from tests.e2e.visitors import visitors
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

CADDY = 'web_server = "caddy"\n'
CLAIMS = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-Prefix": "/evil",
    "X_Forwarded_Prefix": "/evil",
    "Forwarded": "for=192.0.2.66",
    "Remote-User": "root",
    "X-SSL-Client-Verify": "SUCCESS",
    "Proxy": "http://evil.example",
}
SEEN = """

@blueprint.get("/seen")
def seen() -> dict[str, str]:
    return dict(request.headers)
"""


def use_caddy(project: Project) -> None:
    project.configure("[apps.hello]\n", f"[apps.hello]\n{CADDY}")


def changes_nothing(project: Project, host: LabHost) -> bool:
    return provision(project, host, "--json").must_succeed().changed(host.name) == []


def what_the_app_sees(project: Project, host: LabHost, site: Site) -> dict[str, str]:
    file = project.app / "app" / "testing.py"
    file.write_text(file.read_text() + SEEN)
    project.commit("show headers")
    deploy(project, host)
    return json.loads(site.get("/seen", headers=CLAIMS).body)


@pytest.mark.parametrize("suite", BOTH)
def test_caddy_takes_a_bare_host_to_https(lab: Lab, project: Project, bare_host, suite):
    host = bare_host(suite)
    lead_domains_to(lab, host, ("hello.lab", "www.hello.lab"))
    use_caddy(project)
    provision(project, host).must_succeed()
    site = Site(lab, host)
    empty = site.get("/")
    assert (empty.status, empty.headers["retry-after"]) == (503, "30")
    assert empty.headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in empty.headers
    assert changes_nothing(project, host)
    assert host.shell("command -v certbot nginx || true").strip() == ""

    seen = what_the_app_sees(project, host, site)
    assert "192.0.2.66" not in seen["X-Forwarded-For"]
    assert (seen["X-Forwarded-Proto"], seen["X-Forwarded-Port"]) == ("https", "443")
    assert (seen["Host"], seen["X-Forwarded-Host"]) == ("hello.lab", "hello.lab")
    assert not {"X-Forwarded-Prefix", "Forwarded", "Remote-User", "X-Ssl-Client-Verify"} & set(seen)
    assert not [name for name in seen if "Proxy" in name or "_" in name]

    page = site.get("/")
    assert page.headers["strict-transport-security"] == "max-age=63072000"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "x-homeport-release" not in page.headers
    assert site.get("/.git/config").status == 404
    assert site.get("/static/none.css").status == 404
    assert site.get("/static/style.css").headers["cache-control"].startswith("public, max-age=")
    # Refused before the body is sent.
    too_large = {"Content-Length": str(10_485_760 + 1)}
    assert site.get("/upload", method="POST", headers=too_large).status == 413
    assert site.get("/x?y", tls=False).headers["location"] == "https://hello.lab/x?y"
    with pytest.raises(ConnectionError):
        site.get("/", tls=False, headers={"Host": "elsewhere.example"})
    with pytest.raises(OSError, match=r"(?i)alert"):
        Site(lab, host, "elsewhere.lab").get("/")

    project.fab("-H", host.name, "maintenance", "hello", "on", "--allow", "192.0.2.1")
    assert (site.get("/").status, site.get("/healthz").status) == (503, 503)
    project.fab("-H", host.name, "maintenance", "hello", "off").must_succeed()
    assert site.get("/").status == 200

    project.fab("-H", host.name, "remove", "hello", "--yes").must_succeed()
    assert host.shell("ls /etc/caddy/homeport/sites /etc/caddy/homeport/apps").split() == [
        "/etc/caddy/homeport/apps:",
        "/etc/caddy/homeport/sites:",
    ]


THEIRS = """
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y install caddy > /dev/null 2>&1
printf ':80 {\\n\\trespond "theirs"\\n}\\n' > /etc/caddy/Caddyfile
systemctl reload caddy
"""
LOOK = """
find /etc/caddy /etc/systemd/system -type f | sort | xargs sha256sum
systemctl show -P MainPID -P ActiveState -P UnitFileState caddy
"""


@pytest.mark.parametrize("suite", BOTH)
def test_a_caddyfile_of_others_is_refused_and_goes_on(lab: Lab, project: Project, bare_host, suite):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    host.shell(THEIRS)
    before = host.shell(LOOK)
    use_caddy(project)
    refused = provision(project, host)
    assert refused.code == 1
    assert "1 thing is in the way" in refused.output
    assert "--adopt /etc/caddy/Caddyfile" in refused.output
    assert host.shell(LOOK) == before
    theirs = Site(lab, host, "theirs.example").get("/", tls=False)
    assert (theirs.status, theirs.body) == (200, b"theirs")


QUIET_S = 75
"""Longer than Caddy lets idle connections be."""


@pytest.mark.parametrize("suite", BOTH)
def test_streams_are_passed_on_as_they_come_and_end_with_their_release(
    lab: Lab, project: Project, bare_host, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    made = AsgiProject.of(project, host, "fastapi", "gunicorn")
    use_caddy(made)
    provision(made, host).must_succeed()
    deploy(made, host)
    site = Site(lab, host)
    asked = {**SAID, "Accept-Encoding": "gzip"}
    with (
        websocket(site, "/say-again", SAID) as talk,
        events(site, f"/events?quiet={QUIET_S}", asked) as stream,
    ):
        assert talk.recv() == "wss://hello.lab/say-again"
        # The first event comes while the stream is quiet.
        assert stream.readline() == b"data: first\n"
        assert stream.read() == b"\ndata: last\n\n"
        talk.send("still there")
        assert talk.recv() == "still there"
        ended = threading.Thread(target=listen, args=(talk,))
        ended.start()
        made.deploy_change(host)
        ended.join(30)
        assert (ended.is_alive(), talk.close_code) == (False, 1012)


@pytest.mark.parametrize("suite", BOTH)
def test_apps_below_paths_share_a_domain(lab: Lab, project: Project, bare_host, suite):
    host = bare_host(suite)
    lead_domains_to(lab, host, ("hello.lab", "www.hello.lab"))
    add_apps(project)
    for app in ("hello", "shop", "wiki"):
        project.configure(f"[apps.{app}]\n", f"[apps.{app}]\n{CADDY}")
    provision(project, host).must_succeed()
    project.fab("-H", host.name, "deploy", timeout_s=500).must_succeed()
    site = Site(lab, host)
    must_be_served_below_paths(site)
    assert changes_nothing(project, host)

    project.fab("-H", host.name, "maintenance", "shop", "on", "--allow", NOBODY).must_succeed()
    assert [site.get(path).status for path in ("/shop/", "/shop/healthz")] == [503, 503]
    assert [site.get(path).status for path in ("/", "/shop/wiki/")] == [200, 200]
    project.fab("-H", host.name, "maintenance", "shop", "off").must_succeed()

    for app, statuses in (
        ("shop", [200, 404, 200]), ("hello", [404, 404, 200]), ("wiki", None)
    ):  # fmt: skip
        project.fab("-H", host.name, "remove", app, "--yes", "--data").must_succeed()
        if statuses:
            assert [site.get(path).status for path in ("/", "/shop/", "/shop/wiki/")] == statuses
    left = "find /etc/caddy /srv -name '*hello*' -o -name '*wiki*' -o -name '*shop*'"
    assert host.shell(left).split() == []


@pytest.mark.parametrize("suite", BOTH)
def test_from_nginx_to_caddy_and_back(lab: Lab, project: Project, deployed_host, suite):
    host = deployed_host(suite)
    lift_rate_limit(project, host)
    deploy(project, host)
    use_caddy(project)
    with visitors(lab, host) as moving:
        provision(project, host).must_succeed()
    must_have_met_closed_ports_only(moving.failures)
    ours = "grep -rl 'Made by Homeport' /etc/nginx /etc/systemd/system/nginx.service.d || true"
    assert host.shell(ours) == ""
    assert host.shell("systemctl is-enabled nginx caddy || true").split() == ["disabled", "enabled"]
    assert changes_nothing(project, host)

    went_live = []
    with visitors(lab, host) as visits:
        went_live.append(deploy_change(project, host))
        went_live.append(deploy_change(project, host))
        went_live.append(rollback(project, host))
    visits.must_have_lost_nothing()
    assert set(went_live) <= visits.releases

    project.fab("-H", host.name, "maintenance", "hello", "on").must_succeed()
    project.configure(CADDY, "")
    refused = provision(project, host)
    assert refused.code != 0
    assert "fab maintenance hello off" in refused.output
    assert host.shell("systemctl is-active caddy").strip() == "active"
    project.configure("[apps.hello]\n", f"[apps.hello]\n{CADDY}")
    project.fab("-H", host.name, "maintenance", "hello", "off").must_succeed()

    project.configure(CADDY, "")
    with visitors(lab, host) as moving:
        provision(project, host).must_succeed()
    must_have_met_closed_ports_only(moving.failures)
    assert host.shell("find /etc/caddy /etc/systemd/system/caddy.service.d -type f || true") == ""
    assert host.shell("systemctl is-enabled nginx caddy || true").split() == ["enabled", "disabled"]
    assert changes_nothing(project, host)
    assert Site(lab, host).get("/").status == 200


def must_have_met_closed_ports_only(failures: list[str]) -> None:
    """Fail the test if a visitor met more than the moment in which the ports change hands.

    A wrong certificate, or an answer that is not the app's, would be something else.
    """
    closed = (
        "Refused", "Reset", "IncompleteRead", "BrokenPipe", "RemoteDisconnected",
        # Caddy listens some milliseconds before it has read its certificates.
        "INTERNAL_ERROR",
    )  # fmt: skip
    assert [each for each in failures if not any(word in each for word in closed)] == []
