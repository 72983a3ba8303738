"""Visitors who look at pages of an app while something happens to it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.e2e.kinds import Kind
from tests.e2e.load import Load
from tests.e2e.project import ROOT

_PAUSE_S = 0.3
"""Large apps share the machine's two cores with the deploy."""


@dataclass
class Crowd:
    """What they have met with; filled in when they have left."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def crowd(lab: Lab, host: LabHost, name: str, pages: tuple[str, ...]) -> Iterator[Crowd]:
    """Have visitors on pages of a site for the length of a block: each of them answers 200."""
    seen = Crowd()
    with tempfile.TemporaryDirectory(prefix="homeport-crowd-") as directory:
        authority, stop = Path(directory, "root.pem"), Path(directory, "stop")
        authority.write_bytes(lab.acme.root_certificate)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.apps.crowd", host.address, name, authority, stop, *pages],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield seen
        finally:
            stop.touch()
            stdout, _ = process.communicate(timeout=90)
    assert process.returncode == 0
    result = json.loads(stdout)
    seen.requests += sum(result["sent"].values())
    seen.failures += result["failures"]


def kinds(pages: list[str]) -> list[Kind]:
    """Return what they do: with kept connections and with new ones, all the time."""
    return [
        Kind(f"{'kept' if keep else 'anew'} {page}", 1, path=page, keep=keep, pause_s=_PAUSE_S)
        for page in pages
        for keep in (True, False)
    ]


if __name__ == "__main__":
    address, name, authority, stop, *paths = sys.argv[1:]
    load = Load(address, name, authority, Path(stop), kinds(paths))
    print(json.dumps(asyncio.run(load.run())))
