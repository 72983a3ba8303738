"""The resource types, for those who write roles: `from provisioning.resources import File`."""

from __future__ import annotations

from provisioning.agent.resources import *  # noqa: F403 - the table is kept in one place
from provisioning.agent.resources import __all__ as __all__
