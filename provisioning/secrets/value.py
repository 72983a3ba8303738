"""The value that never shows itself."""

from __future__ import annotations

import hmac
import secrets as random_source
from typing import NoReturn

from provisioning.secrets.redaction import MASK, REDACTOR


class Secret:
    """A text that shows as `***` wherever it is printed, logged, formatted or put in JSON.

    Every secret registers with the process's redactor when it is made, so that no
    sink can forget it. `json.dumps(value, default=str)` writes `***`; pickling is refused.

    Args:
        value: The text, at least one character.

    Raises:
        ValueError: The text is empty: an empty secret is a mistake somewhere else.
    """

    __slots__ = ("_value",)
    _value: str

    def __init__(self, value: str) -> None:
        if not value:
            raise ValueError("cannot make a secret: the value is empty")
        object.__setattr__(self, "_value", value)
        REDACTOR.add(value)

    def reveal(self) -> str:
        """Return the text itself; for the one place that must have it."""
        return self._value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("cannot change a secret: make another one")

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Constant time: how far two values agree must not show in how long this takes.
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogateescape"),
            other._value.encode("utf-8", "surrogateescape"),
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        # dataclasses.asdict copies deeply; a value that cannot change need not be copied.
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("cannot pickle a secret: the bytes would show it")


def generate_secret(size_bytes: int) -> Secret:
    """Return a new random secret, written with letters, digits, `-` and `_`.

    Args:
        size_bytes: Bytes of randomness, 16 to 1024; 32 give 43 characters.

    Raises:
        ValueError: The size is out of range.
    """
    if not 16 <= size_bytes <= 1024:
        raise ValueError(f"cannot generate a secret: {size_bytes} bytes is not within 16 to 1024")
    return Secret(random_source.token_urlsafe(size_bytes))
