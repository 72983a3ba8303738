"""Each inventory of docs/inventories.md, as a person would copy it, on a real host."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.docs.inventories import shown
from tests.e2e.project import Project
from tests.e2e.site import Answer, Site
from tests.e2e.steps import deploy, provision, rollback

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

PASSWORD = "open sesame"

WSGI = '''"""A small app."""


def app(environ, start_response):
    """Answer every path."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from " + environ["SCRIPT_NAME"].encode() + b"/"]
'''

ASGI = '''"""The same app, as ASGI servers call it."""


async def app(scope, receive, send):
    """Answer every path."""
    if scope["type"] != "http":
        raise RuntimeError("only requests are answered")
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello from /"})
'''


@pytest.fixture(scope="module")
def place(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, bookworm_road
) -> Iterator[tuple[Project, LabHost]]:
    """Give a host on which another version of the app is live, and its project."""
    project, host = Project.create(tmp_path_factory.mktemp("docs") / "project", lab), None
    host = bookworm_road.host
    host.restore("provisioned")
    for name in ("hello.lab", "www.hello.lab"):
        lab.set_domain(name, host.name)
    project.env["EDITOR_PASSWORD"] = PASSWORD
    yield project, host
    host.power_cut()


def in_the_lab(text: str, host: LabHost) -> str:
    """Return an inventory of the docs with the names, and the authority, of the lab."""
    for shown_there, here in (
        ('address = "203.0.113.10"\n', 'user = "root"\n'),
        ("[hosts.web1]", f"[hosts.{host.name}]"),
        ("hello.example.com", "hello.lab"),
        ('email = "ops@example.com"\n', 'email = "ops@hello.lab"\ndirectory_url = "lab"\n'),
    ):
        assert shown_there in text
        text = text.replace(shown_there, here)
    return text


def write_app(folder: Path, text: str) -> None:
    (folder / "static").mkdir(parents=True, exist_ok=True)
    (folder / "static" / "site.css").write_text("a { color: red }\n" * 200)
    (folder / "requirements.txt").write_text("")
    (folder / "app.py").write_text(text)


@pytest.mark.parametrize("heading", shown())
def test_it_is_provisioned_and_deployed(lab: Lab, place, heading: str):
    project, host = place
    text = in_the_lab(shown()[heading], host)
    project.inventory.write_text(text)
    for name in ("hello", "shop"):
        write_app(project.directory / name, ASGI if "asgi = " in text else WSGI)
    provision(project, host).must_succeed()
    if "[apps.shop]" in text:
        project.fab("-H", host.name, "deploy").must_succeed()
    else:
        deploy(project, host)
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    site = Site(lab, host)
    must_answer(site, text)
    project.fab("-H", host.name, "deploy", "--app", "hello").must_succeed()
    rollback(project, host, "--app", "hello")
    must_answer(site, text)


def must_answer(site: Site, text: str) -> None:
    """Fail unless the site does what its inventory says."""
    headers = {}
    if "basic_auth" in text:
        assert site.get("/").status == 401
        secret = base64.b64encode(f"editor:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}"}
    assert said(site.get("/", headers=headers)) == (200, b"hello from /")
    if "static = " in text:
        style = site.get("/static/site.css", headers={"Accept-Encoding": "br"})
        assert (style.status, style.headers["content-encoding"]) == (200, "br")
    if "redirect = " in text:
        gone = site.get("/a?b=c", headers={"Host": "www.hello.lab"}, tls=False)
        assert gone.status == 308
    if "prefix = " in text:
        assert said(site.get("/shop/")) == (200, b"hello from /shop/")


def said(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body
