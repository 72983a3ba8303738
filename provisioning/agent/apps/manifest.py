"""What a release consists of: its manifest says so."""

from __future__ import annotations

import json
import os
from typing import Any, List, Mapping

from provisioning.agent.layout import READY
from provisioning.agent.machine.system import System

MANIFEST = "manifest.json"
CODE, ENVIRONMENT, UNITS = "code", "env", "units"
EARLIER_PARTS = {
    "code": CODE,
    "virtualenv": f"venv/{READY}",
    "interpreter": "venv/bin/python",
    "environment": ENVIRONMENT,
    "server settings": "server.py",
}
"""Parts of a complete release, for manifests that do not list them: name -> path below it."""


def read_manifest(directory: str, system: System) -> Mapping[str, Any]:
    """Return the manifest of the release in a directory; empty if it is not there."""
    text = system.read(os.path.join(directory, MANIFEST))
    try:
        manifest: Mapping[str, Any] = json.loads(text) if text else {}
    except ValueError:
        return {}
    return manifest


def missing_parts(directory: str, manifest: Mapping[str, Any], unit: str) -> List[str]:
    """Return the parts of a complete release that are missing, by name.

    Args:
        directory: The release's.
        manifest: It says which parts there are.
        unit: Its web server's, for manifests that do not say.
    """
    parts = manifest.get("parts") or {
        **EARLIER_PARTS,
        "web server's own unit": f"{UNITS}/{unit}",
    }
    # Links are followed: to a virtualenv, to a revision of the environment, to Python.
    return [name for name, path in parts.items() if not os.path.exists(f"{directory}/{path}")]
