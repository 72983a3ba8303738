"""What is wrong with a template, in words."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

from provisioning.errors import ConfigurationError
from provisioning.render.folders import packaged_folder
from provisioning.render.template_line import TemplateLine


def refuse(
    name: str, error: Exception, values: Mapping[str, Any], folders: tuple[str, ...]
) -> NoReturn:
    """Raise the error that names the template, its line and the mistake.

    Args:
        name: The template that was to be rendered.
        error: What came of it.
        values: What was given to it.
        folders: Where templates were looked for.

    Raises:
        ConfigurationError: always.
    """
    if isinstance(error, ConfigurationError):
        raise error
    if isinstance(error, TemplateNotFound):
        where, reason, hint = _not_found(name, error)
    elif isinstance(error, TemplateSyntaxError):
        where = str(TemplateLine(error.name or name, error.lineno))
        reason, hint = error.message or str(error), ""
    else:
        where = _line_that_failed(error, folders) or f"templates/{name}"
        reason, hint = _failure(error, values)
    raise ConfigurationError(f"cannot render {where}: {reason}", hint=hint) from None


def _not_found(name: str, error: TemplateNotFound) -> tuple[str, str, str]:
    if error.name != name:
        return f"templates/{name}", f"it includes templates/{error.name}, which does not exist", ""
    known = [str(path.relative_to(packaged_folder())) for path in packaged_folder().rglob("*.j2")]
    near = _nearest(name, known)
    return f"templates/{name}", "there is no such template", f"templates/{near}" if near else ""


def _line_that_failed(error: Exception, folders: tuple[str, ...]) -> str:
    """Return the innermost line of a template that the error came through, or ""."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        folder = next((each for each in folders if frame.filename.startswith(each + "/")), None)
        if folder:
            where = str(TemplateLine(frame.filename[len(folder) + 1 :], frame.lineno or 0))
    return where


def _failure(error: Exception, values: Mapping[str, Any]) -> tuple[str, str]:
    reason = str(error) or type(error).__name__
    if not isinstance(error, UndefinedError):
        return f"{type(error).__name__}: {reason}", ""
    missing = re.search(r"'(\w+)' is undefined", reason)
    near = _nearest(missing[1], values) if missing else ""
    return reason, f"{{{{ {near} }}}}" if near else ""


def _nearest(name: str, known: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, 1)), "")
