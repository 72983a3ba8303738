"""What of the inventory waits for a provision is named by deploys and by `fab status`."""

from __future__ import annotations

import pytest

from tests.e2e.project import Project
from tests.e2e.steps import change_code, only, provision

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

WAITS = "2 changes wait for fab provision: max_body, static_headers"


def test_what_waits_is_named_until_it_is_provisioned(project: Project, deployed_host):
    host = deployed_host()

    def pending() -> list[str]:
        shown = project.fab("-H", host.name, "status", "--json").must_succeed()
        [row] = only(shown.events, "table")["rows"]
        return row["pending"]

    def deployed() -> str:
        change_code(project)
        return project.fab("-H", host.name, "deploy").must_succeed().stdout

    assert pending() == []
    project.configure(
        'csp = "strict"\n',
        'csp = "strict"\nmax_body = "11m"\nstatic_headers = { X-Y = "z" }\nthreads = 5\n',
    )
    said = deployed()
    assert WAITS in said
    assert said.splitlines()[-1].startswith("https://hello.lab/")
    assert pending() == [WAITS]
    assert "nothing would change" not in provision(project, host, "--check").stdout
    assert pending() == [WAITS]
    assert "changed" in provision(project, host).must_succeed().stdout
    assert pending() == []
    assert "wait for fab provision" not in deployed()
    assert "nothing had to be changed" in provision(project, host).must_succeed().stdout


def test_flasks_debug_mode_is_refused_unless_the_inventory_permits_it(
    project: Project, deployed_host
):
    host = deployed_host()
    pages = project.app / "app" / "__init__.py"
    text = pages.read_text()
    assert "    return app\n" in text
    pages.write_text(text.replace("    return app\n", "    app.debug = True\n    return app\n"))
    project.commit("debug mode")
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4
    assert "Flask's debug mode is on: remove debug = True, FLASK_DEBUG" in refused.output
    assert "Traceback" not in refused.output
    project.configure('csp = "strict"\n', 'csp = "strict"\ndebug = true\n')
    project.fab("-H", host.name, "deploy").must_succeed()
