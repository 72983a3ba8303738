"""What a release runs, as units of systemd: its web server, processes and timers.

A release's directory has their unit files in `units/`. They are copied to where systemd looks
when they are to run, and stay there until they are retired or the host is switched off; at
boot `<app>-boot.service` copies those of the live release again.

    hello@20260102T030405.000Z-abc1234.socket      the web server's socket: systemd makes it
    hello@20260102T030405.000Z-abc1234.service     the web server
    hello.worker.2@20260102T030405.000Z-abc1234.service    the second instance of a process
    hello.nightly.timer, hello.nightly.service     of the release that is live
"""

from __future__ import annotations

import os
import re
from typing import Dict, Iterable, List, Mapping, Optional

from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import RUNTIME_UNITS, AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System

PROPERTIES = "ActiveState,SubState,NRestarts,ExecMainStatus,NeedDaemonReload,NextElapseUSecRealtime"
"""Source: org.freedesktop.systemd1(5)."""

ALONE = b"\n[X-Homeport]\nHandover=stop-first\n"

RUNNING = ("active", "reloading", "activating")

STOP_S = 3600 + 60
"""Longer than any process may take to end: `stop_timeout_s` is at most an hour."""


class ReleaseServices:
    """The units of an app's releases.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self._layout = AppLayout(app)
        self._system = system
        self._live = Releases(app, system).live

    def files(self, release: str) -> Dict[str, bytes]:
        """Return the processes and timers of a release: name -> content."""
        web = self._layout.web_units(release)
        return {name: each for name, each in self._all(release).items() if name not in web}

    def web_files(self, release: str) -> Dict[str, bytes]:
        """Return the web server of a release; none if an earlier Homeport made it."""
        web = self._layout.web_units(release)
        return {name: each for name, each in self._all(release).items() if name in web}

    def _all(self, release: str) -> Dict[str, bytes]:
        directory = self._layout.units(release)
        return {
            name: self._system.read(os.path.join(directory, name))
            for name in (self._system.list(directory) if release else ())
        }

    def wrong(self) -> List[str]:
        """Return the units that are not as the live release has them, less other releases'."""
        wanted, here = self.files(self._live), self._names_here()
        shown = self.show(wanted)
        return sorted(
            [
                *(name for name, content in wanted.items()
                  if not self._is_right(name, content, shown.get(name, {}))),
                *(name for name in here if not is_process(name) and name not in wanted),
                *(name for name, content in self.web_files(self._live).items()
                  if not self._is_here(name, content)),
            ]
        )  # fmt: skip

    def leftovers(self) -> List[str]:
        """Return the processes of releases that are not live, in whatever state."""
        prefix = f"{self._layout.app}."
        loaded = [name for name in self._system.loaded_units() if name.startswith(prefix)]
        found = {name for name in (*loaded, *self._names_here()) if is_process(name)}
        return sorted(found - set(self.files(self._live)))

    def is_running(self, files: Mapping[str, bytes]) -> bool:
        """Tell whether all these units are as their files say, and run."""
        shown = self.show(files)
        return all(self._is_right(name, files[name], shown.get(name, {})) for name in files)

    def show(self, names: Iterable[str]) -> Dict[str, Mapping[str, str]]:
        """Return what systemd says of units: name -> property -> value."""
        names = list(names)
        if not names:
            return {}
        return systemctl.show(self._system, PROPERTIES, *names)

    def install(self, files: Mapping[str, bytes]) -> None:
        """Have systemd know units as their files say."""
        known, changed = [], False
        for name, content in files.items():
            path = os.path.join(RUNTIME_UNITS, name)
            found = self._system.read(path)
            if found == content:
                known.append(name)
                continue
            # A file of a name that it has never seen systemd reads when it is needed; and what one
            # release's unit says never changes.
            changed = changed or bool(found) or not is_of_release(name)
            self._system.write(path, content)
        if changed or self._are_stale(known):
            systemctl.read_units_again(self._system)

    def start(
        self, files: Mapping[str, bytes], besides: Optional[Mapping[str, bytes]] = None
    ) -> None:
        """Start those of these units that are to run according to their files.

        Whether it could is for the caller to see: a process that ends is started again by
        systemd, and a deploy must be able to bring what ends this.

        Args:
            files: Name -> content.
            besides: Units that are only to be known.
        """
        self.install({**(besides or {}), **files})
        self.stop(self._rivals(files))
        started = [name for name in files if starts(name)]
        if started:
            systemctl.forget_failures(self._system, *started)
            systemctl.try_to_start(self._system, *started)

    def start_what_is_live(self) -> None:
        """Start what the live release runs besides its web server and was stopped for another."""
        self.start(self.files(self._live))

    def _rivals(self, files: Mapping[str, bytes]) -> List[str]:
        """Return what must have ended before these start: of which there must never be two.

        It is enough that one of two releases says so.
        """
        alone = {process_of(name): is_alone(files[name]) for name in filter(is_process, files)}
        prefix = f"{self._layout.app}."
        loaded = [name for name in self._system.loaded_units() if name.startswith(prefix)]
        found = sorted({*loaded, *self._names_here()} - set(files))
        releases = {release_of(name) for name in files}
        return [
            name
            for name in found
            if process_of(name) in alone
            and release_of(name) not in releases
            and (
                alone[process_of(name)]
                or is_alone(self._system.read(os.path.join(RUNTIME_UNITS, name)))
            )
        ]

    def forget_web(self, release: str) -> None:
        """Have systemd not know a release's web server any more, which has been stopped."""
        for name in self._layout.web_units(release):
            self._system.remove(os.path.join(RUNTIME_UNITS, name))

    def begin_stop(self, names: List[str]) -> None:
        """Ask processes to finish their work; `stop` waits for them."""
        if names:
            systemctl.stop_meanwhile(self._system, *names)

    def stop(self, names: List[str]) -> None:
        """Stop processes, each within the time that its unit gives it, and forget them."""
        if not names:
            return
        self._system.say(f"waiting for {', '.join(names)} to finish")
        systemctl.stop(self._system, *names, timeout_s=STOP_S)
        systemctl.forget_failures(self._system, *names)
        for name in names:
            self._system.remove(os.path.join(RUNTIME_UNITS, name))

    def remove_timers(self, names: List[str]) -> None:
        """Remove timers that the live release does not have; a run in progress finishes."""
        timers = [name for name in names if name.endswith(".timer")]
        if timers:
            systemctl.stop(self._system, *timers)
            # When each last fired is of no use any more, nor that its last run has failed.
            systemctl.forget_timers(self._system, *timers)
            systemctl.forget_failures(self._system, *names)
        for name in names:
            self._system.remove(os.path.join(RUNTIME_UNITS, name))

    def _names_here(self) -> List[str]:
        prefix = f"{self._layout.app}."
        return [
            name
            for name in self._system.list(RUNTIME_UNITS)
            if name.startswith(prefix) and name.endswith((".service", ".timer"))
        ]

    def _is_here(self, name: str, content: bytes) -> bool:
        return self._system.read(os.path.join(RUNTIME_UNITS, name)) == content

    def _are_stale(self, names: Iterable[str]) -> bool:
        return any(each.get("NeedDaemonReload") == "yes" for each in self.show(names).values())

    def _is_right(self, name: str, content: bytes, shown: Mapping[str, str]) -> bool:
        return (
            self._is_here(name, content)
            and shown.get("NeedDaemonReload") != "yes"
            and (not starts(name) or shown.get("ActiveState") in RUNNING)
        )


def is_process(name: str) -> bool:
    """Tell whether a unit is an instance of a process; else it is a timer or what one starts."""
    return "@" in name


def is_of_release(name: str) -> bool:
    """Tell whether a unit's name is that of one release only, whose files never change."""
    return "@" in name


def starts(name: str) -> bool:
    """Tell whether a unit runs while its release is live, not only when a timer fires."""
    return is_process(name) or name.endswith(".timer")


def is_first(name: str) -> bool:
    """Tell whether a unit is the first instance of a process."""
    return ".1@" in name


def first_instances(units: ReleaseServices, release: str) -> Dict[str, bytes]:
    """Return the first instance of each process of a release: name -> content."""
    return {name: each for name, each in units.files(release).items() if is_first(name)}


def process_of(name: str) -> str:
    """Return the process of an instance: "worker" of "hello.worker.2@<release>.service"."""
    found = re.fullmatch(r"[^.@]+\.([^.@]+)\.\d+@.*", name)
    return found[1] if found else ""


def release_of(name: str) -> str:
    """Return the release of an instance of a process: what is behind the "@"."""
    return name.partition("@")[2]


def is_alone(unit: bytes) -> bool:
    """Tell by a unit file whether there must never be two of it: templates/app/process.service.j2.

    Source: systemd.unit(5): sections whose names begin with "X-" are ignored by systemd.
    """
    return ALONE in unit
