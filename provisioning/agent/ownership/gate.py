"""The gate: before its first change, a run is held against what others made on the host.

A run that changes nothing never comes here. One that changes something is looked at as a whole:
what any of its resources would change, take over or remove, is there, and is not Homeport's, stops
it before anything is done, unless a person has named it (`adopt`). What was named is copied first.
"""

from __future__ import annotations

from typing import Iterable, Iterator, List, Sequence, Tuple

from provisioning.agent import layout
from provisioning.agent.claims import PATH, Obstacle, thing_id
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import backups, things
from provisioning.agent.resource import Resource, differences

ID = "gate:host"
"""The gate's name in the events of a run, instead of a resource."""


class NotOursError(AgentError):
    """A run would change what Homeport did not make."""


class Gate:
    """The check that a run passes once, right before its first change.

    Args:
        resources: All of the run, the ones before its first change included.
        system: The machine, as the run found it.
        adopted: What a person hands over: ids of things, or paths.
    """

    def __init__(
        self, resources: Sequence[Resource], system: System, adopted: Tuple[str, ...]
    ) -> None:
        self._resources = resources
        self._system = system
        self._adopted = tuple(name.rstrip("/") for name in adopted)
        # Without an owner nothing is recorded: so it is where a run puts in order what it left.
        self._is_open = not system.owner

    def open(self) -> None:
        """Return if the run may change the host; keep copies of what a person hands over.

        Raises:
            NotOursError: something is in the way that Homeport did not make, or another project's.
        """
        if self._is_open:
            return
        system, adopted = self._system, self._adopted
        found = _outermost(obstacles(self._resources, system))
        for name in adopted:
            if not any(each.is_among((name,)) for each in found) and not _is_ours(name, system):
                system.notes.append(
                    f"{name} is listed to be handed over, but is not in the way of this run"
                )
        in_the_way = [each for each in found if not each.is_among(adopted)]
        if in_the_way:
            raise _refusal(in_the_way, adopted)
        backups.adopt(found, system)
        self._is_open = True


def _is_ours(name: str, system: System) -> bool:
    return system.owned.has(name) or system.owned.has(thing_id(PATH, name))


def obstacles(resources: Sequence[Resource], system: System) -> Iterator[Obstacle]:
    """Yield what is in the way, each once, in the order of the run."""
    seen = set()
    for resource in resources:
        for each in (
            *_of_another_owner(resource, system),
            *resource.obstacles(system, resources),
            *_foreign(resource, system),
        ):
            if each.id not in seen:
                seen.add(each.id)
                yield each


def _outermost(found: Iterable[Obstacle]) -> List[Obstacle]:
    """Return obstacles without those that go with others: what is in a directory, a file's unit."""
    kept: List[Obstacle] = []
    for each in found:
        file = f"{PATH}:{layout.UNIT_FILES}/{each.id.partition(':')[2]}"
        if not any(each.id.startswith(f"{other.id}/") or other.id == file for other in kept):
            kept.append(each)
    return kept


def _of_another_owner(resource: Resource, system: System) -> Iterator[Obstacle]:
    """Yield the app of a resource if it belongs to another project or environment."""
    app = getattr(resource, "app", "")
    entry = system.owned.apps.get(app)
    if entry is not None and entry.owner != system.owner:
        project = entry.owner.partition("/")[0]
        yield Obstacle(
            thing_id("app", app),
            f"an app of {entry.owner}",
            f"an app of {system.owner}",
            f"rename [apps.{app}]; or, if both are the same project and environment, set name = "
            f'"{project}" under [project] in the inventory',
            can_be_adopted=False,
        )


def _foreign(resource: Resource, system: System) -> Iterator[Obstacle]:
    """Yield the things that a resource would change, that are there and not Homeport's."""
    claims = [each for each in resource.claims() if things.is_foreign(each, system)]
    if not claims:
        return
    change = _change(resource, system)
    for claim in claims:
        concerned = set(change) if not claim.keys else set(claim.keys) & set(change)
        if concerned or claim.always:
            becomes = (
                "removed" if claim.removes else claim.becomes or f"as {resource.id} describes it"
            )
            yield Obstacle(claim.id, things.describe(system, claim), becomes)


def _change(resource: Resource, system: System) -> Iterable[str]:
    try:
        return differences(resource.desired(), resource.actual(system))
    except (AgentError, OSError):
        # What cannot be read is said when its turn comes.
        return ()


def settle(resources: Iterable[Resource], system: System) -> None:
    """Record the owner of things that a run found as they should be, if Homeport made them."""
    found: List[str] = []
    for resource in resources:
        for claim in resource.claims():
            if claim.removes or system.owner in system.owned.owners(claim.id):
                continue
            if system.owned.has(claim.id) or (
                things.is_there(system, claim) and things.is_recognised(system, claim)
            ):
                found.append(claim.id)
    system.owned.add(system.owner, found)


def _refusal(found: Sequence[Obstacle], adopted: Sequence[str]) -> NotOursError:
    count = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
    lines: List[str] = []
    for each in found:
        lines += [each.name, f"    there:   {each.there}", f"    becomes: {each.becomes}"]
        if each.way_out:
            lines.append(f"    way out: {each.way_out}")
        if not each.can_be_adopted and {each.id, each.name} & set(adopted):
            lines.append("    adopt:   not possible: this cannot be handed over")
    adoptable = [each.name for each in found if each.can_be_adopted]
    hint = (
        "use another name, or see docs/hosts-in-use.md for how Homeport shares a host with what "
        "is there"
    )
    if adoptable:
        hint = (
            "use another name, keep both on the host (docs/hosts-in-use.md), or hand over "
            "exactly these: "
        ) + f"--adopt {','.join(adoptable)} (copies are kept below {layout.BACKUPS})"
    # In the message and not in the output, of which reports show the end only.
    head = f"{count} in the way that this project did not make; nothing was done"
    return NotOursError("\n".join((head, *lines)), hint=hint)
