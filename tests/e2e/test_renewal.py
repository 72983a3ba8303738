"""The live release once more: restarted, or with another environment."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.steps import (
    deploy_change,
    lift_rate_limit,
    live_on,
    live_release,
    must_run_only,
    rollback,
)
from tests.e2e.visitors import visitors

pytestmark = pytest.mark.lab


def variable(host: LabHost, name: str) -> str:
    """Return what a variable is to the live release."""
    text = host.shell("cat /srv/hello/current/env")
    [line] = [line for line in text.splitlines() if line.startswith(f"{name}=")]
    return line.partition("=")[2][1:-1]


def code_inodes(host: LabHost) -> str:
    return host.shell("cd /srv/hello/current/code && find . -type f -name '*.py' -printf '%p %i\\n'"
                      " | sort")  # fmt: skip


def test_a_restart_and_a_new_environment_lose_no_request_and_send_no_code(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    lift_rate_limit(project, host)
    before, code, secret = live_on(host), code_inodes(host), variable(host, "SECRET_KEY")
    with visitors(lab, host) as visits:
        restarted = live_release(project.fab("-H", host.name, "restart").must_succeed())
        assert restarted != before
        must_run_only(host, restarted)
        project.configure("[apps.hello.env]\n", '[apps.hello.env]\nGREETING = "good \\"day\\""\n')
        # What is not committed, or does not even work, is of no concern.
        project.edit("app/__init__.py", "import", "import nothing\nimport", commit=False)
        result = project.fab("-H", host.name, "deploy", "--env-only", "--json").must_succeed()
        renewed = live_on(host)
        rolled_back = rollback(project, host)
    visits.must_have_lost_nothing()
    assert visits.releases <= {before, restarted, renewed}
    assert rolled_back == restarted
    must_run_only(host, restarted)
    assert "GREETING" not in host.shell("cat /srv/hello/current/env")
    assert variable(host, "SECRET_KEY") == secret
    assert code_inodes(host) == code

    project.fab("-H", host.name, "rollback", "--to", renewed).must_succeed()
    assert variable(host, "GREETING") == r"good \"day\""
    assert variable(host, "SECRET_KEY") == secret
    assert code_inodes(host) == code
    assert result.events[-1]["hosts"][0]["bytes_sent"] < 40_000


def test_a_new_environment_that_does_not_work_never_sees_a_visitor(project: Project, deployed_host):
    host = deployed_host()
    project.edit("app/__init__.py", "def create_app", "import os\n\n\ndef create_app")
    project.edit(
        "app/__init__.py", "def create_app", 'assert "BROKEN" not in os.environ\n\n\ndef create_app'
    )
    before = deploy_change(project, host)
    project.configure("[apps.hello.env]\n", '[apps.hello.env]\nBROKEN = "yes"\n')
    refused = project.fab("-H", host.name, "deploy", "--env-only")
    assert refused.code == 4
    assert "AssertionError" in refused.output
    must_run_only(host, before)


def test_nothing_is_made_anew_where_nothing_is_or_somebody_has_changed_it(
    project: Project, provisioned_host, deployed_host
):
    bare = provisioned_host()
    nothing = project.fab("-H", bare.name, "restart")
    assert nothing.code == 4
    assert "hello has no live release on" in nothing.output
    assert "fab deploy" in nothing.output

    host = deployed_host("trixie")
    before = live_on(host)
    host.shell("echo '# by hand' >> /srv/hello/current/code/app/pages.py")
    changed = project.fab("-H", host.name, "restart")
    assert changed.code == 4
    assert "app/pages.py is not what was deployed" in changed.output
    must_run_only(host, before)
