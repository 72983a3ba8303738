"""Folders of what an app writes, served by its web server."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import RelativePath, Yes


class Media(Model):
    """A shared folder that the web server serves: `[apps.<name>.media]`."""

    folder: RelativePath = Field(description="A folder of `shared`, or one in it.")
    internal: Yes = Field(
        default=False,
        description="Visitors get a file only if the app answers with X-Accel-Redirect: its URL.",
    )


def _media(given: object) -> object:
    """Return the table that a folder is; its name alone stands for all of it."""
    return {"folder": given} if isinstance(given, str) else given


AnyMedia = Annotated[Media, BeforeValidator(_media, json_schema_input_type=str | Media)]
