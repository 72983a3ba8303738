"""What an inventory may say of app servers: one file each, and this table.

To add a server: its keys here, what it makes of them in roles/app_servers/, its templates, and one
row.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.inventory.models.app_servers.base import ServerSettings
from provisioning.inventory.models.app_servers.gunicorn import GunicornSettings
from provisioning.inventory.models.app_servers.uwsgi import UwsgiSettings
from provisioning.inventory.models.app_servers.waitress import WaitressSettings

__all__ = ["APP_SERVERS", "ServerSettings"]

APP_SERVERS: Mapping[str, type[ServerSettings]] = {
    "gunicorn": GunicornSettings,
    "uwsgi": UwsgiSettings,
    "waitress": WaitressSettings,
}
"""Value of `server`, and name of a table within an app's -> what that table may hold."""
