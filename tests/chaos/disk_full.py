"""The disk full at every write of a deploy and of a provision, and while a host is brought up."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from provisioning.lab import LabHost
from tests.chaos.faults import wait_until_free
from tests.chaos.moments import Moment, make_agent
from tests.chaos.row import Row
from tests.chaos.sameness import Look, look_at
from tests.chaos.scene import Scene
from tests.chaos.small_disk import SmallDisk
from tests.chaos.stage import Stage, stage
from tests.chaos.strike import held_run
from tests.chaos.subjects import Deploy, Provision, Subject
from tests.chaos.switching import learn
from tests.chaos.trouble import FAILED, SHOWN, Trouble, Undisturbed
from tests.chaos.words import blunders
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to

DISK_MB = 800
"""Some 400 MB are in use on a host with the example app and a few releases of it."""

HINT = "free some space"

APP_NEEDS_ROOM = "status 500: b'<!doctype html>"
"""The app's own page: SQLite, in the mode in which the example uses it, makes a file even to read,
as soon as nobody else has the database open."""

BYTES, FILES = "disk full", "no room for another file"


def run(scene: Scene, suite: str, tries: int) -> Iterator[Row]:
    """Fill the disk under commands, on a live host and on a bare one.

    Args:
        scene: The scene.
        suite: The hosts' Debian.
        tries: At so many moments of each command; 0 for all that there are.
    """
    with small_stage(scene, suite) as where:
        for subject in (Deploy(where), Provision(where)):
            undisturbed = learn(where, subject)
            moments = writes(undisturbed, tries, scene.random)
            yield from fill(where, subject, undisturbed[1], moments)
    yield from fill_bare(scene, suite, min(tries, 10) or 10)


@contextmanager
def small_stage(scene: Scene, suite: str) -> Iterator[Stage]:
    """Have a live host with a small disk for the length of a block."""
    name = "chaos-full"
    try:
        with stage(scene, suite, name=name, disk_size_mb=DISK_MB) as where:
            yield where
    finally:
        # Its disk is this machine's memory.
        scene.lab.remove(f"{name}-{suite}")


def writes(undisturbed: Undisturbed, tries: int, chance: random.Random) -> list[Moment]:
    """Return so many moments right before a call that changes something; 0 for all there are.

    Each resource is as likely: most calls of all are the removals of old releases.
    """
    counts = {at: calls for at, calls in undisturbed[0].items() if calls}
    every = [Moment(at, call) for at, calls in counts.items() for call in range(1, calls + 1)]
    if not 0 < tries < len(every):
        return every
    chosen: set[Moment] = set()
    while len(chosen) < tries:
        at, calls = chance.choice(list(counts.items()))
        chosen.add(Moment(at, chance.randint(1, calls)))
    return sorted(chosen)


def fill(
    where: Stage, subject: Subject, looks: Mapping[str, Look], moments: Iterable[Moment]
) -> Iterator[Row]:
    """Fill the disk at moments of a command.

    Args:
        where: The host.
        subject: The command.
        looks: Its variant -> what the host is after it otherwise.
        moments: When.
    """
    for moment in moments:
        kind = where.scene.random.choice((BYTES, BYTES, FILES))
        where.scene.say(f"{where.host.name}: {subject.name}, {kind} at {moment}")
        row = _fill_at(where, subject, looks, moment, kind)
        if row is not None:
            yield row
            if not row.is_good:
                where.mend()


def _fill_at(
    where: Stage, subject: Subject, looks: Mapping[str, Look], moment: Moment, kind: str
) -> Row | None:
    disk = SmallDisk(where.scene.lab, where.host)
    trouble = Trouble(where, subject, looks, kind, moment.at)
    fill = disk.fill if kind == BYTES else disk.fill_inodes
    try:
        told = held_run(where.project, where.host, subject.arguments, moment, lambda *_: fill())
        if told is None:
            return None
        if not wait_until_free(where.host):
            trouble.row.left_over.append("a run")
        # What was written already, and what is removed, needs no room.
        trouble.judge(told, HINT, codes=(0, *FAILED))
    finally:
        disk.free()
    return trouble.complete(excuse=APP_NEEDS_ROOM)


def fill_bare(scene: Scene, suite: str, tries: int) -> Iterator[Row]:
    """Have the disk of a bare host run full while it is provisioned, sooner or later.

    Args:
        scene: The scene.
        suite: Its Debian.
        tries: So often.
    """
    name = f"chaos-full-bare-{suite}"
    directory = scene.directory / name
    project = Project.create(directory / "project", scene.lab)
    project.program = make_agent(directory)
    host = scene.lab.up([name], suite=suite, disk_size_mb=DISK_MB)[0]
    try:
        lead_domains_to(scene.lab, host)
        before = SmallDisk(scene.lab, host).used_bytes()
        project.fab("-H", name, "provision").must_succeed()
        undisturbed = look_at(host, packages=True)
        needed = SmallDisk(scene.lab, host).used_bytes() - before
        for _ in range(tries):
            host.reset(disk_size_mb=DISK_MB)
            room = scene.random.randrange(needed)
            scene.say(f"{name}: room for {room >> 20} MiB of {needed >> 20}")
            yield _fill_bare(scene, project, host, room, undisturbed)
    finally:
        scene.lab.remove(name)


def _fill_bare(scene: Scene, project: Project, host: LabHost, room: int, undisturbed: Look) -> Row:
    row = Row(BYTES, "provision of a bare host", tried=1)
    disk = SmallDisk(scene.lab, host)
    disk.fill(room)
    told = project.fab("-H", host.name, "provision")
    row.wrong += blunders(told.output)
    if told.code not in FAILED:
        row.wrong.append(f"the command ended with {told.code}")
    if HINT not in told.output:
        row.wrong.append(f"it does not say {HINT!r}")
    disk.free()
    again = project.fab("-H", host.name, "provision")
    row.wrong += blunders(again.output)
    if again.code != 0:
        # A host like that may not even have the Python that looks at it.
        row.wrong.append(f"room for {room} bytes: {told.output[-SHOWN:]}{again.output[-SHOWN:]}")
        return row
    look = look_at(host, packages=True)
    row.left_over += look.left_over
    differences = look.differences(undisturbed)
    row.wrong += differences[:10]
    row.converged = int(not differences and not look.left_over)
    if not row.is_good:
        row.wrong.append(f"room for {room} bytes: {told.output[-SHOWN:]}{again.output[-SHOWN:]}")
    return row
