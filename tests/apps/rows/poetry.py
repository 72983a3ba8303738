"""A Poetry project: what its lock file names, by Poetry's own exporter."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App
from tests.apps.rows import pypiserver
from tests.apps.sources import generate

POETRY_EXPORT = "poetry-plugin-export==1.9.0"


def write(directory: Path) -> None:
    """Write a project that depends on the app; lock it; export that, as Homeport proposes."""
    name, _, version = pypiserver.PYPISERVER_SDIST.partition("==")
    need = ("--dependency", f"{name}@{version}", "--python", ">=3.11,<4.0")
    for arguments in (
        ("init", "--no-interaction", "--name", "harbour", *need),
        ("lock",),
        ("export", "--format", "requirements.txt", "--output", "requirements.txt"),
    ):
        generate(POETRY_EXPORT, directory, "poetry", *arguments)
    (directory / "README.md").write_text("# The harbour's packages\n")


POETRY = App(
    name="poetry",
    kind="a Poetry project, by way of `poetry export`",
    origin=f"{POETRY_EXPORT}, {pypiserver.PYPISERVER_SDIST}",
    write=write,
    by_hand=pypiserver.PYPISERVER.by_hand,
    first_visit=pypiserver.PYPISERVER.first_visit,
    later_visit=pypiserver.PYPISERVER.later_visit,
    edition="README.md",
    pages=pypiserver.PYPISERVER.pages,
)
