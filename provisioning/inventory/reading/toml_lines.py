"""Find the line of each key of a TOML text, which the standard library's reader does not tell.

The text has been read without error before, so this only follows its structure and
checks nothing. Source: https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, of every key, table header and list element of a valid TOML text."""
    finder = _Finder(text.replace("\r\n", "\n"))
    finder.document()
    return finder.lines


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the nearest table around it; None if there is none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Finder:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        """Read `[a.b]` or `[[a.b]]`; return the path of the table that it opens."""
        line = self._line()
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        path = self._key((), line)
        self.at += 2 if is_list else 1
        if is_list:
            index = self._counts.get(path, -1) + 1
            self._counts[path] = index
            path = (*path, index)
            self.lines[path] = line
        return path

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table, self._line())
        self.at += 1  # the "="
        self._skip(_SPACE)
        self._value(path)

    def _key(self, table: KeyPath, line: int) -> KeyPath:
        """Read a dotted key; each of its parts is a table of its own."""
        path = table
        while True:
            self._skip(_SPACE)
            quoted = _STRING.match(self.text, self.at)
            bare = _BARE.match(self.text, self.at)
            part = quoted or bare
            assert part, "the text was read without error before"
            self.at = part.end()
            name = tomllib.loads(f"x = {part.group()}")["x"] if quoted else part.group()
            path = (*path, name)
            self.lines.setdefault(path, line)
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return path
            self.at += 1
            if path in self._counts:
                # `[list.table]` after `[[list]]` belongs to the list's last element.
                path = (*path, self._counts[path])

    def _value(self, path: KeyPath) -> None:
        string = _STRING.match(self.text, self.at)
        if string:
            self.at = string.end()
        elif self.text[self.at] == "[":
            self._elements(path, "]")
        elif self.text[self.at] == "{":
            self._elements(path, "}")
        else:
            self._skip(_SCALAR)

    def _elements(self, path: KeyPath, end: str) -> None:
        """Read the elements of a list, or the pairs of an inline table."""
        self.at += 1
        index = 0
        self._skip(_BLANK)
        while self.text[self.at] != end:
            if end == "]":
                self.lines[(*path, index)] = self._line()
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self._skip(_BLANK)
        self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
