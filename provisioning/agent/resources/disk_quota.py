"""How much an app may write, where the file system counts by user."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import ClassVar, Optional

from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

REPORT = "/usr/sbin/repquota"
"""Of Debian's package quota."""

KIB = 1024
"""Source: setquota(8): limits are given in blocks of this size."""


@dataclass(frozen=True)
class DiskQuota(Resource):
    """Have a limit of the disk space of an app's user on the file system of `/srv/<app>`.

    Releases and virtualenvs are root's and do not count; what the app writes does.

    Args:
        app: The app's name.
        kib: At most, in KiB; 0 for no bound.
    """

    kind: ClassVar[str] = "disk-quota"

    app: str
    kib: int = 0

    @property
    def name(self) -> str:
        return self.app

    def desired(self) -> State:
        return {"at most KiB": self.kib}

    def actual(self, system: System) -> State:
        if system.stat(REPORT) is None:
            return {"at most KiB": 0}
        shown = self._report(system)
        bound = _bound(shown.stdout, self.app) if shown.status == 0 else None
        return {"at most KiB": bound or 0}

    def _report(self, system: System) -> Completed:
        mount = self._mount(system)
        return system.run([REPORT, "--user", "--output=csv", mount])

    def _mount(self, system: System) -> str:
        path = AppLayout(self.app).root
        while system.stat(path) is None or not os.path.isdir(path):
            path = os.path.dirname(path)
        shown = system.run(["findmnt", "--noheadings", "--output=TARGET", "--target", path])
        return shown.stdout.strip() or "/"

    def test(self, system: System, change: Change) -> None:
        """Refuse a bound that the file system would not keep."""
        if system.stat(REPORT) is None or (system.dry and system.user(self.app) is None):
            # In a check of a host that does not have the package yet.
            return
        shown = self._report(system)
        if shown.status != 0:
            raise AgentError(
                f"cannot limit the disk usage of {self.app}: {self._mount(system)} does not "
                "count usage by user",
                hint="mount it with usrquota and enable quotas (quotacheck(8), quotaon(8)), or "
                f"remove disk_max from [apps.{self.app}]",
                output=shown.tail,
            )

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            return
        # No bound on the number of files; the soft bound, which ends after a time of grace, is off.
        system.act(
            ["setquota", "--user", self.app, "0", str(self.kib), "0", "0", self._mount(system)],
            why=f"limit the disk usage of {self.app}",
        )


def _bound(report: str, user: str) -> Optional[int]:
    """Return a user's bound in KiB as repquota(8) tells it, or None where it names nobody so."""
    for row in csv.DictReader(report.splitlines()):
        if row.get("User") == user:
            return int(row.get("BlockHardLimit") or 0)
    return None
