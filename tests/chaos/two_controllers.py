"""Two people start a command at the same time: one does the work, the other is told.

A guard shows from the host's side that never two are inside: a file that must not be there is
made, kept for a moment and removed, by a hook in deploys and rollbacks and by a role in
provisions. The journals show it for the whole length of the runs, and the history of releases
that every one of them followed the one that was live.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence

from provisioning.lab import LabHost
from tests.chaos.host_side import breaks, history, intervals, overlaps, stale
from tests.chaos.row import Row
from tests.chaos.said import Said
from tests.chaos.scene import Scene
from tests.chaos.sites import BETWEEN, shortened, sites, switch_off
from tests.chaos.words import blunders
from tests.e2e.hooks import add_hooks, on_host
from tests.e2e.project import Project, Result
from tests.e2e.steps import PATIENCE_S, agents, change_code, live_on, must_run_only, wait_for

Pair = tuple[str, str]

PAIRS: Sequence[Pair] = (
    ("deploy", "deploy"),
    ("deploy", "rollback"),
    ("deploy", "provision"),
    ("provision", "provision"),
)
WEIGHTS = (4, 2, 2, 1)

SHARE_OF_FLEETS = 0.3
"""Of the rounds that are on two hosts; they come last."""

LATEST_START_S = 1.5
"""So much later the second command starts, at most; a deploy takes longer."""

GUARD = "/srv/hello/shared/instance/inside"
RAN = "/run/guarded-provision"

INSIDE = f"set -e -C; echo $$ > {GUARD}; sleep 0.2; rm {GUARD}"
"""Fails if another one is inside. Source: POSIX, sh: with -C, > takes no file that exists."""

ROLE = f'''
"""Be alone on the host, once."""

from provisioning.resources import Command


def guarded(host, facts):
    script = "{INSIDE}; touch {RAN}"
    return [Command("be alone", ("sh", "-c", script), creates="{RAN}")]
'''


def run(scene: Scene, rounds: int) -> Iterator[Row]:
    """Have two commands start at the same time, over and over; a row per pair.

    Args:
        scene: Where.
        rounds: How many times, over all pairs.
    """
    people = [Project.create(scene.directory / f"person{n}", scene.lab) for n in (1, 2)]
    try:
        hosts = _hosts(people)
        rows: dict[tuple[Pair, int], Row] = {}
        on_one = round(rounds * (1 - SHARE_OF_FLEETS))
        for number in range(1, rounds + 1):
            [pair] = scene.random.choices(PAIRS, WEIGHTS)
            on = hosts[:1] if number <= on_one else hosts
            if number == on_one + 1:
                _make_equal(people, hosts)
            row = rows.setdefault((pair, len(on)), Row(" and ".join(pair), _where(on)))
            _Round(scene, people, on, pair, f"round {number}").play(row)
        yield from rows.values()
    finally:
        switch_off(scene.lab)


def _where(hosts: Sequence[LabHost]) -> str:
    return "one host" if len(hosts) == 1 else f"{len(hosts)} hosts"


def _hosts(people: Sequence[Project]) -> list[LabHost]:
    hosts = sites(people[0])
    for person in people:
        (person.directory / "roles").mkdir()
        (person.directory / "roles" / "guarded.py").write_text(ROLE)
        tables = [f'[hosts.{each.name}]\nuser = "root"\nroles = ["guarded"]\n' for each in hosts]
        person.configure(BETWEEN, "\n".join([*tables, BETWEEN]))
        add_hooks(person, on_host("before-switch", INSIDE))
    _make_equal(people, hosts)
    return hosts


def _make_equal(people: Sequence[Project], hosts: Sequence[LabHost]) -> None:
    """Have the same release live on all hosts, and the same one live before."""
    for person in people:
        change_code(person)
        person.fab("-H", ",".join(host.name for host in hosts), "deploy").must_succeed()


class _Round:
    """Two commands at once, and what must be so afterwards."""

    def __init__(
        self, scene: Scene, people: Sequence[Project], hosts: Sequence[LabHost], pair: Pair,
        name: str,
    ) -> None:  # fmt: skip
        self._scene, self._people, self._hosts = scene, people, hosts
        self._pair, self._name = pair, name
        self._wrong: list[str] = []

    def play(self, row: Row) -> None:
        """Have both commands carried out, and judge."""
        before = {host.name: len(history(host)) for host in self._hosts}
        for host in self._hosts:
            host.shell(f"rm -f {RAN}")
        said = self._carry_out()
        for each in self._hosts:
            wait_for(lambda each=each: not agents(each))
        self._judge_commands(said)
        self._judge_hosts(before, row)
        row.tried += 1
        if self._wrong:
            self._scene.say(f"{self._name}: {'; '.join(self._wrong)}")
            told = "\n".join(f"-- {each.command}: {shortened(each.result)}" for each in said)
            row.wrong.append(f"{self._name}: {'; '.join(self._wrong)}\n{told}")
        else:
            row.converged += 1

    def _carry_out(self) -> list[Said]:
        chance = self._scene.random
        commands = list(self._pair)
        chance.shuffle(commands)
        later_s = chance.uniform(0, LATEST_START_S)
        started: list[tuple[str, subprocess.Popen]] = []
        try:
            said = self._said(started, commands, later_s)
        finally:
            for _, process in started:
                process.kill()
        outcome = f", {later_s:.2f} s later ".join(map(str, said))
        self._scene.say(f"{self._name}, {_where(self._hosts)}: {outcome}")
        return said

    def _said(
        self, started: list[tuple[str, subprocess.Popen]], commands: Sequence[str], later_s: float
    ) -> list[Said]:
        chance = self._scene.random
        for person, command in zip(self._people, commands, strict=True):
            names = [host.name for host in self._hosts]
            chance.shuffle(names)
            if command == "deploy":
                change_code(person)
            if started:
                time.sleep(later_s)
            started.append((command, person.start("-H", ",".join(names), command)))
        said = []
        for command, process in started:
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
            said.append(Said(command, Result(process.returncode, stdout, stderr)))
        return said

    def _judge_commands(self, said: Sequence[Said]) -> None:
        for each in said:
            self._wrong += [f"{each.command}: {it}" for it in blunders(each.result.output)]
            if not (each.did_it or each.watched or each.refused):
                self._wrong.append(f"{each.command} did nothing, and does not say who did")
            if each.result.code != self._right_code(each):
                self._wrong.append(f"{each}: not the right exit code")
        if not any(each.did_it for each in said) and not self._shared_the_hosts(said):
            self._wrong.append("nobody did the work")

    def _right_code(self, said: Said) -> int:
        """Return 0 for who did it; what was watched was never the same: each has own commits."""
        if said.watched:
            return 4
        return 1 if said.refused else 0

    def _shared_the_hosts(self, said: Sequence[Said]) -> bool:
        """Return whether each had hosts that the other was refused: provisions need not agree."""
        return len(self._hosts) > 1 and any(each.command == "provision" for each in said)

    def _judge_hosts(self, before: dict[str, int], row: Row) -> None:
        live = {host.name: live_on(host) for host in self._hosts}
        if len(set(live.values())) > 1:
            self._wrong.append(f"the hosts differ: {live}")
        for host in self._hosts:
            self._wrong += [f"{host.name}: {each}" for each in overlaps(intervals(host))]
            lines = history(host)[max(0, before[host.name] - 1) :]
            self._wrong += [f"{host.name}: {each}" for each in breaks(lines)]
            left = stale(host)
            if host.path(GUARD).exists():
                left.append(GUARD)
                host.path(GUARD).unlink()
            row.left_over += [f"{self._name}, {host.name}: {each}" for each in left]
            try:
                must_run_only(host, live[host.name])
            except AssertionError as error:
                self._wrong.append(f"{host.name}: {error}")
