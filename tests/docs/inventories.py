"""The inventories that docs/inventories.md shows, by their headings."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "inventories.md"

_SECTION = re.compile(r"^### (.+)\n(?:(?!#).*\n)*?```toml\n((?:.*\n)*?)```$", re.MULTILINE)


def shown() -> dict[str, str]:
    """Return heading -> inventory."""
    return dict(_SECTION.findall(PAGE.read_text()))
