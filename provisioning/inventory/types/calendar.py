"""When a timer runs, as far as that can be checked without a host's systemd."""

from __future__ import annotations

import re

WAYS = '"03:00" (daily), "Mon..Fri 06:30", "*-*-01 04:00", "hourly"'

# Source: systemd.time(7), "CALENDAR EVENTS".
_NAMES = frozenset(
    (
        "minutely", "hourly", "daily", "weekly", "monthly", "yearly", "annually", "quarterly",
        "semiannually",
    )
)  # fmt: skip
_DAY = (
    r"(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)"
)
_RANGE = rf"{_DAY}(?:(?:\.\.|-){_DAY})?"
_NUMBER = r"(?:\*|\d+(?:\.\.\d+)?)(?:/\d+)?"
_NUMBERS = rf"{_NUMBER}(?:,{_NUMBER})*"
_FRACTIONS = r"[\d*][\d*.,/]*"
_PARTS = (
    re.compile(rf"{_RANGE}(?:,{_RANGE})*,?", re.IGNORECASE),
    re.compile(rf"(?:{_NUMBERS}-)?(?P<month>{_NUMBERS})[-~](?P<day>{_NUMBERS})"),
    re.compile(rf"(?P<hour>{_NUMBERS}):(?P<minute>{_NUMBERS})(?::{_FRACTIONS})?"),
)
_SECONDS = re.compile(r"@\d+")
_ZONE = re.compile(r"UTC|[A-Z]\w*(?:/[\w+-]+)+")
_CRON = re.compile(r"(?:[\d*/,-]+ ){4}[\w*/,-]+")

_MOST = {"month": 12, "day": 31, "hour": 23, "minute": 59}


def calendar(text: str) -> str:
    """Return a systemd calendar expression such as "03:00" or "Mon..Fri 06:30".

    What is accepted here may still be refused by the host, which is asked before a deploy.

    Raises:
        ValueError: It is none; the text reads on after the key's name.
    """
    words = text.split()
    rest = words[:-1] if len(words) > 1 and _ZONE.fullmatch(words[-1]) else words
    if len(rest) == 1 and (rest[0].lower() in _NAMES or _SECONDS.fullmatch(rest[0])):
        return " ".join(words)
    left = list(rest)
    for part in _PARTS:
        if left and (found := part.fullmatch(left[0])):
            _check(found.groupdict(), text)
            del left[0]
    if left or not words:
        more = "; that is the syntax of crontabs" if _CRON.fullmatch(" ".join(words)) else ""
        raise ValueError(f'must be a time such as {WAYS}, not "{text}"{more}')
    return " ".join(words)


def _check(parts: dict[str, str], text: str) -> None:
    for name, part in parts.items():
        for number in re.findall(r"\d+", re.sub(r"/\d+", "", part)):
            if int(number) > _MOST[name]:
                raise ValueError(f'names no {name} that exists: {number} in "{text}"')
