"""Settings of app servers in an inventory: one file for each server, and this table.

To add a server: its keys here, what it makes of them in roles/app_servers/, its templates, and one
row.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from provisioning.inventory.models.app_servers.base import ServerSettings

__all__ = ["APP_SERVERS", "ServerSettings"]


class _AppServers(Mapping[str, type[ServerSettings]]):
    """Name of a server -> what its table may hold; a server's file is loaded when it is looked up.

    Args:
        classes: Name of a server, and of its file -> the class in there.
    """

    def __init__(self, **classes: str) -> None:
        self._classes = classes

    def __getitem__(self, name: str) -> type[ServerSettings]:
        # First: what is no server is a KeyError, and no file of another name.
        class_name = self._classes[name]
        module = importlib.import_module(f"{__name__}.{name}")
        settings: type[ServerSettings] = getattr(module, class_name)
        return settings

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def __contains__(self, name: object) -> bool:
        return name in self._classes


APP_SERVERS = _AppServers(
    gunicorn="GunicornSettings",
    uvicorn="UvicornSettings",
    uwsgi="UwsgiSettings",
    waitress="WaitressSettings",
)
"""Value of `server`, and name of a table within an app's -> what that table may hold."""
