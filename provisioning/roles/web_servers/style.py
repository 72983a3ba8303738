"""The style of Homeport's own pages, as a Content-Security-Policy permits it."""

from __future__ import annotations

import base64
import hashlib
import re


def style_source(page: str) -> str:
    """Return how a Content-Security-Policy permits exactly this page's style.

    Source: https://www.w3.org/TR/CSP3/#grammardef-hash-source
    """
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = hashlib.sha256((style[1] if style else "").encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
