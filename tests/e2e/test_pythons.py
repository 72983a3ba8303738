"""A Python that Debian does not have: downloaded, checked, shared, and removed when unused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.pythons import archive, listed
from tests.e2e.site import Site
from tests.e2e.steps import deploy, deploy_change, must_run_only
from tests.e2e.wheels import served

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

PYTHONS = "/opt/homeport/pythons"
OTHERS_FILES = rf"find {PYTHONS} \( ! -user root -o ! -type l -perm /0022 -o -perm /6000 \) | head"


@pytest.mark.timeout(1200)
def test_a_python_that_debian_lacks_is_downloaded_and_removed_when_unused(
    lab: Lab,
    project: Project,
    provisioned_host: Callable[..., LabHost],
    tmp_path: Path,
) -> None:
    packed = archive(provisioned_host("bookworm"), "3.11", tmp_path / "mirror")
    host = provisioned_host("trixie")
    downloads = project.inventory.parent / "pythons.json"
    project.configure(
        "[apps.hello]\n",
        '[apps.hello]\npython = "3.11"\npython_downloads = "pythons.json"\nkeep_releases = 2\n',
    )
    with served(lab, tmp_path / "mirror") as url:
        # What is served is another archive than the one that is listed.
        downloads.write_text(listed(packed, url, "3.11", sha256="0" * 64))
        refused = project.fab("-H", host.name, "deploy")
        assert refused.code == 4, refused.output
        assert "cannot install Python 3.11" in refused.output
        assert "correct the mirror, or the SHA-256" in refused.output.replace("\n", " ")
        assert host.shell(f"ls -A {PYTHONS}").split() == []

        downloads.write_text(listed(packed, url, "3.11"))
        must_run_only(host, deploy(project, host))
    assert Site(lab, host).get("/").status == 200
    program = host.shell("readlink -f /srv/hello/current/venv/bin/python").strip()
    assert program.startswith(f"{PYTHONS}/3.11-"), program
    assert program.endswith("/bin/python3.11")
    running = host.shell("readlink -f /proc/$(systemctl show -P MainPID 'hello@*.service')/exe")
    assert running.strip() == program
    assert host.shell(OTHERS_FILES) == ""
    assert ".cpython-311.pyc" in host.shell("ls /srv/hello/current/code/app/__pycache__")

    # The mirror is gone by now: what is there is used again.
    deploy_change(project, host)
    project.fab("-H", host.name, "restart").must_succeed()
    assert project.fab("-H", host.name, "provision", "--json").changed(host.name) == []

    # Debian's own has this version: nothing is downloaded.
    project.configure('python = "3.11"\npython_downloads = "pythons.json"\n', 'python = "3.13"\n')
    deploy_change(project, host)
    assert host.shell("readlink -f /srv/hello/current/venv/bin/python").strip() == (
        "/usr/bin/python3.13"
    )
    # The release before still uses it.
    assert len(host.shell(f"ls {PYTHONS}").split()) == 1
    deploy_change(project, host)
    deploy_change(project, host)
    assert host.shell(f"ls -A {PYTHONS}").split() == []


def test_the_python_of_requirements_is_held_against_hosts_by_provision(
    project: Project, provisioned_host: Callable[..., LabHost]
) -> None:
    host = provisioned_host("bookworm")
    (project.app / "pyproject.toml").write_text(
        '[project]\nname = "hello"\nversion = "1"\nrequires-python = ">=3.12"\n'
    )
    project.commit("a newer Python")
    project.configure("[apps.hello]\n", '[apps.hello]\nrequirements = "pyproject.toml"\n')
    for options in ((), ("--check",)):
        refused = project.fab("-H", host.name, "provision", *options)
        assert refused.code == 4, refused.output
        shown = refused.output.replace("\n", " ")
        assert f"{host.name}: Debian 12, Python 3.11" in shown
        assert 'set python = "3.12"' in shown
    project.configure("[apps.hello]\n", '[apps.hello]\npython = "3.12"\n')
    project.fab("-H", host.name, "provision").must_succeed()
