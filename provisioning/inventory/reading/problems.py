"""Mistakes in an inventory: what pydantic found, in words for the person who wrote the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.base import Model
from provisioning.inventory.models.hooks import Hook
from provisioning.inventory.models.processes import Process, Timer
from provisioning.inventory.reading.toml_lines import KeyPath
from provisioning.inventory.suggest import did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


_WITHIN: Mapping[str, type[Model]] = {"hooks": Hook, "processes": Process, "timers": Timer}
"""Tables within the table of an app: what each of their entries is."""


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Args:
        path: Key path in the file, such as ("apps", "hello", "workers"); () is the whole file.
        text: What is wrong; reads on after the key.
    """

    path: KeyPath
    text: str


def dotted(path: KeyPath) -> str:
    """Return a key path as people write it: "apps.hello.domains"."""
    return ".".join(part for part in path if isinstance(part, str))


def from_validation(
    error: ValidationError, table: KeyPath, known: Iterable[str], elsewhere: dict[str, str]
) -> list[Mistake]:
    """Return the mistakes that the validation of one table found.

    Args:
        error: What pydantic raised.
        table: Key path of the table.
        known: The keys that the table may have.
        elsewhere: Keys of other tables, and how those are written.
    """
    return [
        Mistake((*table, *_location(detail)), _text(detail, known, elsewhere))
        for detail in error.errors(include_url=False)
    ]


def unknown_key(name: str, known: Iterable[str], elsewhere: dict[str, str]) -> str:
    """Return the message for a key that a table does not have."""
    if name == "name":
        return "unknown key; the name is in the table's header"
    if name in elsewhere:
        return f"unknown key; it belongs in {elsewhere[name]}"
    return f"unknown key{did_you_mean(name, known)}"


def _location(detail: ErrorDetails) -> KeyPath:
    if detail["loc"] == ("name",):
        return ()
    # pydantic marks a wrong key of a mapping by one more element.
    return tuple(part for part in detail["loc"] if part != "[key]")


def _text(detail: ErrorDetails, known: Iterable[str], elsewhere: dict[str, str]) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    given = _shown(detail)
    match detail["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            within = _WITHIN.get(str(detail["loc"][0])) if len(detail["loc"]) > 1 else None
            if within:
                known, elsewhere = set(within.model_fields), {}
            name = str(detail["loc"][-1])
            if isinstance(detail["input"], dict) and not within and "server" in known:
                return f"unknown table; app servers are {', '.join(APP_SERVERS)}"
            return unknown_key(name, known, elsewhere)
        case "value_error":
            of = "the name " if detail["loc"] == ("name",) else ""
            return f"{of}{context['error']}"
        case "string_type":
            return f"must be a text in quotes{given}"
        case "int_type":
            return f"must be a whole number{given}"
        case "bool_type" | "bool_parsing":
            return f"must be true or false{given}"
        case "tuple_type" if detail["loc"] == ("hooks",):
            return "must be a list of tables: each begins with [[apps.<name>.hooks]]"
        case "tuple_type":
            return f"must be a list: [{_quoted(detail['input'])}]"
        case "model_type" if detail["loc"][0] == "processes":
            return f"must be a command in quotes, or a table{given}"
        case "mapping_type" | "dict_type" | "model_type" | "model_attributes_type":
            return f"must be a table{given}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}{given}"
        case "less_than_equal":
            return f"must be at most {context['le']}{given}"
        case "too_short" | "string_too_short":
            return "must not be empty"
        case "literal_error":
            return f"must be one of {_choices(context)}{given}{_meant(detail, context)}"
    return detail["msg"]


def _choices(context: dict[str, Any]) -> str:
    return str(context["expected"]).replace("'", "").replace(" or ", ", ")


def _meant(detail: ErrorDetails, context: dict[str, Any]) -> str:
    close = did_you_mean(str(detail["input"]), _choices(context).split(", "))
    return close if close.endswith("?") else ""


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else '"...", "..."'


def _shown(detail: ErrorDetails) -> str:
    """Return ", not 22", or "" where the value could be a secret or is long."""
    value = detail["input"]
    if detail["loc"] and detail["loc"][0] in ("env", "secrets", "sudo_password", "basic_auth"):
        return ""
    match value:
        case bool():
            return f", not {str(value).lower()}"
        case int() | float():
            return f", not {value}"
        case str() if len(value) <= 40:
            return f', not "{value}"'
        case list():
            return ", not a list"
        case dict():
            return ", not a table"
    return ""
