"""How a server calls an app."""

from __future__ import annotations

from typing import Literal, TypeAlias

Interface: TypeAlias = Literal["wsgi", "asgi"]
"""Also the key of the app's table that names the app. Source: PEP 3333; the ASGI specification."""
