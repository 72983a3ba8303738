"""Each inventory that the docs show is whole, and makes what its heading says."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.facts import Facts
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.protocol.plan import make_plan
from provisioning.roles import compile_host
from provisioning.roles.site import Given
from provisioning.secrets import Secret
from tests.docs.inventories import PAGE, RECIPES, shown
from tests.roles.samples import BOOKWORM, TRIXIE, inventory, units_of

INVENTORIES, APPS = shown(), shown(RECIPES)
LONGEST = 13
"""Lines that are not empty; more would be no start."""


def test_every_block_of_the_page_is_found() -> None:
    assert len(INVENTORIES) == PAGE.read_text().count("```toml\n") > 0
    assert len(APPS) == RECIPES.read_text().count("```toml\n") > 0


def test_there_is_one_for_every_app_server_and_way_of_running(tmp_path: Path) -> None:
    found = set()
    for number, text in enumerate(INVENTORIES.values()):
        app = inventory(tmp_path / str(number), text).apps["hello"]
        settings = app.server_settings(APP_SERVERS[app.server])
        kind = "asgi" if app.asgi else getattr(settings, "worker_class", None)
        found.add((app.server, kind))
    assert found >= {
        ("gunicorn", "sync"),
        ("gunicorn", "gthread"),
        ("gunicorn", "gevent"),
        ("gunicorn", "asgi"),
        ("uvicorn", "asgi"),
        ("uwsgi", None),
        ("waitress", None),
    }
    assert {server for server, _ in found} == set(APP_SERVERS)


@pytest.mark.parametrize("facts", [BOOKWORM, TRIXIE], ids=lambda facts: facts.codename)
@pytest.mark.parametrize("heading", [*INVENTORIES, *APPS])
def test_each_is_compiled_without_a_host(tmp_path: Path, heading: str, facts: Facts) -> None:
    text = {**APPS, **INVENTORIES}[heading]
    assert heading in APPS or len([line for line in text.splitlines() if line]) <= LONGEST
    made = inventory(tmp_path, text)
    (host,) = made.hosts.values()
    given = {
        app.name: Given({user: Secret("a password") for user in app.basic_auth})
        for app in made.apps.values()
    }
    plan = make_plan(compile_host(made, host, facts, given=given).resources)
    assert plan.resources
    for name in made.apps:
        assert units_of(tmp_path, text, name, facts)
