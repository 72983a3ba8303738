"""From a bare host to a provisioned one, cut off at every step on the way.

One journey: each run is struck at the next boundary, and the next run goes on from there.
In the end the host must be what it is after one run that nothing has disturbed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping

from provisioning.agent.inbox import LEASE_S
from provisioning.lab import LabHost
from tests.chaos.faults import (
    AGENT,
    CONTROLLER,
    POWER_CUT,
    REBOOT,
    SILENCE,
    Fault,
    Struck,
    bring_back,
    end,
    wait_until_free,
)
from tests.chaos.moments import Moment, Moments, boundaries, make_agent
from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.scene import Scene
from tests.chaos.stage import DOMAINS
from tests.e2e.project import Project
from tests.e2e.steps import PATIENCE_S
from tests.e2e.through_proxy import through_proxy
from tests.proxy import Proxy

FAULTS = (CONTROLLER, AGENT, REBOOT, POWER_CUT)
"""A bare host has neither visitors nor runs that outlive their caller."""

SILENCES = 2
"""In a journey: each costs the length of a lease."""

LATER_S = 6.0
"""Installing packages takes so long, in which the run itself does nothing."""


def run(scene: Scene, suite: str, *, every: int = 1) -> Iterator[Row]:
    """Go the way once undisturbed, then struck at each boundary, then within each step.

    Args:
        scene: The scene.
        suite: The host's Debian.
        every: 1 for every boundary; 2 for every other, and so on.
    """
    name = f"bare-{suite}"
    directory = scene.directory / name
    project = Project.create(directory / "project", scene.lab)
    project.program = make_agent(directory)
    host = scene.lab.up([name], suite=suite)[0]
    for domain in DOMAINS:
        scene.lab.set_domain(domain, name)
    try:
        counts, undisturbed = _undisturbed(scene, project, host)
        steps = boundaries(counts)
        chance = scene.random
        inside = [
            Moment(each.at, chance.randint(1, counts[each.at]), hold=chance.random() < 0.5)
            for each in steps
            if each.at != "begin"
        ]
        for moments in (steps, inside):
            yield from _journey(scene, project, host, moments[::every], undisturbed)
    finally:
        host.power_cut()


def _undisturbed(scene: Scene, project: Project, host: LabHost) -> tuple[Mapping[str, int], Look]:
    scene.say(f"{host.name}: provisioned without any fault")
    moments = Moments(host)
    moments.begin_counting()
    project.fab("-H", host.name, "provision").must_succeed()
    counts = moments.counted()
    return counts, look_at(host, packages=True)


def _journey(
    scene: Scene, project: Project, host: LabHost, moments: list[Moment], undisturbed: Look
) -> Iterator[Row]:
    host.reset()
    silences = set(scene.random.sample(range(len(moments)), min(SILENCES, len(moments))))
    rows = []
    for number, moment in enumerate(moments):
        fault = SILENCE if number in silences else scene.random.choice(FAULTS)
        scene.say(f"{host.name}: {number + 1} of {len(moments)}, {fault.name} at {moment}")
        row = Row(fault.name, f"bare provision: {moment.at}")
        said = _strike(project, host, moment, fault, scene.random)
        if said is None:
            continue
        row.tried = 1
        if "Traceback" in said:
            row.wrong.append(f"the command shows a traceback: {said[-1500:]}")
        rows.append(row)
    last = project.fab("-H", host.name, "provision")
    look = look_at(host, packages=True)
    wrong = look.differences(undisturbed)[:20]
    if last.code != 0:
        wrong.append(f"the last run ended with {last.code}: {last.output[-1500:]}")
    for row in rows:
        row.converged = int(not wrong)
        yield row
    # Of a whole journey: which of its faults has caused them is not known.
    if wrong or look.left_over:
        yield Row("all of these", "bare provision", 1, wrong=wrong, left_over=look.left_over)


def _strike(
    project: Project, host: LabHost, moment: Moment, fault: Fault, chance: random.Random
) -> str | None:
    """Return what the command said; None if it ended before it came to that moment."""
    if fault is SILENCE:
        with through_proxy(project, host) as proxy:
            return _strike_through(project, host, moment, fault, chance, proxy)
    return _strike_through(project, host, moment, fault, chance, None)


def _strike_through(
    project: Project,
    host: LabHost,
    moment: Moment,
    fault: Fault,
    chance: random.Random,
    proxy: Proxy | None,
) -> str | None:
    moments = Moments(host)
    moments.arm(moment)
    booted = host.start_time
    process = project.start("-H", host.name, "provision")
    try:
        run = moments.wait(process)
        if run is None:
            return None
        if not moment.hold:
            time.sleep(chance.random() * LATER_S)
        fault.strike(Struck(host, process, run, background=False, proxy=proxy))
        if fault is SILENCE:
            time.sleep(LEASE_S)
        if host.is_on:
            moments.let_go()
        if fault.takes_host:
            bring_back(host, booted)
        assert wait_until_free(host), "the lock is not freed"
        if fault is SILENCE:
            process.kill()
    finally:
        said = end(process, PATIENCE_S)
        if host.is_on:
            moments.let_go()
    return said
