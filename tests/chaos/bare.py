"""From a bare host to a provisioned one, cut off at every step on the way.

One journey: each run is struck at the next boundary, and the next run goes on from there.
In the end the host must be what it is after one run that nothing has disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from provisioning.agent.runs.inbox import LEASE_S
from provisioning.lab import LabHost
from tests.chaos.faults import AGENT, CONTROLLER, POWER_CUT, REBOOT, SILENCE
from tests.chaos.moments import Moment, Moments, boundaries, make_agent
from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.scene import Scene
from tests.chaos.strike import Strike
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to

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
    lead_domains_to(scene.lab, host)
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
        outcome = Strike(
            project, host, ("provision",), False, fault, moment, LATER_S, held_s=LEASE_S
        ).carry_out(scene.random)
        if outcome is not None:
            row = Row(fault.name, f"bare provision: {moment.at}", 1, wrong=list(outcome.wrong))
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
