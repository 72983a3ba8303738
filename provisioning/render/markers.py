"""The Jinja extension that puts a marker before each piece of a template: see lines.py."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream


class Markers(Extension):
    """Puts the name and the line before each piece."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens of a template, with the markers."""

        def marker(line: int) -> str:
            return f"\x00{stream.name}\x00{line}\x00"

        for token in stream:
            if token.type == "data":
                lines = token.value.split("\n")
                marked = [marker(token.lineno + i) + text for i, text in enumerate(lines)]
                yield Token(token.lineno, "data", "\n".join(marked))
            else:
                if token.type == "variable_begin":
                    yield Token(token.lineno, "data", marker(token.lineno))
                yield token
