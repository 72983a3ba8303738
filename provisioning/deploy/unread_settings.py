"""A server's own settings file in an app's source: Homeport writes another one in its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers import APP_SERVERS


def unread_settings(app: App, files: Mapping[str, bytes]) -> str:
    """Say that the file is not read, and where each of its settings goes; "" if there is none.

    Args:
        app: The app.
        files: Path below the source -> content.
    """
    # What a runtime brings reads its own settings.
    path = APP_SERVERS[app.server].own_file if app.served_by == app.server else ""
    if not path or path not in files:
        return ""
    places = list(_places(app, files[path]))
    told = f": {'; '.join(places)}" if places else ""
    return f"{path} is not read, because Homeport writes the settings of {app.server}{told}"


def _places(app: App, content: bytes) -> Iterator[str]:
    settings = APP_SERVERS[app.server]
    by_reason: dict[str, list[str]] = {}
    for name in _defined(content):
        if name in settings.key_names():
            reason = f"can be set in [apps.{app.name}.{app.server}]"
        elif why := settings.why_refused(name):
            reason = why.replace("<name>", app.name)
        else:
            continue
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield f"{', '.join(names)}: {reason}"


def _defined(content: bytes) -> Iterator[str]:
    """Yield the names that a Python file defines, in its order; none of one that is not Python."""
    try:
        body = ast.parse(content).body
    except (SyntaxError, ValueError):
        return
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
