"""One build: its steps, in its sandbox, with its door to the index; ended whole."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from provisioning.agent import layout
from provisioning.agent.builds import door, sandbox
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import child, files, systemctl
from provisioning.agent.machine.programs import CLEAN_ENVIRONMENT
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import unexpanded

CLEAN_S = 120.0

NETRC = "NETRC"
"""Variable with the path of a netrc file. Source: uv's "HTTP credentials"."""


class BuildFailedError(AgentError):
    """A step of a build ended with another exit status than 0.

    Args:
        refused_hosts: "name:port" of hosts that it asked for and may not reach.
    """

    def __init__(self, message: str, *, output: str, refused_hosts: Sequence[str]) -> None:
        super().__init__(message, output=output, refused=True)
        self.refused_hosts = tuple(refused_hosts)


@dataclass(frozen=True)
class Build:
    """A build of one environment.

    Args:
        path: Where the environment will be: `/srv/<app>/venvs/<key>`.
        owner: Whose it is: the app's name, or "" for Homeport's own. Each has its own user, and its
            own folder for downloads, which no other build can read or write.
        hosts: "name:port" that it may reach.
        env: Variables for its steps.
        secrets: Variables that nobody else may see; `NETRC` is the content of such a file.
        shown: Directories below /srv that it may read.
        in_place: Its steps run where the result will be, on a copy of what it is made from.
    """

    path: str
    owner: str
    hosts: Tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    shown: Tuple[str, ...] = ()
    in_place: bool = False

    @property
    def unit(self) -> str:
        """The transient unit that it runs in; a killed run leaves it behind under this name."""
        return unit_of(self.path)

    @property
    def _name(self) -> str:
        return folder_of(self.owner)

    @property
    def _user(self) -> str:
        # Source: systemd.exec(5), User=: at most 31 characters.
        return "hp-build-" + hashlib.sha256(self.owner.encode()).hexdigest()[:16]

    @property
    def result(self) -> str:
        """Where what was built lies until it is taken over; the build's own."""
        return result_of(self.owner)

    @property
    def cache(self) -> str:
        """Where it keeps what it has downloaded."""
        return cache_of(self.owner)

    @property
    def sources(self) -> str:
        """Where its copies are of what it is made from."""
        return sources_of(self.owner)

    def begin(self, system: System, *, fresh: bool = False) -> None:
        """End processes that a killed run left of this build, and empty its folder.

        Args:
            system: The machine.
            fresh: Nor where it keeps what it has downloaded.
        """
        end(system, self.path)
        for leftover in (self.result, self.sources):
            files.remove(leftover, within_s=CLEAN_S)
        files.make_directory(staged())
        if fresh:
            files.remove(self.cache, within_s=CLEAN_S)

    def clean(self, system: System) -> None:
        """Remove what was built, and what it was built from."""
        clear(self.result, system)
        clear(self.sources, system)
        files.remove(staged())

    def run(
        self,
        system: System,
        steps: Sequence[Mapping[str, Any]],
        *,
        each_line: Optional[Callable[[str], None]] = None,
    ) -> None:
        """Carry out steps.

        Args:
            system: The machine.
            steps: See builds/inside.py.
            each_line: Called with each line that it prints, as it comes.

        Raises:
            BuildFailedError: one of them failed.
        """
        secrets = dict(self.secrets)
        netrc = secrets.pop(NETRC, "")
        with door.opened(self.hosts) as (directory, proxy):
            settings = {
                "socket": f"{sandbox.DOOR}/proxy.sock",
                "steps": list(steps),
                "home": self.path,
                # Of its own name: uv takes what it has built of the same path for the same.
                "sources": self.path
                if self.in_place
                else os.path.join(self.sources, os.path.basename(self.path)),
                "staged": sandbox.STAGED,
                "env": {**secrets, **CLEAN_ENVIRONMENT, "HOME": self.cache, **self.env},
                "netrc": netrc,
            }
            options = sandbox.properties(
                user=self._user, name=self._name, path=self.path, proxy=directory,
                staged=staged(), shown=self.shown,
            )  # fmt: skip
            done = system.run(
                ["systemd-run", "--quiet", "--wait", "--collect", "--pipe", f"--unit={self.unit}",
                 *(f"--property={each}" for each in options), "--",
                 *map(unexpanded, child.command((door.INSIDE,)))],
                input=json.dumps(settings).encode(),
                timeout_s=sandbox.TIMEOUT_S + 60,
                each_line=each_line,
            )  # fmt: skip
            refused = door.refused_names(proxy)
        if done.status != 0:
            raise BuildFailedError(
                f"cannot build the virtualenv {self.path}", output=done.tail, refused_hosts=refused
            )


def unit_of(path: str) -> str:
    """Return the unit in which an environment is built."""
    return f"homeport-build-{hashlib.sha256(path.encode()).hexdigest()[:16]}.service"


def folder_of(owner: str) -> str:
    """Return the name of an owner's folders, below those of systemd for users of the moment."""
    return f"homeport-build/app-{owner}" if owner else "homeport-build/homeport"


def result_of(owner: str) -> str:
    """Return the folder in which an owner's build leaves its result until it is taken over."""
    return f"/var/lib/private/{folder_of(owner)}"


def cache_of(owner: str) -> str:
    """Return the folder in which an owner's builds keep their downloads."""
    return f"/var/cache/private/{folder_of(owner)}"


def sources_of(owner: str) -> str:
    """Return the folder in which an owner's builds have copies of what they are made from."""
    return os.path.join(cache_of(owner), "sources")


def staged() -> str:
    """Return where root lays out what a build is made from: it may read that."""
    return os.path.join(layout.STATE, "build")


def clear(path: str, system: System) -> None:
    """Remove a folder of a build's; what there is too much of stays, and is said.

    It is in the way of nobody but the owner's next build, which begins with it.
    """
    try:
        files.remove(path, within_s=CLEAN_S)
    except (AgentError, OSError) as error:
        system.notes.append(f"warning: {path} could not be removed: {error}")


def end(system: System, path: str) -> None:
    """End what builds an environment, if anything does: a run that was killed leaves it."""
    unit = unit_of(path)
    systemctl.kill(system, unit)
    systemctl.try_to_stop(system, unit)
    systemctl.forget_failures(system, unit)
    for leftover in (door.place(), staged()):
        files.remove(leftover)
