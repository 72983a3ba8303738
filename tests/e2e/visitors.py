"""Visitors of a lab host's site, in a process of their own, while something happens there."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioning.lab import Lab, LabHost
from tests.e2e.project import ROOT

QUICK = ("keep-alive", "health", "anew", "post")
"""Kinds of requests that are answered at once, unless something is in their way."""


@dataclass
class Visits:
    """What visitors have met with; filled in when they have left."""

    result: dict[str, Any] = field(default_factory=dict)

    @property
    def failures(self) -> list[str]:
        return self.result["failures"]

    @property
    def releases(self) -> set[str]:
        """The releases that answered."""
        return set(self.result["releases"])

    @property
    def requests(self) -> int:
        return sum(self.result["sent"].values())

    @property
    def cut(self) -> int:
        """How many answers ended early that may."""
        return sum(self.result["cut"].values())

    @property
    def slowest_quick_ms(self) -> float:
        return max(self.result["slowest_ms"][kind] for kind in QUICK)

    @property
    def p99_quick_ms(self) -> float:
        return max(self.result["p99_ms"][kind] for kind in QUICK)

    def must_have_lost_nothing(self) -> None:
        """Fail the test unless every request was answered, on connections that stayed."""
        shown = "\n".join(self.failures[:10])
        assert not self.failures, f"{len(self.failures)} of {self.requests} failed:\n{shown}"
        assert self.result["reopened"] == 0
        assert all(self.result["sent"].get(kind) for kind in (*QUICK, "slow"))


@contextmanager
def visitors(
    lab: Lab, host: LabHost, name: str = "hello.lab", *, load: str = "steady"
) -> Iterator[Visits]:
    """Have visitors on a site for the length of a block.

    Args:
        lab: Whose authority they trust.
        host: Where the site is.
        name: The site's name.
        load: What they do, as in kinds.LOADS.
    """
    visits = Visits()
    with tempfile.TemporaryDirectory(prefix="homeport-load-") as directory:
        authority, stop = Path(directory, "root.pem"), Path(directory, "stop")
        authority.write_bytes(lab.acme.root_certificate)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.load", host.address, name, authority, stop, load],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield visits
        finally:
            stop.touch()
            try:
                stdout, stderr = process.communicate(timeout=90)
            except subprocess.TimeoutExpired:
                process.kill()
                stdout, stderr = process.communicate()
        assert process.returncode == 0, stderr
        visits.result = json.loads(stdout)
