"""Run the engine in this process, on this machine: on directories of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning.agent import engine, events
from provisioning.agent.machine.memory import Memory
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.record import Record
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Resource, decode, encode
from provisioning.agent.resources import TYPES
from provisioning.protocol.plan import make_plan


@dataclass(frozen=True)
class Outcome:
    """What a run said."""

    events: Sequence[events.Event]

    @property
    def finished(self) -> list[events.Finished]:
        return [each for each in self.events if isinstance(each, events.Finished)]

    @property
    def done(self) -> events.Done:
        last = self.events[-1]
        assert isinstance(last, events.Done)
        return last

    @property
    def statuses(self) -> dict[str, str]:
        return {each.id: each.status for each in self.finished}

    @property
    def changes(self) -> dict[str, dict[str, object]]:
        """Id -> names that changed, with their desired values."""
        return {
            each.id: {name: pair[1] for name, pair in each.change.items()}
            for each in self.finished
            if each.status == events.CHANGED
        }

    @property
    def failure(self) -> events.Finished:
        (found,) = [each for each in self.finished if each.status == events.FAILED]
        return found


class Host:
    """A stand-in for a host: what it remembers lies in a file of the test's.

    Args:
        memory: The file.
    """

    def __init__(self, memory: Path) -> None:
        self.memory = memory
        self.record = memory.with_name("owned.json")

    def run(
        self,
        resources: Iterable[Resource],
        *,
        check: bool = False,
        diff: bool = False,
        checkpoint: Callable[[], None] = lambda: None,
        owner: str = "",
        adopt: Sequence[str] = (),
    ) -> Outcome:
        """Send resources over an imagined wire and run them.

        Args:
            resources: In order.
            check, diff, checkpoint: See engine.Plan and System.
            owner: Whose they are to be; "" leaves the gate open.
            adopt: What a person hands over.
        """
        plan = make_plan(resources)
        memory = Memory(str(self.memory), writable=not check)
        system = (Overlay if check else System)(lambda text: None, checkpoint, memory)
        system.owned, system.owner = Record(str(self.record), writable=not check), owner
        system.receive = lambda digests: {digest: plan.blobs[digest] for digest in digests}
        arrived = [decode(TYPES, encode(each)) for each in plan.resources]
        agents_plan = engine.Plan(plan.run, arrived, check, diff, tuple(adopt))
        system.fetch(engine.missing_blobs(agents_plan, system))
        return Outcome(list(engine.run(agents_plan, system)))

    def check(self, resources: Iterable[Resource], *, diff: bool = False) -> Outcome:
        return self.run(resources, check=True, diff=diff)


def listing(root: Path) -> dict[str, tuple[object, ...]]:
    """Return all there is to know of a tree: two that are equal mean that nothing was done."""
    found = {}
    for path in (root, *sorted(root.rglob("*"))):
        is_file = path.is_file() and not path.is_symlink()
        about = path.lstat()
        found[str(path.relative_to(root))] = (
            about.st_ino,
            about.st_mode,
            about.st_uid,
            about.st_gid,
            about.st_mtime_ns,
            about.st_ctime_ns,
            about.st_nlink,
            path.read_bytes() if is_file else b"",
            str(path.readlink()) if path.is_symlink() else "",
        )
    return found
