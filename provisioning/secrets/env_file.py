"""Variables from a file with a line for each, as `.env` files are: `env_file`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from provisioning.agent.secret_names import MASKED, PASSWORD_IN_URL
from provisioning.errors import ConfigurationError
from provisioning.secrets.sources import open_to_others
from provisioning.secrets.value import Secret

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = "HOMEPORT_"


@dataclass(frozen=True)
class EnvFile:
    """What such a file says.

    Args:
        variables: Name -> value; those that look secret stay one until they are packed.
        warnings: What a person should know about it.
    """

    variables: dict[str, str | Secret]
    warnings: tuple[str, ...] = ()


def read_env_file(path: Path, of: str) -> EnvFile:
    """Read a file of variables. Nothing in it is expanded: `$HOME` stays what it is.

    Args:
        path: The file.
        of: Where it stands in the inventory, such as "apps.hello.env_file"; for messages.

    Raises:
        ConfigurationError: it cannot be read, or a line is none of a variable: all are named, and
            no value is shown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{of}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{of}: cannot read {path}: it is not UTF-8 text") from None
    bindings = [each for each in parse_stream(io.StringIO(text)) if each.key or each.error]
    mistakes = list(_mistakes(bindings))
    if mistakes:
        raise ConfigurationError(
            f"{of}: {path} cannot be read as variables",
            output="\n".join(mistakes),
            hint="write NAME=value, NAME='value with $ and blanks' or NAME=\"two\\nlines\"",
        )
    variables = {each.key: _of(each.key, each.value or "") for each in bindings if each.key}
    has_secrets = any(isinstance(each, Secret) for each in variables.values())
    warnings = open_to_others(path) if has_secrets else []
    return EnvFile(variables, tuple(f"{of}: {each}" for each in warnings))


def _mistakes(bindings: list[Binding]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for each in bindings:
        line = each.original.line
        if each.error or not each.key:
            yield f"line {line}: is no variable"
        elif not _NAME.fullmatch(each.key):
            yield f"line {line}: {each.key} is no name: letters, digits and underscores"
        elif each.value is None:
            yield f"line {line}: {each.key} has no value"
        elif each.key.startswith(_RESERVED):
            yield f"line {line}: names with {_RESERVED} are set by Homeport"
        elif "\0" in each.value:
            yield f"line {line}: {each.key} contains a NUL character"
        elif each.key in seen:
            yield f"line {line}: {each.key} stands in line {seen[each.key]} already"
        seen.setdefault(each.key or "", line)


def _of(name: str, value: str) -> str | Secret:
    is_secret = MASKED.search(name) or PASSWORD_IN_URL.search(value)
    return Secret(value) if is_secret and value else value
