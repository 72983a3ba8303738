"""Choose the environment, and find its file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from provisioning.errors import ConfigurationError
from provisioning.inventory.suggest import did_you_mean

FOLDER = "inventory"
DEFAULT = "production"
VARIABLE = "HOMEPORT_ENV"
# Documents every key and describes nothing real, so it is never chosen by itself.
EXAMPLE = "example"


def environments(directory: Path) -> tuple[str, ...]:
    """Return the names of the environments that a project has, sorted, the example left out."""
    names = sorted(path.stem for path in (directory / FOLDER).glob("*.toml") if path.is_file())
    return tuple(name for name in names if name != EXAMPLE)


def inventory_path(
    directory: Path, environment: str | None, environ: Mapping[str, str] | None = None
) -> Path:
    """Return the inventory of the environment that is asked for.

    Args:
        directory: The project's folder, with the fabfile and `inventory/`.
        environment: Its name; None: HOMEPORT_ENV, else production, else the only one there is.
        environ: The operator's environment; default: that of this process.

    Raises:
        ConfigurationError: There is no such environment, or several and none is named.
    """
    environ = os.environ if environ is None else environ
    known = environments(directory)
    asked, by = (environment, "--env") if environment else (environ.get(VARIABLE), VARIABLE)
    if asked:
        return _named(directory, asked, by, known)
    if not known:
        raise ConfigurationError(
            f"cannot choose an environment: there is no {FOLDER}/*.toml in {directory}",
            hint="fab init",
        )
    if DEFAULT in known or len(known) == 1:
        name = DEFAULT if DEFAULT in known else known[0]
        return directory / FOLDER / f"{name}.toml"
    raise ConfigurationError(
        f"cannot choose an environment: there are several, and none is called {DEFAULT}: "
        + ", ".join(known),
        hint=f"name one with --env, or in the environment variable {VARIABLE}",
    )


def _named(directory: Path, asked: str, by: str, known: tuple[str, ...]) -> Path:
    path = directory / FOLDER / f"{asked}.toml"
    # A name, not a path: it also becomes part of messages and of file names.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", asked) or not path.is_file():
        raise ConfigurationError(
            f"cannot use the environment {asked}, named by {by}: there is no "
            f"{FOLDER}/{asked}.toml{did_you_mean(asked, known)}",
            hint="" if known else "fab init",
        )
    return path
