"""Generic code knows no server by name: what is said of one stands in its own files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioning.agent.apps.runtimes import RUNTIMES as KINDS
from provisioning.deploy.runtimes import runtime
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.inventory.models.web_servers import WEB_SERVERS

REPOSITORY = Path(__file__).resolve().parents[2]
ROOT = REPOSITORY / "provisioning"

SERVERS = {*APP_SERVERS, *WEB_SERVERS, "caddy", "uvicorn", "uwsgi", "waitress"}

OWN = (
    "agent/nginx/",
    "agent/resources/neighbours.py",
    "inventory/models/app_servers/",
    "inventory/models/web_servers.py",
    "roles/app_servers/",
    "roles/web_servers/",
)
"""What belongs to one server."""

BESIDES = {
    "agent/facts.py": "facts are of a fixed set of programs",
    "agent/read_facts.py": "as above",
    "agent/ownership/things.py": "where hosts of before have what is Homeport's own",
    "agent/resources/earlier_certificate.py": "what hosts of before have",
    "agent/resources/earlier_renewal.py": "what hosts of before have",
    "commands/check.py": "the programs that the tests themselves need",
    "inventory/types/groups.py": "groups of Debian that no app may be in",
    "inventory/models/app.py": "an example in the key's description",
    "scaffold/server_lines.py": "how projects start their servers themselves",
    "scaffold/dockerfile.py": "a Dockerfile, which its owner changes, starts one",
}
"""Where a server is named for another reason."""


def _generic() -> list[Path]:
    excused = (*OWN, *BESIDES)
    return [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(excused)
    ]


@pytest.mark.parametrize("path", _generic(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_generic_code_knows_no_server_by_name(path: Path) -> None:
    names = re.compile("|".join(sorted(SERVERS)), re.IGNORECASE)
    lines = path.read_text().splitlines()
    assert [line for line in lines if names.search(line)] == []


@pytest.mark.parametrize("folder", ["app", "base", "certbot"])
def test_templates_that_all_apps_share_know_no_server_by_name(folder: str) -> None:
    for path in (REPOSITORY / "templates" / folder).rglob("*.j2"):
        assert not [name for name in SERVERS if name in path.read_text().lower()], path


def test_every_excuse_is_needed() -> None:
    for each in (*OWN, *BESIDES):
        place = ROOT / each
        files = place.rglob("*.py") if place.is_dir() else [place]
        assert any(name in file.read_text().lower() for file in files for name in SERVERS), each


_VIRTUALENV = re.compile(r"\bvenvs?\b")

_OF_VIRTUALENVS = {
    "agent/answers.py": "an example in a docstring",
    "agent/apps/manifest.py": "releases of before, whose manifests list no parts",
    "agent/apps/runtimes/virtualenv.py": "the row",
    "agent/builds/": "builds virtualenvs",
    "agent/layout.py": "knows all paths",
    "agent/resources/virtualenv.py": "the resource",
    "deploy/artifact.py": "what is not deployed",
    "deploy/runtimes/virtualenv.py": "the row",
    "inventory/models/app_servers/uwsgi.py": "a setting of uWSGI",
    "roles/base.py": "a package of Debian",
    "roles/uv.py": "Homeport's own",
    "scaffold/": "what is not the app's code",
}
"""Where virtualenvs are named, and why."""


def test_what_a_release_runs_on_is_known_by_name_in_its_own_files_only() -> None:
    named = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if _VIRTUALENV.search(path.read_text())
    }
    assert {each for each in named if not each.startswith(tuple(_OF_VIRTUALENVS))} == set()
    for excuse in _OF_VIRTUALENVS:
        assert [each for each in named if each.startswith(excuse)], excuse


def test_every_runtime_that_an_inventory_may_name_has_its_files() -> None:
    for name in RUNTIMES:
        row = runtime(name)
        assert all(hasattr(row, each) for each in ("prepare", "keep", "check"))
    assert len({kind.folder for kind in KINDS}) == len({kind.link for kind in KINDS}) == len(KINDS)
