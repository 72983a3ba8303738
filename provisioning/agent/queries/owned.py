"""What Homeport made here, for which project, and what was handed over to it."""

from __future__ import annotations

from typing import Any, Mapping

from provisioning.agent.answers import Owned, OwnedApp, OwnedThing, plain
from provisioning.agent.claims import PATH, thing_id
from provisioning.agent.machine.record import Record
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import backups
from provisioning.agent.ownership.things import RESERVED


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Return the record of what was made, and the copies that may be put back.

    The directories that bear Homeport's name are not in the record: they are of no project.
    """
    record = Record.of_host(writable=False)
    reserved = [thing_id(PATH, path) for path in RESERVED if system.stat(path) is not None]
    owned = Owned(
        apps={
            name: OwnedApp(entry.owner, tuple(entry.domains)) for name, entry in record.apps.items()
        },
        things={
            **{thing: OwnedThing((), 0.0) for thing in reserved},
            **{
                thing: OwnedThing(tuple(owners), since)
                for thing, (owners, since) in record.things().items()
            },
        },
        adopted={
            when: tuple(each["id"] for each in kept.things)
            for when, kept in backups.kept(system).items()
            if not kept.is_restored
        },
    )
    return plain(owned)
