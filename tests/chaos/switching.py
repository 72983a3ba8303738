"""Deploys, rollbacks and provisions of a live host: every fault at every boundary."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from tests.chaos.disturbance import Disturbance
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.moments import Moment, between, boundaries
from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage, stage
from tests.chaos.subjects import SUBJECTS, Subject
from tests.chaos.trouble import Undisturbed

Try = tuple[Moment, Fault]
Share = tuple[int, int]
"""(i, n): the i-th of every n; several hosts share the work."""


def run(scene: Scene, suite: str, share: Share, extra: int) -> Iterator[Row]:
    """Disturb commands on one host.

    Args:
        scene: The scene.
        suite: The host's Debian.
        share: Which boundaries and faults are tried here.
        extra: So many moments between boundaries are tried for each command.
    """
    with stage(scene, suite) as where:
        for kind in SUBJECTS:
            yield from disturb(where, kind(where), share, extra)


def disturb(where: Stage, subject: Subject, share: Share, extra: int) -> Iterator[Row]:
    """Disturb one command at all its boundaries, and at moments between."""
    counts, undisturbed = learn(where, subject)
    tries = _tries(subject, counts, share, extra, where.scene.random)
    for number, (moment, fault) in enumerate(tries, 1):
        where.scene.say(
            f"{where.host.name}: {number} of {len(tries)}, {subject.name}, {fault.name} at {moment}"
        )
        row = Disturbance(where, subject, fault, moment, undisturbed).carry_out()
        if row is None and moment in boundaries(counts):
            row = Row(fault.name, f"{subject.name}: {moment.at}", wrong=["it never came to that"])
        if row is not None:
            yield row
            if not row.is_good:
                where.mend()


def at_random(
    where: Stage, subject: Subject, learnt: Undisturbed, faults: Iterable[Fault]
) -> Iterator[Row]:
    """Disturb one command by one fault after the other, at any moments.

    Args:
        where: The stage.
        subject: The command.
        learnt: See `learn`.
        faults: One for each row.
    """
    counts, undisturbed = learnt
    moments = between(counts, where.scene.random)
    for number, fault in enumerate(faults, 1):
        row = None
        # Some moments never come: what was to be done then is done already.
        while row is None:
            moment = next(moments)
            where.scene.say(
                f"{where.host.name}: {number}, {subject.name}, {fault.name} at {moment}"
            )
            row = Disturbance(where, subject, fault, moment, undisturbed).carry_out()
        yield row
        if not row.is_good:
            where.mend()


def learn(
    where: Stage, subject: Subject, runs: int = 4
) -> tuple[Mapping[str, int], Mapping[str, Look]]:
    """Return how many moments a command has, and what it makes of the host in each variant.

    Args:
        where: The stage.
        subject: The command.
        runs: Undisturbed runs. If each variant has two, they must make the same of the host:
            otherwise it is compared by what does not count.
    """
    counts: dict[str, int] = {}
    looks: dict[str, Look] = {}
    for _ in range(runs):
        subject.prepare()
        where.moments.begin_counting()
        where.fab(*subject.arguments).must_succeed()
        for at, calls in where.moments.counted().items():
            counts[at] = max(calls, counts.get(at, 0))
        look = look_at(where.host)
        before = looks.get(subject.variant, look)
        assert not look.differences(before), look.differences(before)
        assert not look.left_over, look.left_over
        looks[subject.variant] = look
    return counts, looks


def _tries(
    subject: Subject, counts: Mapping[str, int], share: Share, extra: int, chance: random.Random
) -> list[Try]:
    chosen = subject.stage.scene.faults
    faults = [
        each
        for each in FAULTS
        if (subject.background or not each.background_only) and (not chosen or each.name in chosen)
    ]
    all_ = list(product(boundaries(counts), faults))
    # In any order: what one leaves behind, another may stumble over. All hosts share one order.
    random.Random(subject.name).shuffle(all_)
    index, shares = share
    mine = all_[index::shares]
    moments = between(counts, chance)
    return mine + [(next(moments), chance.choice(faults)) for _ in range(extra)]
