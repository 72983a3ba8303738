"""Where templates are: a file of the project's `templates/` replaces Homeport's."""

from __future__ import annotations

from pathlib import Path

_own_folder: Path | None = None


def packaged_folder() -> Path:
    """Return Homeport's own templates: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def use_templates_of(project: Path | None) -> None:
    """Let the files of `project`/templates win over the packaged ones.

    Args:
        project: The directory of the person's fabfile, or None for the packaged ones only.
    """
    global _own_folder
    folder = project / "templates" if project else None
    _own_folder = folder if folder and folder.is_dir() else None


def folders() -> tuple[str, ...]:
    """Return the folders in which a template is looked for, the first one first."""
    return tuple(str(folder) for folder in (_own_folder, packaged_folder()) if folder)
