"""The inventories that pages of the docs show, by their headings."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE, RECIPES = DOCS / "inventories.md", DOCS / "apps.md"

_SECTION = re.compile(r"^### (.+)\n(?:(?!#).*\n)*?```toml\n((?:.*\n)*?)```$", re.MULTILINE)


def shown(page: Path = PAGE) -> dict[str, str]:
    """Return heading -> inventory."""
    return dict(_SECTION.findall(page.read_text()))
