"""Tell the files from the folders among what survives releases, before any host is asked."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import ConfigurationError
from provisioning.inventory.models.runtimes import RUNTIMES

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App

_OF_A_FILE = re.compile(r".+\.(db|db3|sqlite|sqlite3|log|txt|json|csv|ini|ya?ml|toml|pickle|pkl)")
"""Names that hardly any folder has."""


def check_shared_paths(app: App, source: Path, files: Collection[str]) -> None:
    """Refuse a path of `shared` of which nobody can tell whether it is a folder or a file.

    Args:
        app: The app.
        source: Its folder.
        files: Paths below it of what is deployed.

    Raises:
        ConfigurationError: it may be either, or is a file where only folders can be shared.
    """
    for path in app.shared:
        is_file = path in files
        if is_file and RUNTIMES.get(app.runtime):
            raise ConfigurationError(
                f"cannot deploy {app.name}: {path} in `shared` is a file, and a container has only "
                "folders that survive releases",
                hint="have the app keep it in a folder of its own, and share that",
            )
        if is_file or any(each.startswith(f"{path}/") for each in files):
            continue
        if (source / path).is_file() or _OF_A_FILE.fullmatch(path.rpartition("/")[2]):
            raise ConfigurationError(
                f"cannot deploy {app.name}: `shared` names {path}, which git does not track: it "
                "may be a file or a folder",
                hint=f"if it is a file, move it to `shared_files` of [apps.{app.name}]; if it is "
                f"a folder, git add -f {path}/.gitkeep",
            )
