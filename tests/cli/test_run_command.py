"""`fab run`: words are words, and one word may be a line."""

from __future__ import annotations

import pytest

from provisioning.commands.run import _argv
from provisioning.errors import ConfigurationError
from provisioning.report.console import PipedConsole


def test_words_stay_what_they_are() -> None:
    assert _argv(["python", "-c", "a && b"]) == ["python", "-c", "a && b"]


def test_one_word_is_a_line_like_those_of_the_inventory() -> None:
    assert list(_argv(["flask routes"])) == ["flask", "routes"]
    assert list(_argv(["cd x && ls"])) == ["/bin/sh", "-c", "cd x && ls"]


def test_a_line_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match="it is not a command: no closing"):
        _argv(["echo 'x"])


@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        ("Superuser creation skipped due to not running in a TTY. You can run ...", True),
        ("EOFError: EOF when reading a line", True),
        ("not a tty", True),
        ("stty: 'standard input': Inappropriate ioctl for device", True),
        ("three lines imported", False),
        ("not a tty" + "x" * 5000, False),
    ],
)
def test_a_program_that_misses_a_terminal_is_known(
    capfd: pytest.CaptureFixture[str], printed: str, wanted: bool
) -> None:
    console = PipedConsole()
    for letter in (printed[:7], printed[7:]):
        console.write(letter.encode(), error=True)
    assert console.wanted_terminal is wanted
    assert capfd.readouterr().err == printed
