"""nginx's directives in a text that a person has written, before it is on any host."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.agent.nginx.conf import TOKEN, Directive


class BadSyntaxError(Exception):
    """A text is no sequence of whole directives.

    Args:
        line: Where that shows, counted from 1.
        what: What is wrong there.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


def whole_directives(text: str, path: str) -> Iterator[Directive]:
    """Yield the directives of a text that is to stand within a block: it leaves that nowhere.

    Unlike `Configuration`, it is not lenient: nginx does not read the text before it is in place.

    Args:
        text: Directives; what others include is not followed.
        path: Where it stands.

    Raises:
        BadSyntaxError: A block, a quote or a directive does not end in the text, or ends what was
            not begun there.
    """
    words: list[str] = []
    blocks: list[tuple[str, int]] = []
    at, line, started = 0, 1, 1
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None or (token["word"] or "")[:1] in ('"', "'"):
            raise BadSyntaxError(line, "a quote is not closed, or nothing follows a backslash")
        begin, at, line = line, token.end(), line + token[0].count("\n")
        if token.lastgroup is None:
            continue
        if token.lastgroup != "sign":
            started = started if words else begin
            words.append(token[0][1:-1] if token["quoted"] else token[0])
            continue
        _check_sign(token[0], words, blocks, begin)
        if token[0] == "}":
            blocks.pop()
        else:
            yield Directive(words[0], tuple(words[1:]), path, started, tuple(blocks))
            if token[0] == "{":
                blocks.append((words[0], started))
        words = []
    if words:
        raise BadSyntaxError(started, f'"{words[0]}" does not end with ";"')
    if blocks:
        raise BadSyntaxError(blocks[-1][1], f'the block "{blocks[-1][0]}" is not closed')


def _check_sign(sign: str, words: list[str], blocks: list[tuple[str, int]], line: int) -> None:
    if sign == "}" and words:
        raise BadSyntaxError(line, f'"{words[0]}" does not end with ";" before this "}}"')
    if sign == "}" and not blocks:
        raise BadSyntaxError(line, 'this "}" closes a block that was not opened here')
    if sign != "}" and not words:
        raise BadSyntaxError(line, f'there is no directive before this "{sign}"')
