"""Programs of an image are found as they would be in it, wherever its links lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.apps.programs import is_in
from provisioning.agent.apps.runtimes.surroundings import Surroundings, filled, word


@pytest.fixture
def image(root: Path) -> Path:
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "usr" / "bin" / "tool").touch()
    (root / "bin").symlink_to("usr/bin")
    (root / "abs").symlink_to("/usr/bin/tool")
    (root / "up").symlink_to("../../../../../usr/bin/tool")
    (root / "loop").symlink_to("loop")
    (root / "away").symlink_to("/bin/../etc/passwd")
    return root


@pytest.mark.parametrize("path", ["/usr/bin/tool", "/bin/tool", "/abs", "/up", "/bin/../bin/tool"])
def test_links_lead_where_they_lead_in_the_image(image: Path, path: str) -> None:
    assert is_in(str(image), path)


@pytest.mark.parametrize("path", ["/loop", "/away", "/usr/bin", "/etc/passwd", "/nowhere/x", "/"])
def test_nothing_of_the_host_is_found(image: Path, path: str) -> None:
    assert not is_in(str(image), path)


def test_words_are_filled_in_and_others_stay() -> None:
    there = Surroundings(word("DIRECTORY"), "/bin", {"A": word("B")}, properties=(word("C"),))
    made = there.filled({"DIRECTORY": "/app", "C": "x=@HOMEPORT:DIRECTORY@"})
    assert (made.directory, made.environment) == ("/app", {"A": "@HOMEPORT:B@"})
    # What is filled in is not looked at again.
    assert made.properties == ("x=@HOMEPORT:DIRECTORY@",)
    assert filled("@HOMEPORT:lower@ @X@", {"X": "y"}) == "@HOMEPORT:lower@ @X@"
