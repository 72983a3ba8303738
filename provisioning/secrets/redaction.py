"""Mask secrets in everything that leaves the process: one redactor, used by every sink."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import threading
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Protocol

MASK = "***"

# A shorter value is masked only where it stands alone, or "a" would blot out every word.
_SHORT_CHARS = 4
# Shorter fragments of an encoded value, or of one line of it, are too likely to be innocent text.
_FRAGMENT_CHARS = 8


class Revealing(Protocol):
    """What a redactor needs of a secret: its value."""

    def reveal(self) -> str:
        """Return the value itself."""
        ...


class Redactor:
    """Replaces every registered value, in any common encoding, by `***`.

    Safe to use from several threads: hosts report in parallel.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Mask this value from now on.

        Args:
            value: The secret's text; an empty one is ignored.
        """
        if not value:
            return
        with self._lock:
            written = set(_written_forms(value))
            if not written <= self._written:
                self._written |= written
                self._pattern = None

    def redact(self, text: str) -> str:
        """Return the text with every known secret replaced by `***`."""
        with self._lock:
            if not self._written:
                return text
            if self._pattern is None:
                self._pattern = _pattern(self._written)
            pattern = self._pattern
        return pattern.sub(MASK, text)

    __call__ = redact


def redact(text: str, secrets: Iterable[Revealing]) -> str:
    """Return the text with these secrets replaced by `***`, however they are encoded."""
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret.reveal())
    return redactor.redact(text)


def _pattern(written: Iterable[str]) -> re.Pattern[str]:
    # Longest first: of two forms that begin alike, the whole one must be taken.
    forms = sorted(written, key=lambda form: (-len(form), form))
    return re.compile("|".join(_expression(form) for form in forms))


def _expression(form: str) -> str:
    if len(form) < _SHORT_CHARS:
        return rf"(?<!\w){re.escape(form)}(?!\w)"
    return re.escape(form)


def _written_forms(value: str) -> Iterator[str]:
    """Yield the value as programs write it: plain, quoted, escaped, encoded."""
    yield from _quoted_forms(value)
    if len(value) < _SHORT_CHARS:
        return
    yield from _encoded_forms(value.encode("utf-8", "surrogateescape"))
    lines = value.splitlines()
    if len(lines) > 1:
        # A diff or a log shows a private key line by line, each with its own prefix.
        for line in lines:
            if len(line.strip()) >= _FRAGMENT_CHARS:
                yield from _quoted_forms(line.strip())


def _quoted_forms(value: str) -> Iterator[str]:
    yield value
    yield shlex.quote(value).strip("'")
    # Inside double quotes, as in a systemd EnvironmentFile. Source: systemd.exec(5), sh(1).
    yield re.sub(r'(["\\$`])', r"\\\1", value)
    yield re.sub(r'(["\\])', r"\\\1", value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield html.escape(value)
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        for safe in ("", "/", "!*'()~"):
            quoted = quote(value, safe=safe, errors="surrogateescape")
            yield quoted
            yield re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), quoted)


def _encoded_forms(raw: bytes) -> Iterator[str]:
    for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield from (whole, whole.rstrip("="))
        # Encoded as part of something longer, the value starts at one of three offsets;
        # only the characters that depend on nothing but the value can be known.
        for offset, foreign in ((0, 0), (1, 2), (2, 3)):
            inner = encode(b"\0" * offset + raw).decode().rstrip("=")[foreign:]
            if (offset + len(raw)) % 3:
                inner = inner[:-1]
            if len(inner) >= _FRAGMENT_CHARS:
                yield inner
    if len(raw.hex()) >= _FRAGMENT_CHARS:
        yield from (raw.hex(), raw.hex().upper())


REDACTOR = Redactor()
"""The process's own redactor: every `Secret` registers here when it is made."""
