"""`fab run`: words are words, and one word may be a line."""

from __future__ import annotations

import pytest

from provisioning.commands.run import _argv
from provisioning.errors import ConfigurationError


def test_words_stay_what_they_are() -> None:
    assert _argv(["python", "-c", "a && b"]) == ["python", "-c", "a && b"]


def test_one_word_is_a_line_like_those_of_the_inventory() -> None:
    assert list(_argv(["flask routes"])) == ["flask", "routes"]
    assert list(_argv(["cd x && ls"])) == ["/bin/sh", "-c", "cd x && ls"]


def test_a_line_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match="it is not a command: no closing"):
        _argv(["echo 'x"])
