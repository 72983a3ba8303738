"""What of an app's requirements is installed: the keys of the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.inventory.models.app import App


@dataclass(frozen=True)
class Choice:
    """What is to be installed of the requirements: the keys of the inventory.

    Args:
        extras: Of the project.
        groups: Of the project: its dependency groups.
        member: The app's member of a uv workspace; "" for the project at the lock file.
        install_project: Whether the project itself is installed, where it is a package.
    """

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    member: str = ""
    install_project: bool = True

    @classmethod
    def of(cls, app: App) -> Choice:
        """Return what the inventory says of an app."""
        return cls(
            tuple(app.extras), tuple(app.dependency_groups), app.workspace_member or "",
            app.install_project,
        )  # fmt: skip


WITHOUT_CHOICE = Choice()
"""What an inventory says that names none of these keys."""
