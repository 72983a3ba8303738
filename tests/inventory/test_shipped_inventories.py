"""The inventories of this repository: the documented example and the lab."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from provisioning.inventory import App, Host, Ssh, Tls, load, schema
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.app_servers.gunicorn import GunicornSettings
from provisioning.inventory.models.app_servers.uvicorn import UvicornSettings
from provisioning.inventory.models.app_servers.uwsgi import UwsgiSettings
from provisioning.inventory.models.app_servers.waitress import WaitressSettings
from provisioning.inventory.models.hooks import Hook

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "inventory"


def test_the_example_loads_and_means_what_its_comments_say() -> None:
    inventory = load(REPOSITORY, "example")
    assert set(inventory.hosts) == {"web1", "web2"}
    app = inventory.apps["hello"]
    assert inventory.source_of(app) == REPOSITORY / "examples" / "hello"
    assert set(app.secrets) == {"SECRET_KEY", "DATABASE_URL", "API_TOKEN", "SIGNING_KEY"}


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (Host, "[hosts.web1]"),
        (App, "[apps.hello]"),
        (Hook, "[[apps.hello.hooks]]"),
        (GunicornSettings, "[apps.hello.gunicorn]"),
        (UvicornSettings, "# [apps.hello.uvicorn]"),
        (UwsgiSettings, "# [apps.hello.uwsgi]"),
        (WaitressSettings, "# [apps.hello.waitress]"),
        (Tls, "[tls]"),
        (Ssh, "[ssh]"),
    ],
)
def test_every_key_there_is_stands_in_the_example_with_a_word_about_it(
    model: type[Host | App | Hook | Tls | Ssh], heading: str
) -> None:
    text = (FOLDER / "example.toml").read_text()
    table = text[text.index(f"\n{heading}") :]
    end = re.search(r"\n# ----", table)
    table = table[: end.start()] if end else table
    for key in model.key_names() - {"name", "settings"}:
        written = re.search(rf"^(# )?(\[\[?apps\.hello\.)?{key}( = |\]).*#.*$", table, re.MULTILINE)
        assert written, f"{key} is not explained in {heading}"


def test_values_in_the_example_that_are_called_defaults_are_the_defaults() -> None:
    given = tomllib.loads((FOLDER / "example.toml").read_text())["apps"]["hello"]
    defaults = App(name="hello", source=".", wsgi="app:app", domains=["a.example.com"])
    for key in (
        "server",
        "workers",
        "max_requests",
        "threads",
        "timeout_s",
        "network",
        "python",
        "web_server",
        "health",
        "rate_limit",
        "burst",
        "max_body",
        "csp",
        "hsts",
        "hsts_subdomains",
        "hsts_preload",
        "static_max_age",
        "keep_releases",
        "start_timeout_s",
        "drain_timeout_s",
        "requirements",
        "migrate_compatible",
    ):
        default = getattr(defaults, key)
        assert given[key] == (default if isinstance(default, bool | int) else str(default)), key


def test_the_lab_is_what_a_command_without_env_acts_on_here() -> None:
    inventory = load(REPOSITORY, environ={})
    assert inventory.environment == "lab"
    assert inventory.tls.is_lab
    assert inventory.hosts["web1"].user == "root"
    app = inventory.apps["hello"]
    assert app.domains == ("hello.lab", "www.hello.lab")
    source = inventory.source_of(app)
    assert (source / app.requirements).is_file()
    assert all((source / folder).is_dir() for folder in app.static.values())


def test_the_schema_accepts_every_inventory_of_this_repository() -> None:
    validator = Draft202012Validator(schema())
    Draft202012Validator.check_schema(schema())
    paths = sorted(FOLDER.glob("*.toml"))
    assert {"example.toml", "lab.toml"} <= {path.name for path in paths}
    for path in paths:
        mistakes = [each.message for each in validator.iter_errors(tomllib.loads(path.read_text()))]
        assert mistakes == [], path.name


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("hosts", "adress", "192.0.2.1"),
        ("hosts", "name", "web1"),
        ("hosts", "port", "22"),
        ("hosts", "sudo_password", "canary"),
        ("apps", "worker_class", "gthread"),
        ("apps", "settings", {}),
        ("apps", "gunicorn", {"worker_class": "gthred"}),
        ("apps", "gunicorn", {"bind": "0.0.0.0:80"}),
        ("apps", "uwsgi", {"bind": "x"}),
        ("apps", "mod_wsgi", {}),
        ("apps", "server", "gunicor"),
        ("apps", "max_body", "huge"),
        ("apps", "workers", -1),
        ("apps", "domains", []),
        ("apps", "secrets", {"A": "canary"}),
        ("apps", "secrets", {"A": {"env": "X", "file": "y"}}),
        ("apps", "static", {"static": "x"}),
        ("apps", "memory_max", None),
        ("apps", "hooks", [{"at": "before-flp", "run": "x"}]),
        ("apps", "hooks", [{"at": "after-switch", "webhook": "https://example.com/canary"}]),
    ],
)
def test_the_schema_refuses_what_loading_refuses(table: str, key: str, value: object) -> None:
    document = tomllib.loads((FOLDER / "lab.toml").read_text())
    next(iter(document[table].values()))[key] = value
    assert not Draft202012Validator(schema()).is_valid(document)


def test_the_schema_describes_every_key_and_knows_the_tables() -> None:
    made = schema()
    assert made["$defs"]["App"]["properties"]["server"]["enum"] == sorted(APP_SERVERS)
    assert made["$defs"]["App"]["properties"]["hsts"]["default"] == "730d"
    assert all(each in made["$defs"]["App"]["properties"] for each in APP_SERVERS)
    for model in made["$defs"].values():
        for key, described in model["properties"].items():
            assert described["description"].endswith((".", "/")), key
    assert "null" not in json.dumps(made)


def test_the_schema_beside_the_inventories_is_the_current_one() -> None:
    assert json.loads((FOLDER / "schema.json").read_text()) == schema()
