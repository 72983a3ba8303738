"""Desired state of whole hosts, as a reviewer reads it.

tests/golden/<case>/ holds what went in (inventory.toml, facts.json, roles/) and what came
out: desired.json, and below files/ every file as it would lie on the host. After a change on
purpose: HOMEPORT_UPDATE_GOLDEN=1 pytest tests/roles/test_golden.py, then read the diff.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.agent.resource import encode
from provisioning.roles import app_server, compile_host, load_own_roles, release_units
from provisioning.roles.site import Given, Snippet
from provisioning.secrets import Secret
from tests.roles.samples import files_of, inventory

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/inventory.toml"))


def outcome(case: str, scratch: Path) -> dict[str, str]:
    """Return path below the case's directory -> text."""
    source = GOLDEN / case
    if (source / "roles").is_dir():
        shutil.copytree(source / "roles", scratch / "roles")
    made = inventory(scratch, (source / "inventory.toml").read_text())
    facts = Facts.from_json(json.loads((source / "facts.json").read_text()))
    host = next(iter(made.hosts.values()))
    given = {
        app.name: Given(
            {user: Secret(f"{user}'s") for user in app.basic_auth},
            Snippet(app.snippet, (source / app.snippet).read_text()) if app.snippet else None,
            (source / app.client_ca).read_text() if app.client_ca else "",
        )
        for app in made.apps_on(host)
    }
    own_roles = load_own_roles(source)
    resources = compile_host(made, host, facts, own_roles, given=given).resources
    texts = {f"files{path}": text for path, text in files_of(resources)}
    digests = {
        blob.digest: f"<{path}>"
        for resource in resources
        for blob in resource.blobs()
        for path, text in texts.items()
        if blob.data == text.encode()
    }

    def readable(value):
        if isinstance(value, dict) and "blob" in value:
            return digests.get(value["blob"], value)
        if isinstance(value, dict):
            return {key: readable(each) for key, each in value.get("map", value).items()}
        return [readable(each) for each in value] if isinstance(value, list) else value

    for app in made.apps_on(host):
        release = f"files{AppLayout(app.name).release('RELEASE')}"
        for name, text in app_server(app.served_by).files(app, facts, "RELEASE").items():
            texts[f"{release}/{name}"] = text
        folder = AppLayout(app.name).units("RELEASE")
        for name, text in release_units(app, facts, "RELEASE").items():
            texts[f"files{folder}/{name}"] = text
    desired = [{"id": each.id, **readable(encode(each))} for each in resources]
    return {"desired.json": json.dumps(desired, indent=2) + "\n", **texts}


@pytest.mark.parametrize("case", CASES)
def test_desired_state_is_what_was_last_agreed_on(case, tmp_path):
    made = outcome(case, tmp_path)
    folder = GOLDEN / case
    if os.environ.get("HOMEPORT_UPDATE_GOLDEN"):
        shutil.rmtree(folder / "files", ignore_errors=True)
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    agreed = {
        str(path.relative_to(folder)): path.read_text()
        for path in (folder / "desired.json", *folder.glob("files/**/*"))
        if path.is_file()
    }
    assert sorted(made) == sorted(agreed)
    for path, text in agreed.items():
        assert made[path] == text, path


def test_there_are_cases_for_both_releases_and_for_every_way_to_certificates():
    assert CASES == [
        "bookworm-acme",
        "caddy-acme",
        "caddy-after-nginx",
        "nginx-after-caddy",
        "plain-http",
        "shared-domain",
        "trixie-container",
        "trixie-self-signed",
    ]


@pytest.mark.parametrize("case", CASES)
def test_compiling_twice_gives_the_same(case, tmp_path):
    assert outcome(case, tmp_path / "1") == outcome(case, tmp_path / "2")
