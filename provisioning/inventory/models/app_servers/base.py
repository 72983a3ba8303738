"""What all tables of app servers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import ClassVar

from provisioning.inventory.models.base import Model


class ServerSettings(Model):
    """What one app server alone has: `[apps.<name>.<server>]`.

    What all of them share are keys of the app: workers, threads, timeout_s, max_requests.
    """

    refused: ClassVar[Mapping[str, str]] = {}
    """Settings that the server has and an inventory may not give -> why, after "cannot be set"."""

    def contradictions(self, given: AbstractSet[str]) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield which keys have no effect or cannot be: path within the app's table, and why.

        Args:
            given: The keys of the app's table that the person has written.
        """
        yield from ()
