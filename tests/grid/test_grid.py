"""The grid knows every server, and what it makes of a project can be read."""

from __future__ import annotations

from itertools import pairwise, permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioning.inventory import load
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.lab import Lab
from tests.e2e.project import Project
from tests.grid.__main__ import WAYS, main
from tests.grid.bad import BAD, Bad
from tests.grid.cell import tour
from tests.grid.result import Result, markdown
from tests.grid.rows import ROWS, Inventory, Row, missing, web_servers


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose lab is not there: nothing is asked of a host."""
    nowhere = SimpleNamespace(ssh_config=tmp_path / "lab" / "ssh_config")
    return Project.create(tmp_path / "project", cast(Lab, nowhere))


def test_the_grid_has_a_row_for_every_app_server() -> None:
    assert missing() == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("web_server", web_servers())
def test_the_inventory_of_each_cell_is_right(project: Project, row: Row, web_server: str) -> None:
    inventory = Inventory(project, web_server)
    for _ in range(2):  # Another one takes its place.
        inventory.use(ROWS[0])
        inventory.use(row)
    app = load(project.directory, "lab").apps["hello"]
    assert (app.server, app.web_server, app.rate_limit) == (row.server, web_server, None)
    assert app.keep_releases == len(ROWS)
    settings: Any = app.server_settings(APP_SERVERS[row.server])
    assert all(
        f'"{value}"' in row.table for value in settings.model_dump(exclude_unset=True).values()
    )


@pytest.mark.parametrize("places", ["a", "ab", "abc", "abcdefg"])
def test_a_tour_goes_each_way_once(places: str) -> None:
    gone = list(pairwise([places[0], *tour(places)]))
    assert sorted(gone) == sorted(permutations(places, 2))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_releases_are_another_code_and_mended_again(project: Project, bad: Bad) -> None:
    before = (project.app / bad.path).read_text()
    text = bad.spoil(project)
    spoilt = (project.app / bad.path).read_text()
    compile(spoilt, bad.path, "exec")
    assert bad.words.partition(": ")[2] or bad.words in spoilt
    bad.mend(project, text)
    assert (project.app / bad.path).read_text() == before != spoilt


@pytest.mark.parametrize(
    "spoil",
    [{"changes": ["file:/x"]}, {"failed": 1}, {"wrong": ["no"]}, {"requests": 0}],
    ids=lambda spoil: next(iter(spoil)),
)
def test_a_cell_in_which_anything_is_wrong_is_not_good(spoil: dict[str, Any]) -> None:
    good: dict[str, Any] = {"requests": 1000}
    assert Result("uwsgi", "nginx", "trixie", **good).is_good
    assert not Result("uwsgi", "nginx", "trixie", **{**good, **spoil}).is_good


def test_the_table_is_one_of_the_docs() -> None:
    lines = markdown([Result("uwsgi", "nginx", "trixie", deploys=5, requests=1234)]).splitlines()
    assert lines[2] == "| uwsgi | nginx | trixie | 0 | 5 | 0 | 0 | 1,234 | 0 |"
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize("arguments", [["--rows", "apache"], ["--suites", f"{WAYS}"]])
def test_what_the_grid_has_not_is_refused_with_what_it_has(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "there is no" in capsys.readouterr().err
