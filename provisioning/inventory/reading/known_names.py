"""What an inventory may refer to besides itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tables:
    """The names of the rows in the roles' tables; the roles stand above the inventory.

    Args:
        app_servers: Rows of APP_SERVERS.
        web_servers: Rows of WEB_SERVERS.
        roles: Built-in roles that a host may ask for by name; a person's own come from `roles/`.
    """

    app_servers: frozenset[str] = frozenset({"gunicorn"})
    web_servers: frozenset[str] = frozenset({"nginx"})
    roles: frozenset[str] = frozenset()
