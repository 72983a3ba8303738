"""A configuration that its program refuses never replaces the one that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.listing import listing_of
from tests.e2e.project import ROOT, Project
from tests.e2e.site import Site
from tests.e2e.steps import files_touched, left_behind, provision

pytestmark = pytest.mark.lab


def _own_template(project: Project, name: str, old: str, new: str) -> int:
    """Put a changed template into the project; return the line of what is new."""
    text = (ROOT / "templates" / name).read_text()
    assert text.count(old) == 1
    path = project.directory / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new))
    return 1 + text[: text.index(old)].count("\n")


def _must_be_refused(
    project: Project, host: LabHost, template: str, line: int, words: str, resource: str
) -> None:
    """Check that a run and its prediction refuse alike, and that neither touches anything."""
    before = listing_of(host)
    services = _started(host)
    for arguments in (["--check"], []):
        refused = provision(project, host, "--json", *arguments)
        assert refused.code == 1, refused.output
        assert refused.finished(host.name, "failed") == [resource]
        assert refused.changed(host.name) == []
        said = provision(project, host, *arguments).output
        assert words in said, said
        assert f"templates/{template}:{line}" in said, said
        assert "try: " in said
        assert "Traceback" not in said
        assert files_touched(before, listing_of(host)) == {}
        assert _started(host) == services
    assert left_behind(host) == []


def _started(host: LabHost) -> str:
    return host.shell(
        "systemctl show --property=Id,ActiveEnterTimestampMonotonic,ExecMainPID,NRestarts "
        "nginx 'hello@*' homeport-renewal@hello.timer"
    )


def _nginx_workers(host: LabHost) -> str:
    return host.shell("pgrep -x nginx")


def test_a_template_that_nginx_refuses_leaves_the_live_configuration_as_it_is(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    provision(project, host).must_succeed()
    workers = _nginx_workers(host)
    template = "nginx/homeport/server.conf.j2"
    line = _own_template(project, template, "server_tokens off;", "server_tokns off;")
    _must_be_refused(
        project, host, template, line, 'unknown directive "server_tokns"', "file-set:nginx"
    )
    assert _nginx_workers(host) == workers
    assert Site(lab, host).get("/").status == 200
    # Put right, the next run has nothing to repair.
    Path(project.directory / "templates" / template).unlink()
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []


def test_a_line_deep_in_a_loop_is_found_in_its_template(project: Project, deployed_host):
    host = deployed_host()
    provision(project, host).must_succeed()
    template = "nginx/mount.j2"
    line = _own_template(project, template, "    gzip_static on;", "    gzip_static perhaps;")
    _must_be_refused(project, host, template, line, "invalid value", "file-set:nginx")


def test_a_unit_that_systemd_refuses_leaves_the_live_one_as_it_is(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    provision(project, host).must_succeed()
    template = "app/app-boot.service.j2"
    line = _own_template(project, template, "RemainAfterExit=yes", "RemainAfterExot=yes")
    _must_be_refused(project, host, template, line, "RemainAfterExot", "unit:hello-boot.service")
    assert Site(lab, host).get("/").status == 200
    assert not re.search("RemainAfterExot", host.shell("systemctl cat hello-boot.service"))
