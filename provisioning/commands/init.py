"""`fab init` and `fab schema`: for a person's own repository."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from provisioning.inventory import schema
from provisioning.report import make_sink
from provisioning.scaffold import initialise


def init(directory: Path, *, force: bool = False, container: bool = False) -> int:
    """Write the missing files in a project's folder.

    Args:
        directory: The folder.
        force: Replace what is there already.
        container: Write a Dockerfile too, and an inventory of a container.

    Returns:
        The exit code.
    """
    sink = make_sink(json=False, diff=False, check=False)
    for written in initialise(directory, force=force, container=container):
        note = f": {written.note}" if written.note else ""
        sink.note(f"{written.state} {written.path}{note}")
    sink.note("next: edit inventory/production.toml, then `fab provision --check`")
    return 0


def print_schema() -> int:
    """Print the JSON schema of an inventory.

    Returns:
        The exit code.
    """
    json.dump(schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0
