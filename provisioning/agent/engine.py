"""The engine: for each resource read, compare, apply, and read again.

Everything a run does goes through here: provision and deploy differ in their plans only.
"""

from __future__ import annotations

import difflib
import errno
import re
import time
import traceback
from dataclasses import dataclass, replace
from typing import Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from provisioning.agent import events
from provisioning.agent.blob import Blob
from provisioning.agent.errors import AgentError, StoppedError
from provisioning.agent.machine import disk
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import things
from provisioning.agent.ownership.gate import ID, Gate, NotOursError, settle
from provisioning.agent.resource import Resource, differences


@dataclass(frozen=True)
class Plan:
    """What a run should achieve.

    Args:
        run: The run's id, repeated in its last event.
        resources: In the order to apply them.
        check: Change nothing; say what would change.
        diff: Add unified diffs of text files to the events.
        adopt: Things of somebody else's that a person hands over: see agent/ownership/gate.py.
    """

    run: str
    resources: Sequence[Resource]
    check: bool = False
    diff: bool = False
    adopt: Tuple[str, ...] = ()


def missing_blobs(plan: Plan, system: System) -> List[Blob]:
    """Return the contents that the run will need and the host lacks, each once."""
    found: Dict[str, Blob] = {}
    for resource in plan.resources:
        try:
            missing = list(resource.missing(system))
        except (AgentError, OSError):
            # What cannot be read is said when its turn comes.
            missing = [blob for blob in resource.blobs() if blob.data is None]
        for blob in missing:
            found[blob.digest] = blob
    return list(found.values())


def run(plan: Plan, system: System) -> Iterator[events.Event]:
    """Bring the host to its desired state, or say what that would change.

    Stops at the first resource that fails: what comes later may build on it.

    Args:
        plan: What should be.
        system: The machine, or for a check an Overlay over it.
    """
    began = time.monotonic()
    dependents = _dependents(plan.resources)
    failed = stopped = False
    gate = Gate(plan.resources, system, plan.adopt)
    for resource in plan.resources:
        try:
            system.checkpoint()
        except StoppedError:
            stopped = True
            break
        started = time.monotonic()
        try:
            for event in _converge(plan, resource, system, dependents.get(resource.id, ()), gate):
                if isinstance(event, events.Finished):
                    event = replace(event, seconds=round(time.monotonic() - started, 3))
                yield event
        except StoppedError:
            stopped = True
            break
        except NotOursError as error:
            failed = True
            yield _failure(ID, error)
            break
        except Exception as error:
            # Whatever it is: what was to be done in case of a failure must be done. But where the
            # host goes down, units end by themselves: that is no failure of this resource.
            stopped = system.is_going_down()
            failed = not stopped
            if failed:
                yield _failure(resource.id, _told(resource, error))
            break
    if system.owner and not (failed or stopped):
        settle(plan.resources, system)
    yield events.Done(plan.run, stopped, failed, round(time.monotonic() - began, 3))


def _converge(
    plan: Plan, resource: Resource, system: System, dependents: Sequence[str], gate: Gate
) -> Iterator[events.Event]:
    change = differences(resource.desired(), resource.actual(system))
    if not change:
        yield events.Finished(resource.id, events.UNCHANGED)
        yield from _notes(system)
        return
    gate.open()
    yield events.Started(resource.id)
    diffs = tuple(_unified(resource.text_changes(system))) if plan.diff else ()
    resource.test(system, change)
    # Whoever acts upon this resource must not take it for known any more, even if we die here.
    for each in dependents:
        system.memory.forget(each)
    claims = [each for each in resource.claims() if not each.keys or set(each.keys) & set(change)]
    # Before they are made: a run that dies here leaves no thing of which nobody knows whose it is.
    new = [each for each in claims if not each.removes and not system.owned.has(each.id)]
    if system.owner:
        system.owned.add(system.owner, [each.id for each in claims if not each.removes])
    try:
        resource.apply(system, change)
    except Exception:
        system.owned.forget([each.id for each in new if not things.is_there(system, each)])
        raise
    system.owned.forget([each.id for each in claims if each.removes])
    if not system.dry:
        system.forget_cached()
        left = differences(resource.desired(), resource.actual(system))
        if left:
            raise AgentError(
                f"{resource.id} still differs after the change: "
                + ", ".join(f"{name} is {left[name][0]!r}" for name in sorted(left)),
                hint="something else on the host changes it back",
            )
    yield events.Finished(resource.id, events.CHANGED, dict(change), diffs)
    yield from _notes(system)


def _notes(system: System) -> Iterator[events.Event]:
    while system.notes:
        yield events.Noted(system.notes.pop(0))


def _dependents(resources: Iterable[Resource]) -> Mapping[str, Tuple[str, ...]]:
    """Return input id -> records that a change of it makes untrue."""
    found: Dict[str, Tuple[str, ...]] = {}
    for resource in resources:
        for input_id, record in resource.inputs:
            found[input_id] = (*found.get(input_id, ()), record)
    return found


def _unified(texts: Iterable[Tuple[str, bytes, bytes]]) -> Iterator[str]:
    for path, before, after in texts:
        try:
            old, new = before.decode(), after.decode()
        except UnicodeDecodeError:
            yield f"Binary file {path} differs\n"
            continue
        lines = difflib.unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            path if before else "/dev/null",
            path,
        )
        yield "".join(
            line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
            for line in lines
        )


UNFORESEEN_FRAMES = 3

_MEANWHILE = "something else was put there in the meantime: run again"
_HINTS: Mapping[int, str] = {
    errno.EISDIR: _MEANWHILE,
    errno.ELOOP: _MEANWHILE,
    errno.ENOSPC: disk.HINT,
    errno.EROFS: "the file system is mounted read-only: check `dmesg` on the host",
    errno.EDQUOT: "raise the disk quota on the host, then run again",
}
_NO_SPACE = re.compile(r"no space left on device|enough free space|disk is full", re.IGNORECASE)
"""What programs say of a full disk: Python and uv, apt, SQLite."""


def _failure(resource_id: str, error: AgentError) -> events.Finished:
    full = _NO_SPACE.search(error.output) or disk.is_full()
    return events.Finished(
        resource_id,
        events.FAILED,
        message=error.message,
        # Whatever a program was to do, on a full disk nothing else helps.
        hint=_HINTS[errno.ENOSPC] if full else error.hint,
        output=error.output,
        refused=error.refused,
    )


def _told(resource: Resource, error: Exception) -> AgentError:
    """Return an error as a message for a person."""
    if isinstance(error, AgentError):
        return error
    if isinstance(error, OSError):
        return _as_agent_error(resource, error)
    return _unforeseen(resource, error)


def _unforeseen(resource: Resource, error: Exception) -> AgentError:
    """Say an error that nobody has thought of, and where it came up, in places of the code."""
    frames = traceback.extract_tb(error.__traceback__)[-UNFORESEEN_FRAMES:]
    return AgentError(
        f"cannot apply {resource.id}: {type(error).__name__}: {error}",
        hint="this is a bug in Homeport, or the host is in a state that Homeport does not expect",
        output="\n".join(f"{each.filename}:{each.lineno} in {each.name}" for each in frames),
    )


def _as_agent_error(resource: Resource, error: OSError) -> AgentError:
    """Say an operating system's error in words, with what to do where that is known."""
    # Of two names the second is the one that was to be made.
    path = error.filename2 or error.filename
    where = f" {path}:" if path and path not in resource.id else ""
    return AgentError(
        f"cannot apply {resource.id}:{where} {error.strerror or error}",
        hint=_HINTS.get(error.errno or 0, ""),
    )
