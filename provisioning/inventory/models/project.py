"""What tells this project from others on the same host."""

from __future__ import annotations

from pydantic import Field

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import ProjectName


class Project(Model):
    """The project: `[project]`."""

    name: ProjectName | None = Field(
        default=None,
        description="What distinguishes this project from others on the same hosts; the same in "
        "every checkout. Default: the name of the folder of the fabfile.",
    )
