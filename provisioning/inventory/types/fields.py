"""The field types of the inventory's models: parser, pattern for editors, way to write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from provisioning.inventory.types import units
from provisioning.inventory.types.calendar import calendar
from provisioning.inventory.types.commands import Command, parse_command
from provisioning.inventory.types.groups import PATTERN as GROUP_PATTERN
from provisioning.inventory.types.groups import extra_group
from provisioning.inventory.types.headers import header_name, header_value
from provisioning.inventory.types.units import Batch, Duration, Rate, Size

T = TypeVar("T")
Names = TypeVar("Names", bound=tuple[str, ...])


@dataclass(frozen=True)
class Matching:
    """A text that must match a pattern, which editors learn of too.

    Args:
        pattern: Regular expression for the whole text.
        what: What it should be, with an example; reads on after "must be".
    """

    pattern: str
    what: str

    def check(self, text: str) -> str:
        """Return the text, or raise ValueError."""
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f'must be {self.what}, not "{text}"')
        return text

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


def _parsed(kind: type[T], parse: Callable[[str], T], *, off: bool = False) -> PlainValidator:
    """Validate by the parser; with `off`, "off" stands for None."""

    def validate(given: object) -> T | None:
        if off and (given is None or given == "off"):
            return None
        if isinstance(given, kind):
            return given
        if not isinstance(given, str):
            raise ValueError("must be a text in quotes")  # noqa: TRY004 - pydantic collects these
        return parse(given)

    return PlainValidator(validate)


def _unique(names: Names) -> Names:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'names "{name}" twice')
    return names


def _not_empty(names: Names) -> Names:
    if not names:
        raise ValueError("must not be empty")
    return names


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


Whole = Annotated[int, Strict()]
Yes = Annotated[bool, Strict()]
Seconds = Annotated[int, Strict(), Field(ge=1, le=3600)]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]

BatchOfHosts = Annotated[
    Batch,
    PlainValidator(lambda given: given if isinstance(given, Batch) else Batch.parse(given)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": units.SHARE_PATTERN},
            ]
        }
    ),
]
SizeText = Annotated[Size, _parsed(Size, Size.parse), _text(units.SIZE_PATTERN)]
DurationText = Annotated[Duration, _parsed(Duration, Duration.parse), _text(units.DURATION_PATTERN)]
DurationOrOff = Annotated[
    Duration | None,
    _parsed(Duration, Duration.parse, off=True),
    _text(f"{units.DURATION_PATTERN}|^off$"),
]
RateOrOff = Annotated[
    Rate | None,
    _parsed(Rate, Rate.parse, off=True),
    _text(f"{units.RATE_PATTERN}|^off$"),
]
RateText = Annotated[Rate, _parsed(Rate, Rate.parse), _text(units.RATE_PATTERN)]


def _whole_or_off(given: object) -> int | None:
    """Return a number of things at once, or None for "off"."""
    if given is None or given == "off":
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 100_000:
        raise ValueError(f'must be a number from 1 to 100000, or "off", not {given!r}')
    return given


def _statuses(given: object) -> tuple[int, ...]:
    """Return statuses of HTTP: one, or a list."""
    found = given if isinstance(given, list | tuple) else [given]
    for each in found:
        if isinstance(each, bool) or not isinstance(each, int) or not 200 <= each <= 499:
            raise ValueError(f"must be a status from 200 to 499, or a list of them, not {each!r}")
    if not found:
        raise ValueError("must not be empty")
    return tuple(found)


_STATUS = {"type": "integer", "minimum": 200, "maximum": 499}
Statuses = Annotated[
    tuple[int, ...],
    PlainValidator(_statuses),
    WithJsonSchema({"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]}),
]

WholeOrOff = Annotated[
    int | None,
    PlainValidator(_whole_or_off),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 100_000},
                {"type": "string", "const": "off"},
            ]
        }
    ),
]

AppName = Annotated[
    str,
    Matching(
        units.APP_NAME_PATTERN,
        "at most 31 lower-case letters, digits and hyphens, a letter first",
    ),
]
HostName = Annotated[
    str,
    Matching(units.HOST_NAME_PATTERN, "letters, digits, dots and hyphens, such as web1"),
]
Address = Annotated[
    str,
    Matching(r"^[A-Za-z0-9:][A-Za-z0-9.:%_-]*$", 'a name or an address such as "203.0.113.10"'),
]
PeerAddress = Annotated[str, AfterValidator(units.peer_address)]
UserName = Annotated[str, Matching(units.USER_PATTERN, 'a user\'s name such as "deploy"')]
Packages = Annotated[
    tuple[
        Annotated[str, Matching(units.PACKAGE_PATTERN, 'a Debian package such as "libpq5"')], ...
    ],
    AfterValidator(_unique),
]
BuildHosts = Annotated[
    tuple[
        Annotated[str, Matching(units.HOST_AND_PORT_PATTERN, 'a host such as "static.crates.io"')],
        ...,
    ],
    AfterValidator(_unique),
]
ImageName = Annotated[
    str,
    Matching(
        r"^[a-z0-9][a-z0-9._:-]*(/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$",
        'the name of an image, such as "localhost/debian:13"',
    ),
]
HostPath = Annotated[
    str,
    Matching(
        r"^(/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*)+$",
        'an absolute path on the host, such as "/var/lib/images/debian.tar"',
    ),
]
ProjectName = Annotated[
    str,
    Matching(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "letters, digits, dots and hyphens, such as shop"),
]
Thing = Annotated[
    str,
    Matching(r"^(/|[a-z]+:).+$", "a path such as /etc/logrotate.d/x, or a name from a refusal"),
]
SettingAreas = Annotated[
    tuple[Literal["journal", "kernel", "updates"], ...], AfterValidator(_unique)
]
Things = Annotated[tuple[Thing, ...], AfterValidator(_unique)]
ExtraGroups = Annotated[
    tuple[Annotated[str, AfterValidator(extra_group), _text(GROUP_PATTERN)], ...],
    AfterValidator(_unique),
]
HostNames = Annotated[tuple[HostName, ...], AfterValidator(_unique)]
RoleNames = Annotated[
    tuple[Annotated[str, Matching(r"^[a-z][a-z0-9_]*$", "a role such as monitoring")], ...],
    AfterValidator(_unique),
]
EntryPoint = Annotated[
    str,
    Matching(units.ENTRY_POINT_PATTERN, '"module:name" or "module:factory()", such as "app:app"'),
]
Python = Annotated[
    str,
    Matching(
        units.PYTHON_PATTERN,
        '"python3", a version such as "3.12", "python3.12" or an absolute path on the host',
    ),
]
PythonMirror = Annotated[
    str,
    Matching(
        units.PYTHON_MIRROR_PATTERN,
        "a URL without a user and a password: with these it belongs into build_secrets, as "
        "UV_PYTHON_INSTALL_MIRROR",
    ),
]
Distribution = Annotated[
    str,
    Matching(
        r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        "letters, digits, dots, hyphens and underscores, such as postgres",
    ),
]
Distributions = Annotated[tuple[Distribution, ...], AfterValidator(_unique)]
Domain = Annotated[str, AfterValidator(units.domain)]
Domains = Annotated[
    tuple[Domain, ...],
    Field(json_schema_extra={"minItems": 1}),
    AfterValidator(_unique),
    AfterValidator(_not_empty),
]
OtherDomains = Annotated[tuple[Domain, ...], AfterValidator(_unique)]
RelativePath = Annotated[
    str,
    AfterValidator(units.relative_path),
    _text(units.RELATIVE_PATH_PATTERN),
]
RelativePaths = Annotated[tuple[RelativePath, ...], AfterValidator(_unique)]
LogFiles = Annotated[
    tuple[
        Annotated[
            str,
            Matching(
                # A name at whose end anything may stand would take in what was put aside, again.
                r"^(?!.*\.\.)([A-Za-z0-9_*-][A-Za-z0-9._*-]*/)+[A-Za-z0-9._*-]*[A-Za-z0-9_-]$",
                'a path below a shared folder such as "logs/*.log", with no * at its end',
            ),
        ],
        ...,
    ],
    AfterValidator(_unique),
]
UrlPath = Annotated[str, Matching(units.URL_PATH_PATTERN, 'a path such as "/healthz"')]
UrlFolder = Annotated[
    str,
    Matching(units.URL_FOLDER_PATTERN, 'a path with a slash at both ends, such as "/static/"'),
]
UrlPrefix = Annotated[
    str,
    Matching(units.URL_PREFIX_PATTERN, 'a path with a slash at both ends, such as "/shop/"'),
]
UrlPaths = Annotated[tuple[UrlPath, ...], AfterValidator(_unique)]
VisitorName = Annotated[
    str,
    Matching(r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", 'a user\'s name such as "editor"'),
]
AnyCommand = Annotated[
    Command, PlainValidator(parse_command, json_schema_input_type=str | list[str])
]
ProcessName = Annotated[
    str,
    Matching(
        units.APP_NAME_PATTERN,
        "at most 31 lower-case letters, digits and hyphens, a letter first",
    ),
]
At = Annotated[str, AfterValidator(calendar)]
HeaderName = Annotated[str, AfterValidator(header_name)]
HeaderValue = Annotated[str, AfterValidator(header_value)]
Csp = Annotated[str, AfterValidator(units.content_security_policy)]
Networks = Annotated[
    tuple[Annotated[str, AfterValidator(units.network)], ...], AfterValidator(_unique)
]
Email = Annotated[str, Matching(units.EMAIL_PATTERN, 'an address such as "ops@example.com"')]
# A path on the operator's machine; "~" is the operator's home.
LocalPath = Annotated[str, Field(min_length=1)]
SnippetPath = Annotated[str, Matching(r"^[^\x00-\x1f]+$", 'a path such as "../deploy/extra.conf"')]
VariableName = Annotated[
    str, Matching(units.VARIABLE_PATTERN, "letters, digits and underscores, no digit first")
]

AcmeDirectory = Annotated[str, AfterValidator(units.acme_directory)]

Relaxation = Literal["dbus", "jit", "netlink", "proc"]
NetworkAccess = Literal["full", "local", "none"]
ClientVerify = Literal["required", "optional"]
TlsMethod = Literal["acme", "files", "self-signed", "off"]
