"""The runtimes that an inventory may name: files of deploy/runtimes/."""

from __future__ import annotations

from collections.abc import Mapping

RUNTIMES: Mapping[str, str] = {"virtualenv": "", "container": "image"}
"""Name -> the app server that it brings (roles/app_servers/), "" for the one that `server` names.

The first is the one that an app has if nothing is said.
"""
