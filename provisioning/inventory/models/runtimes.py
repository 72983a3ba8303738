"""The runtimes that an inventory may name: files of deploy/runtimes/."""

from __future__ import annotations

RUNTIMES = ("virtualenv",)
"""The first is the one that an app has if nothing is said."""
