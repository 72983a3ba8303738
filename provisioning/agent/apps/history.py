"""What happened to an app's releases: a file of one line for each event."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, List, Mapping

from provisioning.agent.answers import LIVE, ROLLED_BACK, HistoryEvent
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System


class History:
    """The history of one app.

    Args:
        app: Its name.
        system: The machine.
    """

    def __init__(self, app: str, system: System) -> None:
        self._path = AppLayout(app).history
        self._system = system

    def were_live(self) -> List[str]:
        """Return the ids of releases that were live and not taken back, the latest last, once."""
        stayed: List[str] = []
        for each in self.events():
            if each.event == LIVE:
                stayed.append(each.release)
            elif each.event == ROLLED_BACK and stayed[-1:] == [each.release]:
                stayed.pop()
        latest_first = dict.fromkeys(reversed(stayed))
        return list(latest_first)[::-1]

    def events(self) -> List[HistoryEvent]:
        """Return what happened to the app's releases, oldest first."""
        found = []
        for line in self._system.read(self._path).decode(errors="replace").splitlines():
            # A power cut tears lines.
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                found.append(HistoryEvent.of_line(json.loads(line)))
        return found

    def record(self, event: HistoryEvent) -> None:
        """Append to the history, durably, as of now.

        What is so is read from the host itself: a history that cannot be written (a full disk)
        is said, and no reason to leave a switch half done.
        """
        try:
            self._append(event._replace(at=round(time.time(), 3)).line())
        except OSError as error:
            self._system.say(f"cannot write {self._path}: {error.strerror}")

    def _append(self, line: Mapping[str, Any]) -> None:
        # For root only: it says who deployed what, and when.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        # An earlier Homeport made it readable by all.
        os.fchmod(descriptor, 0o600)
        # A line that a power cut tore must not take this one with it.
        torn = self._system.read(self._path)[-1:] not in (b"", b"\n")
        try:
            os.write(descriptor, b"\n" * torn + json.dumps(line).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
