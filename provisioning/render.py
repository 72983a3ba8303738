"""Templates to text, and a line of the text back to the line of its template.

Jinja2 with StrictUndefined: a name that is not given is an error, never an empty
string. A file of the same name in the person's own `templates/` wins over ours.
jinja2 is imported on first use: commands that render nothing do not pay for it.
"""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from provisioning.errors import ConfigurationError

if TYPE_CHECKING:
    from jinja2 import Environment

OWNED = "Made by Homeport from templates/{name}; an edit by hand is undone by the next provision."
"""What `{{ owned }}` says: the first line of every file that Homeport owns."""


class TemplateLine(NamedTuple):
    """A line of a template: what a message about a rendered file should point to."""

    name: str
    line: int

    def __str__(self) -> str:
        return f"templates/{self.name}:{self.line}"


class _Source(NamedTuple):
    """How a text was made, so that `locate` can make it once more with markers."""

    name: str
    values: Mapping[str, Any]
    folders: tuple[str, ...]


_own_folder: Path | None = None
_sources: dict[str, _Source] = {}


def packaged_folder() -> Path:
    """Return Homeport's own templates: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def use_templates_of(project: Path | None) -> None:
    """Let the files of `project`/templates win over the packaged ones.

    Args:
        project: The directory of the person's fabfile, or None for the packaged ones only.
    """
    global _own_folder
    folder = project / "templates" if project else None
    _own_folder = folder if folder and folder.is_dir() else None


def render(name: str, /, **values: Any) -> str:
    """Return the text of a template.

    Args:
        name: The template's path below `templates/`, e.g. "app/web.socket.j2".
        values: The names that the template may use; `owned` is there besides.

    Raises:
        ConfigurationError: No such template, a mistake in it, or a name not given to it.
    """
    values = {"owned": OWNED.format(name=name), **values}
    folders = tuple(str(folder) for folder in (_own_folder, packaged_folder()) if folder)
    try:
        text = _environment(folders).get_template(name).render(values)
    except Exception as error:
        _refuse(name, error, values)
    _sources[text] = _Source(name, values, folders)
    return text


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
    source = _sources.get(text)
    if source is None:
        return None
    try:
        marked = _environment(source.folders, marked=True).get_template(source.name)
        marked_text = marked.render(source.values)
    except Exception:
        return None
    if _MARKER.sub("", marked_text) != text:
        return None
    found: list[tuple[str, str]] = []
    for number, content in enumerate(marked_text.split("\n"), 1):
        # What stands before the line's first marker still belongs to the last one before it.
        before, *pieces = _MARKER.split(content)
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
        found = locate(files.get(match[1], ""), int(match[2]))
        return f"{match[0]} (from {found})" if found else match[0]

    return re.sub(r"(/[^\s:]+):(\d+)", named, output)


# A marker is NUL, template, NUL, line, NUL: no text that is rendered holds a NUL.
_MARKER = re.compile("\x00([^\x00]+)\x00([0-9]+)\x00")


@cache
def _environment(folders: tuple[str, ...], marked: bool = False) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # nosec B701 # files, not pages
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; pages escape by `|e`
        extensions=[_markers()] if marked else [],
    )


@cache
def _markers() -> Any:
    """Return the jinja2 extension that puts a marker before each piece of a template."""
    from collections.abc import Iterator

    from jinja2.ext import Extension
    from jinja2.lexer import Token, TokenStream

    class Markers(Extension):
        def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
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

    return Markers


def _refuse(name: str, error: Exception, values: Mapping[str, Any]) -> NoReturn:
    """Raise the ConfigurationError that names the template, its line and the mistake."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

    if isinstance(error, ConfigurationError):
        raise error
    hint = ""
    where = f"templates/{name}"
    reason = str(error) or type(error).__name__
    if isinstance(error, TemplateNotFound):
        if error.name == name:
            known = [str(p.relative_to(packaged_folder())) for p in packaged_folder().rglob("*.j2")]
            near = difflib.get_close_matches(name, known, 1)
            hint = f"templates/{near[0]}" if near else ""
            reason = "there is no such template"
        else:
            reason = f"it includes templates/{error.name}, which does not exist"
    elif isinstance(error, TemplateSyntaxError):
        where = str(TemplateLine(error.name or name, error.lineno))
        reason = error.message or reason
    else:
        folders = [str(folder) for folder in (_own_folder, packaged_folder()) if folder]
        for frame in traceback.extract_tb(error.__traceback__):
            folder = next((f for f in folders if frame.filename.startswith(f + "/")), None)
            if folder:
                where = str(TemplateLine(frame.filename[len(folder) + 1 :], frame.lineno or 0))
        if isinstance(error, UndefinedError):
            missing = re.search(r"'(\w+)' is undefined", reason)
            near = difflib.get_close_matches(missing[1], values, 1) if missing else []
            hint = f"{{{{ {near[0]} }}}}" if near else ""
        else:
            reason = f"{type(error).__name__}: {reason}"
    raise ConfigurationError(f"cannot render {where}: {reason}", hint=hint) from None
