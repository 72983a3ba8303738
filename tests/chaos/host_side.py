"""What a host itself shows of the runs on it: that one at a time was inside, and none is left."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

from provisioning.lab import LabHost

JOURNALS = "/var/lib/homeport/runs"
HISTORY = "/srv/hello/history.jsonl"


@dataclass(frozen=True, order=True)
class Interval:
    """When a run had the host's lock, at the least.

    Args:
        began, ended: When its journal was made, and last written to; both under the lock, by the
            clock of the host's file system, in seconds.
        run: The journal's name.
    """

    began: float
    ended: float
    run: str


def intervals(host: LabHost) -> list[Interval]:
    """Return when the last runs were inside, oldest first."""
    shown = host.shell(f"cd {JOURNALS} 2>/dev/null && stat --format='%.9W %.9Y %n' -- * || true")
    found = []
    for line in shown.splitlines():
        began, ended, run = line.split()
        assert float(began) > 0, "this file system does not say when a file was made"
        found.append(Interval(float(began), float(ended), run))
    return sorted(found)


def overlaps(found: list[Interval]) -> list[str]:
    """Return, in words, which runs were inside at the same time."""
    return [
        f"{later.run} began at {later.began}, before {earlier.run} had ended at {earlier.ended}"
        for earlier, later in itertools.pairwise(found)
        if later.began < earlier.ended
    ]


def history(host: LabHost) -> list[dict]:
    """Return what happened to releases on a host."""
    return [json.loads(line) for line in host.path(HISTORY).read_text().splitlines()]


def breaks(lines: list[dict]) -> list[str]:
    """Return, in words, where a release followed another than was live: two runs interleaved."""
    live = [line for line in lines if line["event"] == "live" and "before" in line]
    return [
        f"{later['release']} went live after {later['before']}, but {earlier['release']} was"
        for earlier, later in itertools.pairwise(live)
        if later["before"] != earlier["release"]
    ]


def stale(host: LabHost) -> list[str]:
    """Return what a run leaves only while it is at work: its lock, socket and unit."""
    script = """
        flock --nonblock /run/homeport/lock true || echo 'the lock is held'
        test ! -e /run/homeport/run.sock || echo /run/homeport/run.sock
        systemctl list-units --all --plain --no-legend 'homeport-run-*'
    """
    return host.shell(script, check=False).splitlines()
