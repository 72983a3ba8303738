"""uv, which builds the apps' virtualenvs ten times as fast as pip."""

from __future__ import annotations

from provisioning.agent import layout
from provisioning.resources import Virtualenv
from provisioning.roles.locks import lock_text


def uv() -> Virtualenv:
    """Return uv in a virtualenv of its own, made by venv and pip.

    One version everywhere: what it makes of a lock file must not change by itself.
    """
    return Virtualenv(layout.UV, {"requirements.txt": lock_text("uv")}, require_hashes=True, uv="")
