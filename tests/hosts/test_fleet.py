"""Several commands want the same hosts at once: one gets them all, the others keep none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provisioning.hosts.fleet import Fleet
from tests.fakes.remote_host import LockedHost

HOSTS = ("web1", "web2", "web3")


def fleets(*orders: tuple[str, ...]) -> list[Any]:
    locks = {name: threading.Lock() for name in HOSTS}
    return [Fleet([LockedHost(name, locks) for name in order]) for order in orders]


def held(fleet: Any) -> list[str]:
    return [run.name for run in fleet.runs if run.has_host]


def test_of_commands_for_the_same_hosts_in_any_order_one_gets_them_all():
    for _ in range(50):
        contenders = fleets(HOSTS, HOSTS[::-1], ("web2", "web3", "web1"))
        with ThreadPoolExecutor(len(contenders)) as pool:
            got = list(pool.map(lambda fleet: fleet.begin("deploy of hello"), contenders))
        assert got.count(True) == 1
        winner = contenders[got.index(True)]
        assert sorted(held(winner)) == list(HOSTS)


def test_a_command_that_does_not_get_all_hosts_keeps_none():
    ours, theirs = fleets(HOSTS, ("web3",))
    assert theirs.begin("provision")
    assert not ours.begin("deploy of hello")
    assert held(ours) == []
    errors = {run.name: run.report.error for run in ours.runs}
    assert [name for name, error in errors.items() if error] == ["web3"]
