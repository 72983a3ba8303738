from __future__ import annotations

import pytest

from provisioning.inventory.types.calendar import calendar
from tests.agent.samples import CALENDARS


@pytest.mark.parametrize("text", CALENDARS)
def test_what_systemd_understands_is_taken_as_it_is(text: str) -> None:
    assert calendar(text) == text


def test_spaces_around_it_are_of_no_account() -> None:
    assert calendar("  Mon   06:30 ") == "Mon 06:30"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a time such as"),
        ("noon", "must be a time such as"),
        ("3am", "must be a time such as"),
        ("03", "must be a time such as"),
        ("24:00", "no hour that exists: 24"),
        ("03:60", "no minute that exists: 60"),
        ("*-13-01", "no month that exists: 13"),
        ("*-*-32 03:00", "no day that exists: 32"),
        ("03:00 Mon", "must be a time such as"),
        ("03:00 04:00", "must be a time such as"),
        ("Mon 03:00\nPersistent=false", "must be a time such as"),
        ("%h", "must be a time such as"),
        ("0 3 * * *", "that is the syntax of crontabs"),
    ],
)
def test_what_it_cannot_understand_is_told(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        calendar(text)
