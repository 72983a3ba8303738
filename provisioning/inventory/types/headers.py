"""Headers of answers: those that every site has by default, and which an inventory may set."""

from __future__ import annotations

import re

DEFAULTS = (
    "X-Content-Type-Options",
    "Referrer-Policy",
    "X-Frame-Options",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
)
"""What every answer gets where the app sends none: the templates of each web server say so."""

OFF = "off"
"""The value that leaves one of them out."""

_OTHER_KEYS = {
    "strict-transport-security": "hsts",
    "content-security-policy": "csp",
    "content-security-policy-report-only": "csp",
    "cache-control": "static_max_age",
}
"""Headers that another key decides."""

_OF_SERVERS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "date", "etag", "location",
     "retry-after", "server", "set-cookie", "trailer", "transfer-encoding", "upgrade", "vary",
     "www-authenticate", "x-homeport-release"}
)  # fmt: skip
"""Headers that belong to one answer, or to the web server itself."""


def header_name(text: str) -> str:
    """Return the name of a header that all answers of an app may have. Source: RFC 9110, 5.1."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", text):
        raise ValueError(f'must be the name of a header such as "Permissions-Policy", not "{text}"')
    if key := _OTHER_KEYS.get(text.lower()):
        raise ValueError(f"{text} is set by the key {key}")
    if text.lower() in _OF_SERVERS:
        raise ValueError(f"{text} cannot be the same for all answers")
    return text


def header_value(text: str) -> str:
    """Return the value of a header that is safe to quote, or "off"."""
    if not text or re.search(r'["$\\{}\x00-\x1f\x7f]', text) or not text.isascii():
        raise ValueError('must be one line of ASCII text without any of " $ \\ { }')
    return text
