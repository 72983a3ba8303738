"""The table of broken hosts in docs/doctor.md is that of the tests that break them."""

from __future__ import annotations

from pathlib import Path

from provisioning.doctor import checks
from tests.e2e.breaks import IN_THE_APP, ON_THE_HOST

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
WITHOUT_A_HOST = {"clock", "memory"}


def rows() -> list[list[str]]:
    """Return the cells of the table's rows."""
    _, _, after = PAGE.read_text().partition("| check | what is wrong |")
    lines = after.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_check_has_a_row() -> None:
    every = {each.name for each in (*checks.of_apps(), *checks.of_hosts())}
    assert {row[0].strip(" `") for row in rows()} == every - WITHOUT_A_HOST


def test_every_break_has_a_row_that_says_what_the_line_says() -> None:
    for name, broken in {**ON_THE_HOST, **IN_THE_APP}.items():
        said = [row[2] for row in rows() if row[0].strip(" `") == broken.check]
        assert any(
            each.startswith(f"{broken.verdict}: ") and broken.words in each for each in said
        ), (name, broken.words, said)
        assert all(len(row) == 4 and row[3] for row in rows())
