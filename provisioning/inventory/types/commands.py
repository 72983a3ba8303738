"""Commands of the inventory: one rule for every key that takes one.

A list is a program and its arguments, and no shell is involved. A line is what `sh` would run:
where it has no shell syntax, it is split into words and started directly, which is the same without
the shell in between; where it has, `sh` runs it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SHELL = ("/bin/sh", "-c")

_WORDS_OF_THE_SHELL = (
    *(".", ":", "{", "!", "alias", "bg", "break", "case", "cd", "command", "continue", "eval"),
    *("exec", "exit", "export", "fg", "for", "getopts", "hash", "if", "jobs", "read", "readonly"),
    *("return", "set", "shift", "times", "trap", "type", "ulimit", "umask", "unalias", "unset"),
    *("until", "wait", "while"),
)
"""Source: POSIX.1-2017, Shell Command Language, sections 2.4 and 2.14, and sh's utilities that are
no programs on Debian."""

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_EXPANDED = re.compile(r"\$[A-Za-z0-9_{(@*#?!$-]|`")
_ESCAPED = re.compile(r"\\[$`]")
"""Within double quotes, where shlex would keep the backslash and a shell does not."""

_OUTSIDE_QUOTES = frozenset(";&|<>()*?[\n")


@dataclass(frozen=True)
class Command:
    """A command.

    Args:
        text: It as people write it at a shell.
        argv: Program and arguments.
        program: What it starts: the first word, or the one after variables that are set for it.
        is_shell: `sh` runs it, so that what it starts are children of a shell.
    """

    text: str
    argv: tuple[str, ...]
    program: str
    is_shell: bool = False

    def __str__(self) -> str:
        return self.text


def parse_command(given: Any) -> Command:
    """Return a command as it is run.

    Args:
        given: A line, or a list of words.

    Raises:
        ValueError: it is neither, is empty, or cannot be read as words.
    """
    if isinstance(given, Command):
        return given
    if isinstance(given, str):
        return _of_line(given)
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, str) for each in given):
        raise ValueError('must be a line such as "flask db upgrade", or a list of words')
    return _of_words(tuple(given), shlex.join(given))


def _of_line(line: str) -> Command:
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise ValueError(f"is not a command: {str(error).lower()}") from None
    if not words or "\n" in line:
        raise ValueError("must be a command on one line")
    _check_characters(line)
    if _needs_shell(line, words):
        return Command(line, (*SHELL, line), SHELL[0], is_shell=True)
    variables = _count_of_variables(words)
    if not variables:
        return _of_words(words, line)
    # Source: env(1): the same without a shell that would stand between systemd and the program.
    return Command(line, ("/usr/bin/env", *words), words[variables])


def _of_words(words: tuple[str, ...], text: str) -> Command:
    if not words or not words[0]:
        raise ValueError("must name a program")
    _check_characters("".join(words))
    # Source: systemd.service(5), "COMMAND LINES": characters before a program's path change what
    # it may do, up to leaving the sandbox.
    if not re.match(r"[A-Za-z0-9_./]", words[0]):
        raise ValueError(f'must begin with the name or the path of a program, not "{words[0]}"')
    return Command(text, words, words[0])


def _check_characters(text: str) -> None:
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
        raise ValueError("must be without control characters")


def _needs_shell(line: str, words: tuple[str, ...]) -> bool:
    if words[0] in _WORDS_OF_THE_SHELL or words[0].startswith(("(", "~")):
        return True
    if _count_of_variables(words) == len(words):
        return True
    return any(_is_syntax(line, at, quote) for at, quote in _unescaped(line))


def _count_of_variables(words: tuple[str, ...]) -> int:
    """Return how many words in front of a command set variables for it."""
    return next((at for at, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))


def _is_syntax(line: str, at: int, quote: str) -> bool:
    """Return whether a shell takes a character for more than itself."""
    if quote == "'":
        return False
    if _EXPANDED.match(line, at) or (quote and _ESCAPED.match(line, at)):
        return True
    begins_word = at == 0 or line[at - 1] in " \t="
    return not quote and (
        line[at] in _OUTSIDE_QUOTES or (begins_word and line[at] in "~#" and at > 0)
    )


def _unescaped(line: str) -> Iterator[tuple[int, str]]:
    """Yield the place of each character that no backslash stands before, and the quote around it.

    A backslash itself counts within double quotes only.

    Source: POSIX.1-2017, Shell Command Language, section 2.2.
    """
    quote, at = "", 0
    while at < len(line):
        character = line[at]
        if character == "\\" and quote != "'":
            if quote:
                yield at, quote
            at += 2
            continue
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
        else:
            yield at, quote
        at += 1
