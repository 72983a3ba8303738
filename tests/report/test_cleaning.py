from __future__ import annotations

import pytest

from provisioning.report.sanitize import clean, clean_line, clean_lines
from provisioning.secrets import Secret


@pytest.mark.parametrize(
    "foreign",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]0;a title\x07red",
        "\x1b]8;;http://example.com\x1b\\red\x1b]8;;\x1b\\",
        "\x1b(Bred",
        "\x9b31mred",
        "r\x08e\x00d\x7f",
        "\u202ered\u2069",
    ],
)
def test_nothing_acts_upon_the_terminal(foreign):
    assert clean(foreign) == "red"


def test_a_carriage_return_hides_nothing():
    assert clean("rm -rf /\rls\r\nnext") == "rm -rf /\nls\nnext"


def test_a_secret_with_controls_between_its_letters_is_masked():
    Secret("canary-cleaning")
    assert clean("token canary-\x1b[1mcleaning\x1b[0m") == "token ***"


def test_a_secret_that_holds_controls_is_masked():
    Secret("canary\x1b[1mcontrols")
    assert clean("canary\x1b[1mcontrols") == "***"


def test_bytes_that_are_no_text_do_not_break_the_output():
    assert clean(b"\xff!".decode("utf-8", "surrogateescape")) == "?!"


def test_a_line_is_one_line():
    assert clean_line(" two\nlines\t") == "two lines"


def test_the_last_lines_say_how_many_went_before_them():
    assert clean_lines("1\n2\n3\n4\n\n", 2) == ["(2 more lines above)", "3", "4"]
    assert clean_lines("1\n2\n", 2) == ["1", "2"]
    assert clean_lines("", 2) == []
