"""Many hosts, deployed to in turn, and each time one of them fails at a random state.

When the command returns, no two releases are live among the hosts, unless its summary names
the host that could not be reached. The next deploy makes all of them equal again. If it is the
command that is killed, the hosts end on one release by themselves.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from provisioning.lab import LabHost
from tests.chaos.heard import Heard, listen
from tests.chaos.host_faults import ALL, Fault, settle
from tests.chaos.host_side import stale
from tests.chaos.row import Row
from tests.chaos.scene import Scene
from tests.chaos.sites import SUITES, shortened
from tests.chaos.words import blunders
from tests.e2e.project import Project
from tests.e2e.steps import change_code, must_run_only

DISK_MB = 700
"""Of each host: what is on it after some deploys, and as much again."""

BATCHES = ("1", "5", '"25%"', '"100%"')

STRICT = 'csp = "strict"\n'
"""A line of the app's table, after which others can stand."""

PATIENCE_S = 1800

EXIT_CODES = (0, 1, 3, 4)
KILLED = -signal.SIGKILL


def run(scene: Scene, hosts: int, rounds: int, faults: Sequence[Fault] = ALL) -> Iterator[Row]:
    """Deploy over and over, one of the hosts failing each time; a row per fault.

    Args:
        scene: Where.
        hosts: How many hosts there are.
        rounds: How many deploys one of them fails in.
        faults: What can befall it.
    """
    names = [f"fleet{number}" for number in range(1, hosts + 1)]
    project = Project.create(scene.directory / "fleet", scene.lab)
    try:
        yield from play(scene, project, _made(scene, project, names), rounds, faults)
    finally:
        for name in names:
            if name in scene.lab.hosts:
                scene.lab.remove(name)


def play(
    scene: Scene,
    project: Project,
    hosts: Sequence[LabHost],
    rounds: int,
    faults: Sequence[Fault] = ALL,
) -> Iterator[Row]:
    """Do that on hosts that are provisioned; see `run`."""
    fleet = _Fleet(scene, project, hosts)
    # The first one may do what later ones need not, such as make a virtualenv.
    fleet.deploy_undisturbed()
    fleet.deploy_undisturbed()
    for number in range(1, rounds + 1):
        fault = scene.random.choice(faults)
        row = Row(fault.name, f"deploys to {len(hosts)} hosts")
        fleet.play(number, fault, row)
        # At once: what ends early must not lose what came before.
        if row.tried or row.wrong:
            yield row


def _made(scene: Scene, project: Project, names: Sequence[str]) -> list[LabHost]:
    """Return new hosts, provisioned all at the same time."""
    # The authority's questions would all be led to one of them.
    before = project.inventory.read_text().partition("[tls]")[0]
    project.inventory.write_text(f'{before}[tls]\nmethod = "self-signed"\n')
    scene.say(f"making {len(names)} hosts")
    made: dict[str, LabHost] = {}
    for number, name in enumerate(names):
        # One after the other: they must boot within a time.
        suite = SUITES[number % len(SUITES)]
        [made[name]] = scene.lab.up([name], suite=suite, disk_size_mb=DISK_MB)
    scene.say(f"provisioning {len(names)} hosts")
    project.fab("-H", ",".join(names), "provision", timeout_s=PATIENCE_S).must_succeed()
    return [made[name] for name in names]


class _Fleet:
    """The hosts, and what is known of them from round to round."""

    def __init__(self, scene: Scene, project: Project, hosts: Sequence[LabHost]) -> None:
        self._scene, self._project, self._hosts = scene, project, hosts
        self._names = ",".join(host.name for host in hosts)
        self._inventory = project.inventory.read_text()
        self._states: Mapping[str, Sequence[str]] = {}

    def deploy_undisturbed(self) -> None:
        """Deploy, and fail the suite unless all hosts are equal afterwards."""
        change_code(self._project)
        heard = self._deploy(None, None, "")
        heard.result.must_succeed()
        self._states = heard.started
        settle(self._hosts)
        assert not self._differences()

    def play(self, number: int, fault: Fault, row: Row) -> None:
        """Deploy while one host fails; judge; then have all hosts equal again."""
        chance = self._scene.random
        victim = chance.choice(self._hosts)
        state = chance.choice(self._states[victim.name])
        batch = chance.choice(BATCHES)
        name = f"round {number}: {fault.name} on {victim.name} at {state}, batch {batch}"
        self._scene.say(name)
        self._project.inventory.write_text(
            self._inventory.replace(STRICT, f"{STRICT}batch = {batch}\n")
        )
        change_code(self._project)
        before = set(self._live().values())
        heard = self._deploy(fault, victim, state)
        if fault.of_controller:
            settle(self._hosts)
        live = self._live()
        killed = heard.struck and fault.of_controller
        wrong = self._judge(heard, live, before, codes=(*EXIT_CODES, *[KILLED] * killed))
        fault.mend(self._scene.lab, victim)
        settle(self._hosts)
        if heard.result.code or len(set(live.values())) > 1:
            change_code(self._project)
            again = self._deploy(None, None, "")
            if again.result.code:
                wrong.append(f"the next deploy failed: {shortened(again.result)}")
            settle(self._hosts)
        differences = self._differences()
        wrong += differences
        row.tried += heard.struck
        if wrong:
            self._scene.say(f"{name}: {'; '.join(wrong)}")
            row.wrong.append(f"{name}: {'; '.join(wrong)}\n{heard.told}")
        elif heard.struck:
            row.converged += 1
        else:
            self._scene.say(f"{name}: it never came to that state")

    def _judge(
        self, heard: Heard, live: Mapping[str, str], before: set[str], codes: Sequence[int]
    ) -> list[str]:
        wrong = blunders(heard.result.output)
        if heard.result.code not in codes:
            wrong.append("it did not end by itself")
        reachable = {
            release for name, release in live.items() if name not in heard.named_unreachable
        }
        if len(reachable) > 1:
            by_release: dict[str, list[str]] = {}
            for host, release in live.items():
                by_release.setdefault(release, []).append(host)
            named = ", ".join(sorted(heard.named_unreachable)) or "nobody"
            wrong.append(f"live when it returned: {by_release}; named as unreachable: {named}")
        if heard.result.code == 0 and set(live.values()) & before:
            wrong.append("it says that it is done, and the release before is live")
        return wrong

    def _deploy(self, fault: Fault | None, victim: LabHost | None, state: str) -> Heard:
        process = self._project.start("-H", self._names, "deploy", "--json")
        struck = False

        def strike(host: str, at: str) -> None:
            nonlocal struck
            if fault and victim and (host, at) == (victim.name, state) and not struck:
                struck = True
                if fault.of_controller:
                    process.kill()
                fault.strike(self._scene.lab, victim)

        heard = listen(process, strike)
        heard.struck = struck
        return heard

    def _live(self) -> dict[str, str]:
        """Return host -> the release that visitors see, or would if it were on."""
        pointers = {host.name: host.path("/srv/hello/live.sock") for host in self._hosts}
        return {
            name: PurePosixPath(pointer.readlink()).stem if pointer.is_symlink() else ""
            for name, pointer in pointers.items()
        }

    def _differences(self) -> list[str]:
        """Return, in words, how the hosts are not all whole and the same."""
        live = self._live()
        found = [] if len(set(live.values())) == 1 else [f"the hosts differ: {live}"]
        with ThreadPoolExecutor(4) as pool:
            for each in pool.map(lambda host: _wrong_on(host, live[host.name]), self._hosts):
                found += each
        return found


def _wrong_on(host: LabHost, release: str) -> list[str]:
    found = [f"{host.name}: {each}" for each in stale(host)]
    try:
        must_run_only(host, release)
    except AssertionError as error:
        found.append(f"{host.name}: {error}")
    return found
