"""Templates to text.

Jinja2 with StrictUndefined: a name that is not given is an error, never an empty
string. jinja2 is imported on first use: commands that render nothing do not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioning.render.folders import folders

if TYPE_CHECKING:
    from jinja2 import Environment

OWNED = "Made by Homeport from templates/{name}; an edit by hand is undone by the next provision."
"""What `{{ owned }}` says: the first line of every file that Homeport owns."""


class Source(NamedTuple):
    """How a text was made.

    Args:
        name: The template, below `templates/`.
        values: What was given to it.
        folders: Where it was looked for.
    """

    name: str
    values: Mapping[str, Any]
    folders: tuple[str, ...]


_sources: dict[str, Source] = {}
_origins: dict[str, str] = {}


def render(name: str, /, **values: Any) -> str:
    """Return the text of a template.

    Args:
        name: The template's path below `templates/`, e.g. "app/web.socket.j2".
        values: The names that the template may use; `owned` is there besides.

    Raises:
        ConfigurationError: No such template, a mistake in it, or a name not given to it.
    """
    values = {"owned": OWNED.format(name=name), **values}
    where = folders()
    try:
        text = environment(where).get_template(name).render(values)
    except Exception as error:
        from provisioning.render.mistakes import refuse

        refuse(name, error, values, where)
    _sources[text] = Source(name, values, where)
    return text


def copied(text: str, origin: str) -> str:
    """Return a text that a person has written, so that messages lead to its lines.

    Args:
        text: As it will be on a host, line by line as the person has it.
        origin: The person's file.
    """
    _origins[text] = origin
    return text


def origin_of(text: str) -> str | None:
    """Return the file of which `copied` said in this process that a text is from it."""
    return _origins.get(text)


def source_of(text: str) -> Source | None:
    """Return how a text was made, if `render` made exactly this one in this process."""
    return _sources.get(text)


@cache
def environment(folders: tuple[str, ...], marked: bool = False) -> Environment:
    """Return Jinja's environment for templates of these folders.

    Args:
        folders: Where templates are looked for, the first one first.
        marked: Whether each piece of a text begins with a marker of its line: see lines.py.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if marked:
        from provisioning.render.markers import Markers
    else:
        from provisioning.render.bytecode import bytecode_cache

    return Environment(  # nosec B701 # files, not pages
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; pages escape by `|e`
        extensions=[Markers] if marked else [],
        # What is compiled with markers is another thing under the same name.
        bytecode_cache=None if marked else bytecode_cache(),
    )
