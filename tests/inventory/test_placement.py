"""Processes and timers on some of an app's hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from tests.roles.samples import inventory

TEXT = """
[hosts.db1]
[hosts.web1]
groups = ["web"]
[hosts.web2]
groups = ["web", "late"]
[hosts.web3]
groups = ["web", "late"]

[apps.hello]
source = "../hello"
wsgi = "app:app"
domains = ["hello.example.com"]
hosts = ["web"]

[apps.hello.processes]
worker = "celery worker"
{process}

[apps.hello.timers]
{timer}
"""


@pytest.mark.parametrize(
    ("keys", "there"),
    [
        ("", ["web1", "web2", "web3"]),
        (", once = true", ["web1"]),
        (', hosts = ["web2"]', ["web2"]),
        (', hosts = ["late"]', ["web2", "web3"]),
        (', hosts = ["web3", "late"], once = true', ["web2"]),
    ],
)
def test_they_run_where_the_inventory_says(keys: str, there: list[str], tmp_path: Path) -> None:
    process = f'beat = {{ run = "celery beat"{keys} }}'
    timer = f'nightly = {{ run = "tidy", at = "03:00"{keys} }}'
    made = inventory(tmp_path, TEXT.format(process=process, timer=timer))
    app = made.apps["hello"]
    placed = {name: made.app_on(app, name) for name in made.hosts if name != "db1"}
    assert [name for name, each in placed.items() if "beat" in each.processes] == there
    assert [name for name, each in placed.items() if "nightly" in each.timers] == there
    assert all("worker" in each.processes for each in placed.values())


def test_a_host_that_only_has_an_address_has_what_runs_on_all(tmp_path: Path) -> None:
    text = """
[apps.hello]
source = "../hello"
wsgi = "app:app"
domains = ["hello.example.com"]
processes = { a = "x", b = { run = "y", once = true }, c = { run = "z", hosts = ["web1"] } }
"""
    made = inventory(tmp_path, text)
    assert list(made.app_on(made.apps["hello"], "203.0.113.9").processes) == ["a"]


@pytest.mark.parametrize(
    ("host", "mistake"),
    [
        ("web9", 'processes.beat.hosts: there is no host or group "web9"'),
        ("db1", 'processes.beat.hosts: the app does not run on "db1"'),
    ],
)
def test_a_host_on_which_it_would_never_run_is_a_mistake(
    host: str, mistake: str, tmp_path: Path
) -> None:
    process = f'beat = {{ run = "celery beat", hosts = ["{host}"] }}'
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, TEXT.format(process=process, timer=""))
    assert mistake in refused.value.output
