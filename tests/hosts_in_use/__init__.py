"""Hosts as people have them, with sites, accounts and settings of their own: do no harm."""

from __future__ import annotations

import pytest

FIRST_BOOKWORM = ("bookworm", pytest.param("trixie", marks=pytest.mark.thorough))
FIRST_TRIXIE = ("trixie", pytest.param("bookworm", marks=pytest.mark.thorough))
"""Debians to try a test on: on the second only on demand, `-m thorough`."""
