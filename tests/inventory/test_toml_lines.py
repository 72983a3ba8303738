from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from provisioning.inventory.reading.toml_lines import KeyPath, key_lines, line_of

REPOSITORY = Path(__file__).parents[2]

TRICKY = '''\
# a = "not a key"
top = 1
"quoted.key" = 2 # [not.a.table]
'literal "key"' = 3
dotted.in.side = 4
date = 1979-05-27 07:32:00
[table]
  indented = "a # not a comment [x] = 1"
escaped = "a \\" = b"
multi = """
inside = 1
[not.a.table]
ends with quotes \\""" "" """""
literal = \'\'\'
x = 1 \\\'\'\'
empty = ""
empty_multi = """"""
  [ table . "spaced" ]
list = [ # comment ]
  "a", # "b",
  [1, 2],

  { in = "table", more.deep = [ "x" ] },
]
inline = { a = 1, "b c" = { d = true }, e = [] }
after = -1.5e3
[[many]]
name = "one"
[[many]]
name = "two"
[many.sub]
key = 1
[[many.sub.deep]]
x = 1
[[many.sub.deep]]
x = 2
[dotted.in.other]
last = nan'''


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    """Return the key path of everything in a document."""
    found: list[KeyPath] = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        found += paths(inner, (*path, key))
    return found


@pytest.mark.parametrize(
    "text",
    [
        TRICKY,
        TRICKY.replace("\n", "\r\n"),
        *(path.read_text() for path in sorted((REPOSITORY / "inventory").glob("*.toml"))),
        (REPOSITORY / "pyproject.toml").read_text(),
        "",
        "\n\n# nothing\n",
        "x=1",
    ],
)
def test_every_key_of_a_document_is_found_on_a_line_that_has_it(text: str) -> None:
    lines = key_lines(text)
    rows = text.splitlines()
    every = paths(tomllib.loads(text))
    assert set(lines) == set(every)
    for path in every:
        row = rows[lines[path] - 1]
        names = [part for part in path if isinstance(part, str)]
        if isinstance(path[-1], str) or row.lstrip().startswith("[["):
            assert names[-1] in row, (path, row)


def test_lines_of_a_tricky_document_are_right() -> None:
    lines = key_lines(TRICKY)
    rows = TRICKY.splitlines()
    for path, start in {
        ("quoted.key",): '"quoted.key"',
        ("dotted", "in", "side"): "dotted.in.side",
        ("table", "empty_multi"): "empty_multi",
        ("table", "spaced", "list", 0): '  "a"',
        ("table", "spaced", "list", 1, 1): "  [1, 2]",
        ("table", "spaced", "list", 2, "more", "deep"): "  { in",
        ("table", "spaced", "inline", "b c", "d"): "inline",
        ("many", 1): "[[many]]",
        ("many", 1, "name"): 'name = "two"',
        ("many", 1, "sub", "deep", 1, "x"): "x = 2",
        ("dotted", "in", "other", "last"): "last",
    }.items():
        assert rows[lines[path] - 1].startswith(start), path


def test_a_key_that_is_missing_is_told_on_the_line_of_its_table() -> None:
    lines = key_lines("a = 1\n[hosts.web1]\nport = 22\n")
    assert line_of(("hosts", "web1", "address"), lines) == 2
    assert line_of(("apps", "hello"), lines) is None
