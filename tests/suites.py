"""The Debians that tests try things on."""

from __future__ import annotations

import pytest

BOTH = ("bookworm", "trixie")

FIRST_BOOKWORM = ("bookworm", pytest.param("trixie", marks=pytest.mark.thorough))
FIRST_TRIXIE = ("trixie", pytest.param("bookworm", marks=pytest.mark.thorough))
"""On the second one a test runs on demand only, `-m thorough`."""
