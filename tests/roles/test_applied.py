"""Which settings wait for a provision: exactly those that change what a provision would do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.system import System
from provisioning.agent.resource import encode
from provisioning.agent.resources.applied_settings import applied_settings
from provisioning.inventory import Inventory
from provisioning.resources import AppliedSettings
from provisioning.roles import compile_host, settings_to_apply, waiting
from provisioning.roles.applied import DEPLOYED
from tests.roles.samples import BOOKWORM, HELLO, inventory

BY_DEPLOYS = {
    "build": '["true"]',
    "env": '{ A = "b" }',
    "keep_releases": "9",
    "migrate": '"flask db upgrade"',
    "processes": '{ worker = "celery worker" }',
    "relax": '["jit"]',
    "requirements": '"uv.lock"',
    "secrets": "{ S = { generate = 32 } }",
    "server": '"waitress"',
    "threads": "9",
    "timers": '{ nightly = { run = "x", at = "daily" } }',
    "workers": "3",
}
BY_PROVISIONS = {
    "burst": "41",
    "csp": '"strict"',
    "disk_max": '"5g"',
    "domains": '["other.example.com"]',
    "headers": '{ X-Extra = "b" }',
    "health": '"/up"',
    "hsts": '"5m"',
    "max_body": '"11m"',
    "prefix": '"/shop/"',
    "rate_limit": '"21r/s"',
    "redirect": '["old.example.com"]',
    "static": '{ "/s/" = "s" }',
    "timeout_s": "31",
    "trusted_proxies": '["192.0.2.0/24"]',
    "web_server": '"caddy"',
}
MADE_AT_DEPLOYS = ("applied-settings:", "packages:app-", "shared-folders:")


def changed(folder: Path, key: str, value: str) -> Inventory:
    text = re.sub(rf"(?m)^{key} = .*\n", "", HELLO)
    return inventory(folder, f"{text}{key} = {value}\n")


def plan(made: Inventory) -> dict[str, object]:
    host = next(iter(made.hosts.values()))
    return {
        each.id: encode(each)
        for each in compile_host(made, host, BOOKWORM).resources
        if not each.id.startswith(MADE_AT_DEPLOYS)
    }


def words(before: Inventory, after: Inventory) -> str:
    wanted = settings_to_apply(after, after.apps["hello"])
    return waiting(wanted, settings_to_apply(before, before.apps["hello"]))


@pytest.mark.parametrize("key", BY_DEPLOYS)
def test_what_a_deploy_applies_does_not_wait(tmp_path: Path, key: str) -> None:
    before, after = inventory(tmp_path / "a", HELLO), changed(tmp_path / "b", key, BY_DEPLOYS[key])
    assert plan(before) == plan(after)
    assert words(before, after) == ""


@pytest.mark.parametrize("key", BY_PROVISIONS)
def test_what_only_a_provision_applies_waits(tmp_path: Path, key: str) -> None:
    before = inventory(tmp_path / "a", HELLO)
    after = changed(tmp_path / "b", key, BY_PROVISIONS[key])
    assert plan(before) != plan(after)
    assert words(before, after) == f"1 change waits for fab provision: {key}"
    assert words(after, before) == f"1 change waits for fab provision: {key}"


def test_several_are_counted(tmp_path: Path) -> None:
    before = inventory(tmp_path / "a", HELLO)
    after = inventory(
        tmp_path / "b", HELLO + 'max_body = "11m"\nstatic = { "/s/" = "s" }\nworkers = 3\n'
    )
    assert words(before, after) == "2 changes wait for fab provision: max_body, static"


def test_where_certificates_come_from_waits(tmp_path: Path) -> None:
    before = inventory(tmp_path / "a", HELLO)
    after = inventory(tmp_path / "b", HELLO + '[tls]\nmethod = "self-signed"\n')
    assert words(before, after) == "1 change waits for fab provision: tls"


def test_a_file_that_is_named_counts_with_its_content(tmp_path: Path) -> None:
    made = inventory(tmp_path, HELLO + 'snippet = "more.conf"\n')
    digests = []
    for text in ("gzip off;\n", "gzip on;\n"):
        (tmp_path / "inventory" / "more.conf").write_text(text)
        digests.append(settings_to_apply(made, made.apps["hello"]))
    assert waiting(digests[1], digests[0]) == "1 change waits for fab provision: snippet"


def test_of_a_host_that_an_earlier_homeport_provisioned_nothing_is_said(tmp_path: Path) -> None:
    made = inventory(tmp_path, HELLO)
    assert waiting(settings_to_apply(made, made.apps["hello"]), {}) == ""


def test_every_key_that_a_deploy_applies_is_one(tmp_path: Path) -> None:
    app = inventory(tmp_path, HELLO).apps["hello"]
    assert set(type(app).model_fields) >= DEPLOYED
    assert not DEPLOYED & BY_PROVISIONS.keys()


def test_a_host_remembers_them_once_all_else_is_done(tmp_path: Path) -> None:
    memory = Memory()
    system = System(lambda text: None, memory=memory)
    made = AppliedSettings("hello", {"static": "0" * 16})
    assert applied_settings(memory, "hello") == {}
    assert made.actual(system) != made.desired()
    made.apply(system, {})
    assert made.actual(system) == made.desired()
    assert applied_settings(memory, "hello") == {"static": "0" * 16}
    last = list(plan_ids(inventory(tmp_path, HELLO)))[-1]
    assert last == "applied-settings:hello"


def plan_ids(made: Inventory) -> list[str]:
    host = next(iter(made.hosts.values()))
    return [each.id for each in compile_host(made, host, BOOKWORM).resources]
