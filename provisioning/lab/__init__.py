"""Throwaway real Debian hosts on this machine: for tests, for the demo, for trying things.

A command for the lab only reads where the hosts are, in `state.py`. What starts and stops them
makes keys and certificates, which takes long to import, and is loaded with the first name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.lab.host import LabHost
    from provisioning.lab.lab import Lab
    from provisioning.lab.status import HostStatus

__all__ = ["HostStatus", "Lab", "LabHost"]

_MODULES = {"HostStatus": "status", "Lab": "lab", "LabHost": "host"}
"""Name -> its module."""


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
