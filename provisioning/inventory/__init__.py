"""inventory/<environment>.toml -> typed values; all mistakes reported at once, with file and key.

pydantic takes longer to import than all the rest, so the models are imported only
when an inventory is loaded or one of their names is used: `fab --list` needs neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning.inventory.inventory import Inventory
from provisioning.inventory.reading.environment import environments, inventory_path
from provisioning.inventory.types.units import Duration, Rate, Size

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.host import Host, Ssh
    from provisioning.inventory.models.tls import Tls

__all__ = [
    "App",
    "Duration",
    "Host",
    "Inventory",
    "Rate",
    "Size",
    "Ssh",
    "Tls",
    "environments",
    "inventory_path",
    "load",
    "schema",
]

_MODELS = {"App": "app", "Host": "host", "Ssh": "host", "Tls": "tls"}
"""Name -> its module in `models`."""


def load(
    directory: Path,
    environment: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
) -> Inventory:
    """Read the inventory of an environment.

    Args:
        directory: The project's folder, with the fabfile and `inventory/`.
        environment: Its name; None: HOMEPORT_ENV, else production, else the only one there is.
        environ: The operator's environment; default: that of this process.

    Raises:
        ConfigurationError: There is no such environment, or its file has mistakes; every one
            is told, with its line, its key, what is wrong and what was probably meant.
    """
    from provisioning.inventory.reading.loading import load as read

    return read(directory, environment, environ=environ)


def schema() -> dict[str, Any]:
    """Return the JSON schema of an inventory, for editors."""
    from provisioning.inventory.reading.json_schema import schema as made

    return made()


def __getattr__(name: str) -> object:
    if name not in _MODELS:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.models.{_MODELS[name]}"), name)
