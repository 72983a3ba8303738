"""How the source of a secret is written in the inventory: a table with one of four keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator, WithJsonSchema

from provisioning.inventory.suggest import did_you_mean
from provisioning.inventory.types.units import VARIABLE_PATTERN
from provisioning.secrets import (
    CommandSource,
    EnvSource,
    FetchedSource,
    FileSource,
    GenerateSource,
    SecretSource,
)

S = TypeVar("S", bound=SecretSource)

_WAYS = '{ env = "NAME" }, { command = "pass show name" }, { file = "path" }'
_PLAIN = f"a secret must not be in the inventory in plain text; write where it comes from: {_WAYS}"

# Below 16 bytes a secret can be guessed; above 1024 it fits no environment variable well.
_MIN_BYTES, _MAX_BYTES = 16, 1024


def _fetched_source(given: object) -> FetchedSource:
    source = _secret_source(given, generated=False)
    assert not isinstance(source, GenerateSource)
    return source


def _any_source(given: object) -> SecretSource:
    return _secret_source(given, generated=True)


def _secret_source(given: object, *, generated: bool) -> SecretSource:
    """Return the source that a table stands for; the value given never shows in an error."""
    kinds = ("env", "command", "file", "generate") if generated else ("env", "command", "file")
    if isinstance(given, EnvSource | CommandSource | FileSource | GenerateSource):
        return given
    if not isinstance(given, Mapping):
        raise ValueError(_PLAIN + (" or { generate = 32 }" if generated else ""))  # noqa: TRY004
    for key in given:
        if key not in (*kinds, "timeout_s"):
            raise ValueError(f'unknown key "{key}"{did_you_mean(key, kinds)}')
    named = [kind for kind in kinds if kind in given]
    if len(named) != 1:
        raise ValueError(f"must have exactly one of the keys {', '.join(kinds)}")
    if "timeout_s" in given and named != ["command"]:
        raise ValueError('only { command = "..." } takes timeout_s')
    kind = named[0]
    if kind == "generate":
        return GenerateSource(_whole(given, "generate", _MIN_BYTES, _MAX_BYTES))
    text = given[kind]
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{kind} must be a text in quotes")
    if kind == "env":
        if not re.fullmatch(VARIABLE_PATTERN, text):
            raise ValueError("env must be the name of an environment variable")
        return EnvSource(text)
    if kind == "file":
        return FileSource(text)
    return CommandSource(text, _whole(given, "timeout_s", 1, 3600, CommandSource.timeout_s))


def _whole(
    given: Mapping[str, object], key: str, least: int, most: int, default: int | None = None
) -> int:
    number = given.get(key, default)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise ValueError(f"{key} must be a whole number from {least} to {most}")
    return number


def _json_schema(*, generated: bool) -> WithJsonSchema:
    def table(description: str, **properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "description": description,
            "properties": properties,
            "required": [next(iter(properties))],
            "additionalProperties": False,
        }

    text = {"type": "string", "minLength": 1}
    seconds = {"type": "integer", "minimum": 1, "maximum": 3600, "default": CommandSource.timeout_s}
    ways = [
        table(_first_line(EnvSource), env={"type": "string", "pattern": VARIABLE_PATTERN}),
        table(_first_line(CommandSource), command=text, timeout_s=seconds),
        table(_first_line(FileSource), file=text),
    ]
    if generated:
        size = {"type": "integer", "minimum": _MIN_BYTES, "maximum": _MAX_BYTES}
        ways.append(table(_first_line(GenerateSource), generate=size))
    return WithJsonSchema({"oneOf": ways})


def _first_line(kind: type[object]) -> str:
    return (kind.__doc__ or "").splitlines()[0].replace("`", "")


AnySource = Annotated[SecretSource, PlainValidator(_any_source), _json_schema(generated=True)]
LocalSource = Annotated[
    FetchedSource, PlainValidator(_fetched_source), _json_schema(generated=False)
]
