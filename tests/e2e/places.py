"""Places in the example app's source that tests change."""

from __future__ import annotations

APP = "app/__init__.py"
PAGES = "app/pages.py"

FUTURE = "from __future__ import annotations\n"
"""The first line of each file that may have something before it."""

HEALTH = "    well = database.is_reachable()"
"""In PAGES: where the health path begins to answer."""
