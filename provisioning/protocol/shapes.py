"""The shapes of values that come from a host: others are refused.

A shape takes a value and says where it stands; it returns the value with nothing in it but what
the shape names, or raises. So what a hostile or broken host says fails where it arrives, and as
that host's failure, wherever else it would have been used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = Callable[[Any, str], Any]
"""Takes a value and where it stands, such as "answer.releases[3]"."""

LARGEST = 2**64
"""Of whole numbers. systemd says 2^64 - 1 where there is no limit."""

LATEST = 253_402_300_799.0
"""The last second of the year 9999: a later one is no date. Source: datetime.MAXYEAR."""

DEPTH = 20
"""How deep a value may be nested whose shape is not known."""


class ShapeError(Exception):
    """A value does not have its shape; the message says which value, and why."""


def text(value: Any, where: str) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise ShapeError(f"{where} is not a text")
    return value


def flag(value: Any, where: str) -> bool:
    """Take a yes or no."""
    if not isinstance(value, bool):
        raise ShapeError(f"{where} is neither true nor false")
    return value


def whole(value: Any, where: str) -> int:
    """Take a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise ShapeError(f"{where} is not a whole number of a possible size")
    return value


def number(value: Any, where: str) -> float:
    """Take a number; of seconds, also since the epoch."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ShapeError(f"{where} is not a number")
    # NaN is in no order, so that it is refused as well.
    if not 0 <= value <= LATEST or math.isnan(value):
        raise ShapeError(f"{where} is not a number of a possible size")
    return value


def matching(pattern: str) -> Shape:
    """Return the shape of texts that match an expression as a whole."""
    compiled = re.compile(pattern)

    def shape(value: Any, where: str) -> str:
        if not compiled.fullmatch(text(value, where)):
            raise ShapeError(f"{where} is not as expected")
        return str(value)

    return shape


def one_of(*texts: str) -> Shape:
    """Return the shape of one of some texts."""
    return matching("|".join(map(re.escape, texts)))


def maybe(shape: Shape) -> Shape:
    """Return the shape of a value that may be null."""
    return lambda value, where: None if value is None else shape(value, where)


def list_of(shape: Shape) -> Shape:
    """Return the shape of lists of values of one shape."""

    def of_list(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise ShapeError(f"{where} is not a list")
        return [shape(each, f"{where}[{number}]") for number, each in enumerate(value)]

    return of_list


def row(*shapes: Shape) -> Shape:
    """Return the shape of lists with a fixed number of values."""

    def of_row(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(shapes):
            raise ShapeError(f"{where} is not a list of {len(shapes)}")
        pairs = zip(shapes, value, strict=True)
        return [shape(each, f"{where}[{number}]") for number, (shape, each) in enumerate(pairs)]

    return of_row


def mapping_of(shape: Shape, names: Shape = text) -> Shape:
    """Return the shape of objects whose values are of one shape, whatever their names."""

    def of_mapping(value: Any, where: str) -> dict[str, Any]:
        return {
            names(name, f"a name in {where}"): shape(each, f"{where}.{name}")
            for name, each in _object(value, where).items()
        }

    return of_mapping


def record(needed: Mapping[str, Shape], others: Mapping[str, Shape] | None = None) -> Shape:
    """Return the shape of objects with names that are known; others are left out.

    Args:
        needed: Name -> shape, of values that must be there.
        others: Name -> shape, of values that may be there.
    """
    known = {**needed, **(others or {})}

    def of_record(value: Any, where: str) -> dict[str, Any]:
        found = _object(value, where)
        lacking = [name for name in needed if name not in found]
        if lacking:
            raise ShapeError(f"{where} has no {lacking[0]}")
        return {
            name: shape(found[name], f"{where}.{name}")
            for name, shape in known.items()
            if name in found
        }

    return of_record


def anything(value: Any, where: str) -> Any:
    """Take any value that is not nested too deep to be shown."""
    return _plain(value, where, DEPTH)


def _plain(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, list | dict):
        if not depth:
            raise ShapeError(f"{where} is nested too deep")
        if isinstance(value, list):
            return [_plain(each, where, depth - 1) for each in value]
        return {name: _plain(each, where, depth - 1) for name, each in value.items()}
    if isinstance(value, int) and not isinstance(value, bool):
        return whole(value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise ShapeError(f"{where} is not a number of a possible size")
    return value


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ShapeError(f"{where} is not an object")
    return value
