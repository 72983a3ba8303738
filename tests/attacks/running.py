"""Attackers that run beside what a test does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.attacks.neighbours import Neighbours

FOR_S = 60
"""After which attackers give up by themselves."""


@contextmanager
def attack(project: Neighbours, script: str, **settings: object) -> Iterator[list[str]]:
    """Run a script of evil's beside what the test does; yields what it has printed, at the end."""
    process = project.start_run("evil", script, **settings)
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.strip())
            if said[-1] == "ready":
                break
        else:
            raise AssertionError(f"the attack has not begun: {said} {process.communicate()}")
        yield said
        project.host.shell(
            "touch /srv/evil/shared/stop /srv/evil/shared/instance/stop", check=False
        )
        said += process.communicate(timeout=FOR_S)[0].splitlines()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
