"""What a web server does in front of an app, beyond passing requests on: docs/sites.md."""

from __future__ import annotations

import subprocess
from base64 import b64encode

import pytest

from provisioning.lab import Lab
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import deploy_change, provision
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough]


@pytest.mark.parametrize("suite", BOTH)
def test_other_names_lead_to_the_main_one_with_a_certificate(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    project.configure(
        '["hello.lab", "www.hello.lab"]', '["hello.lab"]\nredirect = ["www.hello.lab"]'
    )
    provision(project, host).must_succeed()
    www = Site(lab, host, "www.hello.lab")

    first = www.get("/a%20b?c=d&e=%2F", tls=False, method="POST", body=b"x")
    assert (first.status, first.headers["location"]) == (
        308,
        "https://www.hello.lab/a%20b?c=d&e=%2F",
    )
    second = www.get("/a%20b?c=d&e=%2F", method="POST", body=b"x")
    assert (second.status, second.headers["location"]) == (308, "https://hello.lab/a%20b?c=d&e=%2F")
    assert second.headers["strict-transport-security"].startswith("max-age=")
    assert Site(lab, host).get("/").status == 200
    assert www.get("/.well-known/acme-challenge/none", tls=False).status == 404

    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    deploy_change(project, host)

    # Another name: its own certificate, and the earlier one is unknown again.
    project.configure('redirect = ["www.hello.lab"]\n', "")
    provision(project, host).must_succeed()
    with pytest.raises(OSError, match="UNRECOGNIZED_NAME"):
        www.get("/")
    assert host.shell("ls /etc/nginx/homeport/redirects/ 2>/dev/null || true").strip() == ""


NOBODY = "192.0.2.1"
"""Whom a maintenance lets in; by default that is who began it. Source: RFC 5737."""

SHOP = {
    "requirements.txt": "flask==3.1.3\n",
    "static/site.css": "body { margin: 0 }\n",
    "shop.py": """\
import os

from flask import Flask, redirect, request, session, url_for

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]


@app.get("/healthz")
def healthz():
    return "well"


@app.get("/")
def home():
    return f"{request.script_root} {request.path} {url_for('static', filename='site.css')}"


@app.get("/go")
def go():
    return redirect(url_for("basket"))


@app.get("/basket")
def basket():
    session["visits"] = session.get("visits", 0) + 1
    return f"basket {session['visits']}"
""",
}
WIKI = {
    "requirements.txt": "django==5.2.8\n",
    "assets/site.css": "body { margin: 0 }\n",
    "wiki.py": """\
import os

from django.conf import settings

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["hello.lab"],
    ROOT_URLCONF="wiki",
    STATIC_URL="static/",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
)

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import path, reverse


def page(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(f"page {request.session['visits']}")


urlpatterns = [
    path("", lambda request: HttpResponse(f"{request.path} {static('site.css')}")),
    path("healthz", lambda request: HttpResponse("well")),
    path("go", lambda request: HttpResponseRedirect(reverse("page"))),
    path("page/", page, name="page"),
]
application = get_wsgi_application()
""",
}
APPS = """
[apps.shop]
source = "../examples/shop"
wsgi = "shop:app"
domains = ["hello.lab", "www.hello.lab"]
prefix = "/shop/"
static = { "/static/" = "static" }
workers = 2

[apps.shop.secrets]
SECRET_KEY = { generate = 32 }

[apps.wiki]
source = "../examples/wiki"
wsgi = "wiki:application"
domains = ["hello.lab", "www.hello.lab"]
prefix = "/shop/wiki/"
static = { "/static/" = "assets" }
server = "waitress"

[apps.wiki.secrets]
SECRET_KEY = { generate = 32 }

[tls]"""
PAGES = {"/shop/": "basket", "/shop/wiki/": "page/"}


def add_apps(project: Project) -> None:
    """Add a Flask and a Django app below paths of the example app's domains."""
    for name, files in (("shop", SHOP), ("wiki", WIKI)):
        for path, text in files.items():
            file = project.directory / "examples" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    project.configure("\n[tls]", APPS)


def must_be_served_below_paths(site: Site) -> None:
    """Fail the test unless each of the three apps is itself below its own path."""
    assert b"Secure and live" in site.get("/").body
    assert site.get("/shop/").body.split() == [b"/shop", b"/", b"/shop/static/site.css"]
    assert site.get("/shop/wiki/").body.split() == [b"/shop/wiki/", b"/shop/wiki/static/site.css"]
    for prefix, page in PAGES.items():
        css = site.get(f"{prefix}static/site.css")
        assert (css.status, css.headers["content-type"].split(";")[0]) == (200, "text/css")
        forged = {"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil"}
        gone = site.get(f"{prefix}go", headers=forged)
        assert (gone.status, gone.headers["location"]) == (302, prefix + page)
        visit = site.get(prefix + page)
        assert f"Path={prefix}" in visit.headers["set-cookie"]
        cookie = visit.headers["set-cookie"].split(";")[0]
        assert site.get(prefix + page, headers={"Cookie": cookie}).body.endswith(b" 2")
        bare = site.get(prefix[:-1])
        assert (bare.status, bare.headers["location"]) == (308, f"https://hello.lab{prefix}")


@pytest.mark.parametrize("suite", BOTH)
def test_apps_below_paths_share_a_domain_and_its_certificate(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site = Site(lab, host)
    add_apps(project)
    provision(project, host).must_succeed()
    project.fab("-H", host.name, "deploy", timeout_s=500).must_succeed()
    must_be_served_below_paths(site)
    labels = "ls /etc/nginx/sites-tls /etc/homeport/acme/renewal"
    assert host.shell(labels).count("site.hello.lab.conf") == 2
    timers = host.shell("systemctl is-active 'homeport-renewal@*.timer' | sort | uniq -c").split()
    assert timers == ["1", "active"]
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    # Each release is seen to answer through the web server, below its prefix.
    assert project.fab("-H", host.name, "status").code == 0

    project.fab("-H", host.name, "maintenance", "shop", "on", "--allow", NOBODY).must_succeed()
    assert site.get("/shop/").status == 503
    # For visitors it is a path like any other; the host itself is let through.
    assert site.get("/shop/healthz").status == 503
    assert (site.get("/").status, site.get("/shop/wiki/").status) == (200, 200)
    project.fab("-H", host.name, "maintenance", "shop", "off").must_succeed()


@pytest.mark.parametrize("suite", BOTH)
def test_apps_leave_a_shared_site_one_by_one_and_the_last_takes_it_along(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site = Site(lab, host)
    add_apps(project)
    provision(project, host).must_succeed()
    statuses = [site.get(path).status for path in ("/", "/shop/", "/shop/wiki/")]
    assert statuses == [200, 503, 503]

    # Nothing happens to the others, and neither does it at the next provision.
    project.fab("-H", host.name, "remove", "shop", "--yes", "--data").must_succeed()
    statuses = [site.get(path).status for path in ("/", "/shop/", "/shop/wiki/")]
    assert statuses == [200, 404, 503]
    begin, end = APPS.index("[apps.shop]"), APPS.index("[apps.wiki]")
    project.configure(APPS[begin:end], "")
    provision(project, host).must_succeed()
    assert [site.get(path).status for path in ("/", "/shop/", "/shop/wiki/")] == [200, 404, 503]

    # The first of them too.
    project.fab("-H", host.name, "remove", "hello", "--yes", "--data").must_succeed()
    assert [site.get(path).status for path in ("/", "/shop/wiki/")] == [404, 503]
    project.fab("-H", host.name, "remove", "wiki", "--yes", "--data").must_succeed()
    left = "find /etc/nginx /etc/homeport /srv -name '*hello*' -o -name '*wiki*' -o -name '*shop*'"
    assert host.shell(left).split() == []


@pytest.mark.parametrize("suite", BOTH)
def test_who_has_no_password_is_asked_for_one_and_a_deploy_goes_on(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site = Site(lab, host)
    project.env["EDITOR_PASSWORD"] = "correct horse battery"
    keys = """\
basic_auth = { editor = { env = "EDITOR_PASSWORD" } }
basic_auth_except = ["/echo"]
"""
    project.configure('csp = "strict"\n', f'csp = "strict"\n{keys}')
    predicted = provision(project, host, "--json", "--check").must_succeed().changed(host.name)
    made = provision(project, host, "--json")
    assert made.must_succeed().changed(host.name) == predicted
    assert "correct horse" not in made.output
    file = "/etc/nginx/homeport/passwords/hello"
    assert host.shell(f"stat -c '%a %U %G' {file}").split() == ["640", "root", "www-data"]
    assert "correct horse" not in host.shell(f"cat {file}")
    reads = f"for each in hello nobody; do runuser -u $each -- cat {file} && exit 1; done; true"
    host.shell(reads)

    refused = site.get("/")
    assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="hello"')
    assert site.get("/static/style.css").status == 401
    right, wrong = (
        {"Authorization": "Basic " + b64encode(f"editor:{each}".encode()).decode()}
        for each in ("correct horse battery", "correct horse")
    )
    assert site.get("/", headers=wrong).status == 401
    assert site.get("/", headers=right).status == 200
    assert site.get("/static/style.css", headers=right).status == 200
    assert site.get("/healthz").status == 200
    assert site.get("/echo").status not in (401, 502)
    assert site.get("/.well-known/acme-challenge/none", tls=False).status == 404

    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    deploy_change(project, host)
    project.fab("-H", host.name, "maintenance", "hello", "on", "--allow", NOBODY).must_succeed()
    assert site.get("/", headers=right).status == 503
    project.fab("-H", host.name, "maintenance", "hello", "off").must_succeed()
    host.shell("systemctl start homeport-renewal@hello.service")

    project.env["EDITOR_PASSWORD"] = "another one"
    provision(project, host).must_succeed()
    assert site.get("/", headers=right).status == 401
    project.configure(keys, "")
    provision(project, host).must_succeed()
    assert site.get("/").status == 200
    assert host.shell("ls /etc/nginx/homeport/passwords").strip() == ""


@pytest.mark.parametrize("suite", BOTH)
def test_a_persons_own_directives_apply_and_a_mistake_changes_nothing(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site = Site(lab, host)
    key = 'snippet = "../deploy/extra.conf"\n'
    project.configure('csp = "strict"\n', f'csp = "strict"\n{key}')
    file = project.directory / "deploy" / "extra.conf"
    file.parent.mkdir()
    file.write_text("# Moved.\nlocation = /old { return 301 /new; }\n")
    provision(project, host).must_succeed()
    assert site.get("/old").headers["location"] == "https://hello.lab/new"
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    deploy_change(project, host)

    for text, line, what in (
        ("gzip on;\n}\nserver { listen 81; }\n", 2, "closes a block that was not opened here"),
        ("\nreturn 200;\n", 2, "it would answer everything"),
        ("\n\ngzipp on;\n", 3, 'unknown directive "gzipp"'),
        ("\nlocation = /healthz { return 200; }\n", 2, "duplicate location"),
    ):
        file.write_text(text)
        for arguments in (["--check"], []):
            refused = provision(project, host, *arguments)
            assert refused.code in (1, 2), refused.output
            assert f"../deploy/extra.conf:{line}" in refused.output
            assert what in refused.output
            assert "Traceback" not in refused.output
        assert site.get("/old").status == 301
    project.configure(key, "")
    provision(project, host).must_succeed()
    assert site.get("/old").status == 404
    assert host.shell("ls /etc/nginx/homeport/snippets").strip() == ""


@pytest.mark.parametrize("suite", BOTH)
def test_who_shows_no_certificate_is_turned_away_and_a_deploy_goes_on(
    lab: Lab, project: Project, deployed_host, suite, tmp_path
):
    host = deployed_host(suite)
    site, visitor = Site(lab, host), Site(lab, host)
    people = tmp_path / "people"
    people.mkdir()
    for arguments in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=ada -keyout ada.key -out ada.csr",
        "x509 -req -in ada.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out ada.pem",
    ):
        subprocess.run(["openssl", *arguments.split()], cwd=people, check=True, capture_output=True)
    visitor.context.load_cert_chain(people / "ada.pem", people / "ada.key")
    key = f'client_ca = "{people}/ca.pem"\n'
    project.configure('csp = "strict"\n', f'csp = "strict"\n{key}')
    provision(project, host).must_succeed()
    assert (site.get("/").status, site.get("/static/style.css").status) == (403, 403)
    assert (visitor.get("/").status, visitor.get("/static/style.css").status) == (200, 200)
    assert site.get("/healthz").status == 200
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    deploy_change(project, host)
    host.shell("systemctl start homeport-renewal@hello.service")

    project.configure(key, f'{key}client_verify = "optional"\n')
    provision(project, host).must_succeed()
    assert (site.get("/").status, visitor.get("/").status) == (200, 200)
    project.configure(f'{key}client_verify = "optional"\n', "")
    provision(project, host).must_succeed()
    assert site.get("/").status == 200
    assert host.shell("find /etc/nginx/homeport -name '*.pem' -o -name 'tls-*'").strip() == ""
