"""The house stays in order: few files at the root, short functions."""

from __future__ import annotations

from tests.figures import figures


def test_what_is_counted_stays_within_its_bounds() -> None:
    found = figures()
    assert found.at_root <= 6, "a new module has its place in a folder"
    assert found.percentile_90 <= 18
    assert found.longest[0][0] <= 50, found.longest[0]
