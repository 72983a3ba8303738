"""Copies of what a person handed over, and how they are put back."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

from provisioning.agent import layout
from provisioning.agent.claims import PATH, USER, Obstacle
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System

MANIFEST = "manifest.json"
RESTORED = "restored"
"""A file that exists when everything was put back."""

COPY_S = 600.0


def adopt(found: Sequence[Obstacle], system: System) -> None:
    """Keep copies of things that a person hands over, and write them down as Homeport's."""
    if not found:
        return
    if system.dry:
        for each in found:
            system.notes.append(f"{each.name} would be copied and handed over to Homeport")
        system.owned.add(system.owner, [each.id for each in found])
        return
    directory = _keep_all(found, system)
    system.owned.add(system.owner, [each.id for each in found])
    for each in found:
        system.notes.append(f"{each.name} is handed over to Homeport; its copy is in {directory}")


def _keep_all(found: Sequence[Obstacle], system: System) -> str:
    """Copy things into a directory of its own, and return that; "" for nothing."""
    if not found:
        return ""
    directory = _new_directory(system)
    kept = [_keep(each, directory, system) for each in found]
    manifest = {"owner": system.owner, "things": kept}
    system.write(
        os.path.join(directory, MANIFEST), json.dumps(manifest, indent=1).encode(), mode="0600"
    )
    return directory


def _new_directory(system: System) -> str:
    """Make a directory named by the time, e.g. /var/backups/homeport/20260102T030405Z."""
    if system.stat(layout.BACKUPS) is None:
        system.make_directory(layout.BACKUPS, mode="0700")
    path = os.path.join(layout.BACKUPS, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    while system.stat(path) is not None:
        path += "+"
    system.make_directory(path, mode="0700")
    return path


def _keep(each: Obstacle, directory: str, system: System) -> Dict[str, Any]:
    kind, _, name = each.id.partition(":")
    entry: Dict[str, Any] = {"id": each.id, "there": each.there}
    if kind == PATH:
        entry["copy"] = name.lstrip("/")
        copy(name, os.path.join(directory, entry["copy"]), system)
    if kind == USER:
        account = system.user(name)
        assert account is not None
        entry["account"] = [account.group, ",".join(account.groups), account.home, account.shell]
    return entry


def copy(source: str, target: str, system: System) -> None:
    """Copy what is at a path, whatever it is, with its owners, rights and times.

    Raises:
        AgentError: it cannot be copied.
    """
    parent = os.path.dirname(target)
    if system.stat(parent) is None:
        system.make_directory(parent)
    with files.parent(source) as (held, name):
        system.act(
            ["cp", "--archive", "--no-target-directory", "--", f"./{name}", target],
            why=f"copy {source} to {target}",
            hint="nothing was changed",
            cwd=f"/proc/{os.getpid()}/fd/{held}",
            timeout_s=COPY_S,
        )


@dataclass(frozen=True)
class Kept:
    """Copies that were made at one time.

    Args:
        owner: For whose run a person handed things over.
        things: What was handed over; a path's with the place of its copy.
        is_restored: Whether all of it was put back.
    """

    owner: str
    things: List[Mapping[str, Any]]
    is_restored: bool


def kept(system: System) -> Mapping[str, Kept]:
    """Return what copies there are, by time, the newest last."""
    found: Dict[str, Kept] = {}
    for name in system.list(layout.BACKUPS):
        directory = os.path.join(layout.BACKUPS, name)
        try:
            manifest = json.loads(system.read(os.path.join(directory, MANIFEST)))
            is_restored = system.stat(os.path.join(directory, RESTORED)) is not None
            found[name] = Kept(manifest["owner"], manifest["things"], is_restored)
        except (ValueError, KeyError, TypeError):
            # One that was being made: its run was cut off before it had changed anything.
            continue
    return found


def restore(when: str, system: System) -> None:
    """Put back what was handed over at a time, and take it out of the record.

    What is in its place now is copied first, like what is handed over.

    Raises:
        AgentError: there is no copy of that time.
    """
    found = kept(system).get(when)
    if found is None:
        raise AgentError(
            f"there is no copy from {when} in {layout.BACKUPS}",
            hint="`fab owns` lists what was handed over, and when",
        )
    entries = [Obstacle(each["id"], each["there"], "") for each in found.things]
    _keep_all([each for each in entries if _is_there(each, system)], system)
    for entry in found.things:
        kind, _, name = entry["id"].partition(":")
        if kind == PATH:
            system.remove(name)
            copy(os.path.join(layout.BACKUPS, when, entry["copy"]), name, system)
        if kind == USER and system.user(name):
            group, groups, home, shell = entry["account"]
            system.act(
                ["usermod", "--gid", group, "--groups", groups,
                 "--home", home, "--shell", shell, name],
                why=f"restore the account {name}",
            )  # fmt: skip
        system.owned.forget([entry["id"]])
    system.write(os.path.join(layout.BACKUPS, when, RESTORED), b"", mode="0600")


def _is_there(each: Obstacle, system: System) -> bool:
    kind, _, name = each.id.partition(":")
    return kind == PATH and system.stat(name) is not None
