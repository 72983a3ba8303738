"""What all models of the inventory have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A table of the inventory: it cannot change, and knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def key_names(cls) -> frozenset[str]:
        """Return the keys of the table, as they are written in the file."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())
