"""Where a program of a release is looked for; with Overlay, whose files are only imagined."""

from __future__ import annotations

import pytest

from provisioning.agent.apps.programs import find_program
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.overlay import Overlay


@pytest.mark.parametrize(
    ("program", "there", "found"),
    [
        ("made-up", ["release/venv/bin/made-up", "/usr/bin/made-up"], 0),
        ("made-up", ["/usr/bin/made-up", "release/code/made-up"], 0),
        ("bin/made-up", ["/usr/bin/made-up", "release/code/bin/made-up"], 1),
        ("/opt/made-up", ["/usr/bin/made-up", "/opt/made-up"], 1),
        ("made-up", ["release/code/made-up"], None),
    ],
)
def test_a_program_is_where_the_release_would_start_it(
    program: str, there: list[str], found: int | None
) -> None:
    system, release = Overlay(), AppLayout("nowhere").release("r")
    paths = [path.replace("release/", f"{release}/", 1) for path in there]
    for path in paths:
        system.write(path, b"")
    expected = "" if found is None else paths[found]
    assert find_program(system, "nowhere", "r", program) == expected
