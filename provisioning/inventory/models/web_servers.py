"""The web servers that an inventory may name: files of roles/web_servers/."""

from __future__ import annotations

WEB_SERVERS = ("nginx",)
"""The first is the one that an app has if nothing is said."""
