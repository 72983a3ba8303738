"""Static files that are compressed with brotli, as visitors get them through a real nginx."""

from __future__ import annotations

import base64

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Answer, Site
from tests.e2e.steps import deploy, provision, rollback
from tests.suites import BOTH

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

STYLE = "/static/style.css"

MODULE = (
    "apt-get -qq update; "
    "DEBIAN_FRONTEND=noninteractive apt-get -qqy install libnginx-mod-http-brotli-static"
)
"""Whoever keeps the host adds it: Homeport serves brotli where nginx can."""


def accepting(site: Site, encodings: str, path: str = STYLE, **more: str) -> Answer:
    """Return the answer for a browser that takes these encodings."""
    return site.get(path, headers={"Accept-Encoding": encodings, **more})


def decoded(host: LabHost, data: bytes) -> bytes:
    """Return what is compressed, by the host's own program."""
    script = "base64 --decode | brotli --decompress --stdout - | base64"
    sent = base64.b64encode(data).decode()
    return base64.b64decode(host.run("sh", "-ec", script, input=sent).stdout)


def must_serve_brotli(host: LabHost, site: Site, path: str = STYLE) -> None:
    """Fail unless every kind of client gets what it can read."""
    plain = site.get(path)
    assert (plain.status, "content-encoding" in plain.headers) == (200, False)
    answer = accepting(site, "gzip, deflate, br, zstd", path)
    assert answer.headers["content-encoding"] == "br"
    assert decoded(host, answer.body) == plain.body
    zipped = accepting(site, "gzip", path)
    assert zipped.headers["content-encoding"] == "gzip"
    assert len(answer.body) < len(zipped.body) < len(plain.body)
    for each in (answer, zipped, plain):
        assert each.headers["content-type"] == plain.headers["content-type"] == "text/css"
        assert each.headers["vary"].lower() == "accept-encoding"
        assert each.headers["cache-control"] == plain.headers["cache-control"]
    assert len({each.headers["etag"] for each in (answer, zipped, plain)}) == 3
    for refusing in ("br;q=0, gzip", "br;q=0.0, gzip"):
        assert accepting(site, refusing, path).headers["content-encoding"] == "gzip"

    head = site.get(path, method="HEAD", headers={"Accept-Encoding": "br"})
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.body))
    # The module gives no parts: a client that asks for one gets all, as HTTP has it.
    part = accepting(site, "br", path, Range="bytes=10-19")
    assert (part.status, part.body) == (200, answer.body)
    part = site.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, plain.body[10:20])
    again = accepting(site, "br", path, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("suite", BOTH)
def test_browsers_get_brotli_and_no_copy_of_another_file(
    lab: Lab, project: Project, deployed_host, suite
):
    host = deployed_host(suite)
    site = Site(lab, host)
    host.shell(MODULE)
    provision(project, host).must_succeed()
    deploy(project, host)
    must_serve_brotli(host, site)
    before = site.get(STYLE).body
    style = project.app / "app" / "static" / "style.css"
    style.write_text(style.read_text() + "\n/* edition */\n" * 100)
    project.commit("another style")
    deploy(project, host)
    assert site.get(STYLE).body == style.read_bytes() != before
    must_serve_brotli(host, site)
    rollback(project, host)
    assert site.get(STYLE).body == before
    must_serve_brotli(host, site)
    # Nothing of it is left to do.
    again = provision(project, host, "--json").must_succeed()
    assert again.changed(host.name) == []

    # Without its module nginx would not start: so it is not named where it is not loaded.
    host.shell("rm /etc/nginx/modules-enabled/*brotli-static.conf")
    provision(project, host).must_succeed()
    assert accepting(site, "br, gzip").headers["content-encoding"] == "gzip"
