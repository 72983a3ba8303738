"""Debian is upgraded in place: Python is another one, and what was made for the old is named."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.site import Site
from tests.e2e.steps import deploy, live_on, must_run_only

pytestmark = pytest.mark.lab

OLD_PYTHON = "3.9"

# As an upgrade leaves it: the environments say that they were made for another Python. What runs
# goes on, from memory; what is started anew would not find its packages.
FOR_ANOTHER_PYTHON = rf"""
for each in /srv/hello/venvs/*; do
  sed -i -E 's/^(version(_info)?) *=.*/\1 = {OLD_PYTHON}.2/' $each/pyvenv.cfg
done
"""
NOT_FOUND = (
    f"for each in /srv/hello/venvs/*; do mv $each/lib/python3.* $each/lib/python{OLD_PYTHON}; done"
)

FULL_UPGRADE = """
sed -i s/bookworm/trixie/ /etc/apt/sources.list.d/*.sources
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qqy -o Dpkg::Options::=--force-confold full-upgrade >/dev/null 2>&1
apt-get -qqy autoremove --purge >/dev/null 2>&1
"""


def _must_name_it(project: Project, host: LabHost, python: str) -> None:
    words = f"built for Python {python}, which"
    told = project.fab("-H", host.name, "status")
    assert f"{words} the host no longer has: fab deploy builds a new one" in told.output.replace(
        "\n", " "
    )
    for command in (["restart"], ["rollback"], ["run", "hello", "--", "true"]):
        refused = project.fab("-H", host.name, *command)
        assert refused.code in (2, 4), refused.output
        assert words in refused.output, refused.output
        assert "fab deploy" in refused.output
        assert "Traceback" not in refused.output


def _must_heal(lab: Lab, project: Project, host: LabHost) -> None:
    live = deploy(project, host)
    must_run_only(host, live)
    assert Site(lab, host).get("/").status == 200
    project.fab("-H", host.name, "status").must_succeed()
    project.fab("-H", host.name, "provision").must_succeed()
    assert project.fab("-H", host.name, "provision", "--json").changed(host.name) == []
    project.fab("-H", host.name, "restart").must_succeed()


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "after a reboot"])
def test_a_release_for_another_python_is_named_and_made_anew(
    lab: Lab, project: Project, deployed_host, runs: bool
):
    host = deployed_host()
    project.env["COLUMNS"] = "400"
    before = live_on(host)
    deploy(project, host)
    host.shell(FOR_ANOTHER_PYTHON)
    unit = f"hello@{live_on(host)}.service"
    if not runs:
        host.shell(NOT_FOUND)
        host.shell(f"systemctl restart {unit} || true; systemctl stop {unit}")
    _must_name_it(project, host, OLD_PYTHON)
    provisioned = project.fab("-H", host.name, "provision")
    assert before
    if runs:
        # It serves on.
        provisioned.must_succeed()
        assert Site(lab, host).get("/").status == 200
    else:
        assert provisioned.code == 1, provisioned.output
        assert f"built for Python {OLD_PYTHON}, which the host no longer has" in provisioned.output
        assert "fab deploy" in provisioned.output
        assert "Traceback" not in provisioned.output
    lost = host.shell("readlink /srv/hello/current/venv").strip()
    _must_heal(lab, project, host)
    # Beside the one from which the release before ran.
    assert host.shell("readlink /srv/hello/current/venv").strip() != lost


@pytest.mark.thorough
def test_debian_is_upgraded_in_place(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    project.env["COLUMNS"] = "400"
    deploy(project, host)
    host.shell(FULL_UPGRADE)
    _must_name_it(project, host, "3.11")
    _must_heal(lab, project, host)
