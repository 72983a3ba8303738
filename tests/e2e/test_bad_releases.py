"""Releases that must never be seen: visitors notice nothing, and the person is told why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.places import APP, FUTURE, HEALTH, PAGES
from tests.e2e.project import ROOT, Project, Result
from tests.e2e.roads import Road, lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    deploy,
    deploy_change,
    left_behind,
    lift_rate_limit,
    must_run_only,
    units,
)
from tests.e2e.visitors import visitors

pytestmark = pytest.mark.lab

FACTORY = "def create_app("


@dataclass(frozen=True)
class Bad:
    """A way in which a release can be bad.

    Args:
        spoil: Makes the project so.
        code: The exit code to expect.
        said: What the person must be told, the app's own words among it.
    """

    spoil: Callable[[Project], object]
    code: int
    said: tuple[str, ...]


def _top(project: Project, *lines: str) -> None:
    project.edit(APP, FUTURE, FUTURE + "\n".join((*lines, "")))


def _raise_on_import(project: Project) -> None:
    _top(project, 'raise RuntimeError("the tide is out")')


def _exit_at_start(project: Project) -> None:
    _be_impatient(project)
    _top(project, "import sys", 'if "gunicorn" in sys.argv[0]:', '    sys.exit("harbour closed")')


def _be_impatient(project: Project) -> None:
    project.configure("[apps.hello.timers]\n", "start_timeout_s = 6\n\n[apps.hello.timers]\n")


def _hang_at_start(project: Project) -> None:
    _be_impatient(project)
    _top(project, "import sys, time", 'if "gunicorn" in sys.argv[0]:',
         '    print("waiting for the tide", flush=True)', "    time.sleep(3600)")  # fmt: skip


def _never_answer(project: Project) -> None:
    _be_impatient(project)
    project.edit(
        PAGES,
        HEALTH,
        f'    print("never", flush=True)\n    __import__("time").sleep(600)\n{HEALTH}',
    )


def _answer_500(project: Project) -> None:
    _be_impatient(project)
    project.edit(PAGES, HEALTH, f'    raise RuntimeError("the pier is broken")\n{HEALTH}')


def _contradict_requirements(project: Project) -> None:
    (project.app / "requirements.txt").write_text("flask==3.1.3\nwerkzeug==2.0.0\n")
    project.commit("requirements that cannot be met together")


def _fail_to_migrate(project: Project) -> None:
    project.edit("app/database.py", "    before = _version()\n",
                 '    raise RuntimeError("no such pier")\n    before = _version()\n')  # fmt: skip


def _want_a_variable(project: Project) -> None:
    project.configure("[apps.hello.secrets]\n",
                      '[apps.hello.secrets]\nTOKEN = { env = "HELLO_NOT_THERE" }\n')  # fmt: skip


def _break_server_settings(project: Project) -> None:
    template = project.directory / "templates" / "gunicorn" / "server.py.j2"
    template.parent.mkdir(parents=True)
    text = (ROOT / "templates" / "gunicorn" / "server.py.j2").read_text()
    template.write_text(text + "\nworkers = = 2\n")


TRACEBACK = "Traceback (most recent call last)"

BAD = {
    "raises on import": Bad(_raise_on_import, 4, (TRACEBACK, "RuntimeError: the tide is out")),
    "exits at start": Bad(_exit_at_start, 4, ("was refused", "harbour closed")),
    "hangs at start": Bad(_hang_at_start, 4, ("was not answered", "waiting for the tide")),
    "never answers": Bad(_never_answer, 4, ("was not answered", "never")),
    "answers 500": Bad(
        _answer_500,
        4,
        (
            "/healthz answers 500; waiting at most 6 s",
            "answered 500",
            TRACEBACK,
            "RuntimeError: the pier is broken",
            "has already run (flask --app app init-db)",
        ),
    ),
    "contradicts itself": Bad(
        _contradict_requirements, 4, ("werkzeug", "correct requirements.txt")
    ),
    "fails to migrate": Bad(_fail_to_migrate, 4, ("app/database.py", "RuntimeError: no such pier")),
    "lacks a variable": Bad(_want_a_variable, 2, ("HELLO_NOT_THERE", "TOKEN")),
    "has a server that cannot start": Bad(_break_server_settings, 4, ("SyntaxError",)),
}


@dataclass(frozen=True)
class Harbour:
    """A site with visitors, and a project whose releases are good until they are spoiled."""

    lab: Lab
    project: Project
    host: LabHost
    inventory: str
    commit: str

    def fab(self, *arguments: str) -> Result:
        return self.project.fab("-H", self.host.name, *arguments)

    def make_good(self) -> None:
        """Have a project again from which good releases come."""
        self.project.git("reset", "--quiet", "--hard", self.commit)
        self.project.inventory.write_text(self.inventory)
        (self.project.directory / "templates" / "gunicorn" / "server.py.j2").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def harbour(
    lab: Lab, bookworm_road: Road, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harbour]:
    project = Project.create(tmp_path_factory.mktemp("bad") / "project", lab)
    host = bookworm_road.host
    lead_domains_to(lab, host)
    host.restore("deployed")
    lift_rate_limit(project, host)
    commit = project.git("rev-parse", "HEAD").strip()
    yield Harbour(lab, project, host, project.inventory.read_text(), commit)
    host.power_cut()


@pytest.mark.parametrize("bad", BAD.values(), ids=[name.replace(" ", "-") for name in BAD])
def test_visitors_never_see_a_release_that(harbour: Harbour, bad: Bad):
    harbour.make_good()
    live = deploy(harbour.project, harbour.host)
    with visitors(harbour.lab, harbour.host) as visits:
        bad.spoil(harbour.project)
        refused = harbour.fab("deploy")
        shown = harbour.fab("releases").must_succeed().stdout
        must_run_only(harbour.host, live)
        venvs = harbour.host.shell("ls -d /srv/hello/venvs/*; ls -d /srv/hello/venvs/*/.ready")
        harbour.make_good()
        after = deploy(harbour.project, harbour.host)
    assert refused.code == bad.code, refused.output
    for words in bad.said:
        assert words in refused.output, refused.output
    assert "is live" not in refused.output
    assert "this is a bug" not in refused.output
    # The controller's own code never shows: a traceback is the app's.
    assert "provisioning/" not in refused.output
    assert f"{live}  live" in shown
    # An environment that was not built to its end is not there.
    directories = venvs.split()
    assert len(directories) % 2 == 0, directories
    visits.must_have_lost_nothing()
    assert visits.releases == {live, after}


def test_a_first_release_that_is_bad_leaves_the_page_that_was_there(
    lab: Lab, project: Project, provisioned_host
):
    host = provisioned_host()
    _raise_on_import(project)
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4, refused.output
    assert "RuntimeError: the tide is out" in refused.output
    assert Site(lab, host).get("/").status == 503
    assert host.run("test", "-L", "/srv/hello/live.sock", check=False).returncode == 1
    assert units(host) == []
    assert left_behind(host) == []
    project.edit(APP, 'raise RuntimeError("the tide is out")\n', "")
    live = deploy_change(project, host)
    must_run_only(host, live)
    assert Site(lab, host).get("/").status == 200
