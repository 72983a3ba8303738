"""What `fab init` writes into a person's own repository, so that the next command can run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from provisioning.errors import ConfigurationError
from provisioning.scaffold.dockerfile import dockerfile
from provisioning.scaffold.fabfile import lines_to_add
from provisioning.scaffold.production_toml import production_toml
from provisioning.scaffold.project_guess import ProjectGuess, guess

__all__ = ["Written", "initialise"]

State = Literal["written", "kept", "extended"]

_FABFILE = '''\
"""Homeport's commands; `fab --list` explains them."""

from provisioning.commands import namespace

__all__ = ["namespace"]
'''

_FABRIC_YML = """\
# Lets Fabric run hosts in parallel; without this file `fab` would run them one by one.
tasks:
  executor_class: provisioning.executor.FleetExecutor
"""

# What must neither be committed nor travel to a host.
_IGNORED = (".homeport/", ".env", ".venv/", "__pycache__/")


@dataclass(frozen=True)
class Written:
    """One file, and what became of it.

    Args:
        path: Relative to the project's folder.
        state: written: it is new, or was replaced by force. kept: it was there and is as it
            was. extended: lines were added.
        note: What the person should know or do, or "".
    """

    path: str
    state: State
    note: str = ""


def initialise(directory: Path, *, force: bool = False, container: bool = False) -> list[Written]:
    """Write the files that Homeport needs and that are missing into a project's folder.

    Args:
        directory: The project's folder, usually the root of its repository.
        force: Replace files that are there already; `.gitignore` is only ever extended, and
            a Dockerfile is never replaced.
        container: The app runs in a container: write a Dockerfile too.

    Raises:
        ConfigurationError: The folder is missing or cannot be written to.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"cannot write into {directory}: there is no such folder")
    found = guess(directory)
    files = {
        "fabfile.py": (_FABFILE, _to_fabfile(directory / "fabfile.py")),
        "fabric.yml": (_FABRIC_YML, "it needs the executor_class of Homeport; see its manual"),
        "inventory/production.toml": (production_toml(found, container=container), ""),
        "inventory/example.toml": (_example(), ""),
        "inventory/schema.json": (_schema(), "`fab schema` prints the current one"),
    }
    try:
        written = [
            _write(directory, name, text, force, advice) for name, (text, advice) in files.items()
        ]
        if container:
            advice = "it is yours, and is never replaced"
            written.append(_write(directory, "Dockerfile", dockerfile(found), False, advice))
        written.append(_ignore(directory, found))
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {error.filename or directory}: {error.strerror}"
        ) from None
    return [_with_advice(each, found) for each in written]


def _write(directory: Path, name: str, text: str, force: bool, advice: str) -> Written:
    path = directory / name
    if path.exists() and not force:
        same = path.read_bytes() == text.encode()
        return Written(name, "kept", "" if same else advice)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Written(name, "written")


def _to_fabfile(path: Path) -> str:
    """Return what to add to a fabfile that is there, "" if it has Homeport's commands."""
    try:
        lines = lines_to_add(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return f"add at its end: {'; '.join(lines)}" if lines else ""


def _ignore(directory: Path, found: ProjectGuess) -> Written:
    """Add what is missing to .gitignore; it also decides what is deployed where git is not."""
    path = directory / ".gitignore"
    before = path.read_bytes().decode() if path.exists() else ""
    known = {line.strip().strip("/") for line in before.splitlines()}
    wanted = (*_IGNORED, *(f"{folder}/" for folder in found.shared))
    missing = [line for line in wanted if line.strip("/") not in known]
    if not missing:
        return Written(".gitignore", "kept")
    end = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before else end if before.endswith("\n") else 2 * end
    more = end.join(["# Homeport", *missing, ""])
    path.write_bytes((before + gap + more).encode())
    return Written(".gitignore", "extended" if before else "written", ", ".join(missing))


def _with_advice(each: Written, found: ProjectGuess) -> Written:
    if each.path != "inventory/production.toml" or each.state != "written":
        return each
    unknown = [
        name
        for name, value in (
            ("wsgi or asgi", found.app),
            ("requirements", found.requirements or found.export),
        )
        if value is None
    ]
    asked = f"; {' and '.join(unknown)} could not be guessed" if unknown else ""
    chosen = f"; {found.app.why}" if found.app and found.app.why else ""
    export = f"; for requirements.txt run `{found.export}`" if found.export else ""
    note = f'correct the lines marked "<- yours"{asked}{export}{chosen}'
    return Written(each.path, each.state, note)


def _example() -> str:
    """Return the documented inventory: beside this file in a wheel, else in the repository."""
    here = Path(__file__)
    shipped = here.with_name("example.toml")
    path = shipped if shipped.is_file() else here.parents[2] / "inventory" / "example.toml"
    return path.read_text(encoding="utf-8")


def _schema() -> str:
    from provisioning.inventory import schema

    return json.dumps(schema(), indent=2) + "\n"
