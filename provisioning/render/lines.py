"""A line of a rendered text, back to the line of its template."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provisioning.render.template_line import TemplateLine
from provisioning.render.templates import environment, origin_of, source_of

MARKER = re.compile("\x00([^\x00]+)\x00([0-9]+)\x00")
"""NUL, template, NUL, line, NUL: no text that is rendered holds a NUL."""


def locate(text: str, line: int) -> TemplateLine | None:
    """Return the line of the template, or of one it includes, that made a line of a text.

    The template is rendered once more, with a marker before each piece; only a
    rendering which is the same text once the markers are gone is believed.

    Args:
        text: A whole text as `render` returned it in this process.
        line: A line of it, counted from 1.

    Returns:
        The template's line, or None: not made from a template, or not to be told.
    """
    source = source_of(text)
    if source is None:
        return None
    try:
        marked = environment(source.folders, marked=True).get_template(source.name)
        marked_text = marked.render(source.values)
    except Exception:
        return None
    if MARKER.sub("", marked_text) != text:
        return None
    found: list[tuple[str, str]] = []
    for number, content in enumerate(marked_text.split("\n"), 1):
        # What stands before the line's first marker still belongs to the last one before it.
        before, *pieces = MARKER.split(content)
        markers = list(zip(pieces[0::3], pieces[1::3], strict=True))
        if number == line:
            shown = [
                mark for mark, piece in zip(markers, pieces[2::3], strict=True) if piece.strip()
            ]
            if not before.strip():
                found = [*shown, *markers, *found][:1]
            return TemplateLine(found[0][0], int(found[0][1])) if found else None
        found = markers[-1:] or found
    return None


def annotate(output: str, files: Mapping[str, str]) -> str:
    """Return a program's words, with the template's line after each line of a rendered file.

    Args:
        output: What a program said, such as "... in /etc/web/web.conf:12".
        files: Absolute path on the host -> the text that was rendered for it.
    """

    def named(match: re.Match[str]) -> str:
        text = files.get(match[1], "")
        origin = origin_of(text)
        found = f"{origin}:{match[2]}" if origin else locate(text, int(match[2]))
        return f"{match[0]} (from {found})" if found else match[0]

    return re.sub(r"(/[^\s:]+):(\d+)", named, output)
