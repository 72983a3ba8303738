"""uv, which builds the apps' virtualenvs ten times as fast as pip."""

from __future__ import annotations

from provisioning.agent import layout
from provisioning.resources import Virtualenv

REQUIREMENT = "uv==0.13.9\n"
"""One version everywhere: what it makes of a lock file must not change by itself."""


def uv() -> Virtualenv:
    """Return uv in a virtualenv of its own, made by venv and pip."""
    return Virtualenv(layout.UV, {"requirements.txt": REQUIREMENT}, uv="")
