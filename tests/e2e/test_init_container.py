"""What `fab init --container` writes is deployed as it is: a Flask app and a FastAPI one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.containers import ARCHIVE, give_base_image
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import provision
from tests.suites import FIRST_BOOKWORM

pytestmark = [pytest.mark.lab, pytest.mark.thorough, pytest.mark.timeout(1800)]

FLASK = {
    "requirements.txt": "flask\n",
    "app.py": """\
from flask import Flask, url_for
from werkzeug.middleware.proxy_fix import ProxyFix


def create_app():
    app = Flask(__name__)
    app.wsgi_app = ProxyFix(app.wsgi_app)

    @app.get("/")
    def index():
        return {"url": url_for("index", _external=True)}

    @app.get("/healthz")
    def healthz():
        return "fine"

    return app
""",
}

FASTAPI = {
    "requirements.txt": "fastapi\n",
    "main.py": """\
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/")
async def index(request: Request):
    return {"url": str(request.url_for("index"))}


@app.get("/healthz")
async def healthz():
    return "fine"
""",
}

HEAD = """\
[hosts.web1]
user = "root"

"""
TLS = """
[tls]
method = "acme"
directory_url = "lab"
"""


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_what_init_writes_is_deployed_as_it_is(lab: Lab, project: Project, bare_host, suite: str):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    _write(project, "flask-app", FLASK)
    provision(project, host).must_succeed()
    give_base_image(host)
    _must_be_deployed(lab, project, host)

    # The same app below a prefix: gunicorn reads it from SCRIPT_NAME.
    project.configure('domains = ["hello.lab"]', 'domains = ["hello.lab"]\nprefix = "/shop/"')
    provision(project, host).must_succeed()
    _must_be_deployed(lab, project, host, "/shop/")

    # Without what earlier builds have left: the base image is taken from its file again.
    _write(project, "fastapi-app", FASTAPI)
    provision(project, host).must_succeed()
    _must_be_deployed(lab, project, host, arguments=("--replace",))


def _write(project: Project, name: str, files: dict[str, str]) -> None:
    """Have a project's app be another one, with what `fab init --container` makes of it.

    A person would correct address and domain as well. The lab has no registry: the base image is a
    file on the host.
    """
    folder = project.directory / name
    folder.mkdir()
    for path, text in files.items():
        (folder / path).write_text(text)
    inside = Project(folder, project.lab)
    inside.fab("init", "--container").must_succeed()
    dockerfile = (folder / "Dockerfile").read_text()
    base = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    assert base is not None
    written = (folder / "inventory" / "production.toml").read_text()
    [table] = re.findall(r"^\[apps\..*?(?=^\[tls\])", written, re.MULTILINE | re.DOTALL)
    table = table.replace(f"[apps.{name}", "[apps.hello")
    table = re.sub(r"^source = .*", f'source = "../{name}"', table, flags=re.MULTILINE)
    bases = f'base_images = {{ "{base[1]}" = "{ARCHIVE}" }}'
    domains = f'domains = ["hello.lab"]\n{bases}'
    table = re.sub(r"^domains = .*", domains, table, flags=re.MULTILINE)
    project.inventory.write_text(HEAD + table + TLS)


def _must_be_deployed(
    lab: Lab, project: Project, host: LabHost, prefix: str = "/", arguments: Sequence[str] = ()
) -> None:
    project.fab("-H", host.name, "deploy", *arguments).must_succeed()
    site = Site(lab, host)
    answer = site.get(prefix)
    assert answer.status == 200, answer.body
    assert f'"https://hello.lab{prefix}"'.encode() in answer.body, answer.body
    assert site.get(f"{prefix}healthz").status == 200
