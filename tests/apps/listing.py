"""What docs/apps.md says of the apps: each line that is changed by hand, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from tests.apps.app import INVENTORY, App, Edit

BEGIN, END = "<!-- apps -->\n", "<!-- /apps -->\n"
"""Around the listing in the page."""


def listing(apps: Sequence[App]) -> str:
    """Return the listing."""
    parts = []
    for app in apps:
        parts.append(f"**{app.name}**: {app.kind} ({app.origin}{_only(app)}).\n\n")
        parts += [f"* {_place(app, edit)}: {_code(edit)}: {edit.why}.\n" for edit in app.by_hand]
        parts.append("\n")
    return "".join(parts)


def _only(app: App) -> str:
    return f"; {app.suites[0]} only" if len(app.suites) == 1 else ""


def _place(app: App, edit: Edit) -> str:
    if edit.path != INVENTORY:
        return f"`{edit.path}`"
    return f"`[apps.{app.name}{edit.table}]`"


def _code(edit: Edit) -> str:
    return ", ".join(f"`{line.strip()}`" for line in edit.lines)
