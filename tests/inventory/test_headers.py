"""`headers` and `static_headers`: which names and values an inventory may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.inventory.conftest import Inventories


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('headers = { "X Y" = "a" }', 'must be the name of a header such as "Permissions-Policy"'),
        ('headers = { Set-Cookie = "a" }', "Set-Cookie cannot be the same for all answers"),
        ('headers = { Cache-Control = "a" }', "is set by the key static_max_age"),
        ('headers = { strict-transport-security = "a" }', "is set by the key hsts"),
        ('static_headers = { Content-Security-Policy = "a" }', "is set by the key csp"),
        ("headers = { X-A = 'a\"b' }", "must be one line of ASCII text"),
        ('headers = { X-A = "$host" }', "must be one line of ASCII text"),
        ('headers = { X-A = "" }', "must be one line of ASCII text"),
        ('headers = { X-A = "off" }', "has no effect: Homeport sets no such header"),
        ('headers = { X-A = "1", x-a = "2" }', "stands there twice, in other letters"),
        (
            'web_server = "caddy"\nheaders = { X-Frame-Options = "off" }',
            "cannot be switched off with caddy: give it another value",
        ),
    ],
)
def test_a_header_that_cannot_be_is_told(inventories: Inventories, text: str, mistake: str) -> None:
    assert any(mistake in each for each in inventories.app_mistakes(f"\n{text}\n"))


def test_headers_may_be_set_widened_and_switched_off(app_with: Callable[[str], Any]) -> None:
    app = app_with('\nheaders = { X-Frame-Options = "off", X-Robots-Tag = "noindex" }\n')
    assert app.headers == {"X-Frame-Options": "off", "X-Robots-Tag": "noindex"}
    app_with('\nweb_server = "caddy"\nheaders = { X-Frame-Options = "DENY" }\n')
