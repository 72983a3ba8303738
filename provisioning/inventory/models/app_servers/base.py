"""What all tables of app servers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from typing import ClassVar

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.interface import Interface


class ServerSettings(Model):
    """What one app server alone has: `[apps.<name>.<server>]`.

    What all of them share are keys of the app: workers, threads, timeout_s, max_requests.
    """

    interfaces: ClassVar[tuple[Interface, ...]] = ("wsgi",)
    """The kinds of apps that the server runs."""

    own_file: ClassVar[str] = ""
    """Python file of settings that the server would read in an app's source; "" for none."""

    refused: ClassVar[Mapping[str, str]] = {}
    """Settings that the server has and an inventory may not give -> why, after "cannot be set".

    Names, or patterns of names where a server has hundreds of them. A key that the table has is
    never refused.
    """

    sets_client: ClassVar[bool] = False
    """Whether an app sees its visitor's address without a middleware of its own."""

    @classmethod
    def why_refused(cls, name: str) -> str | None:
        """Return why a setting cannot be set; None if it can, or if the server does not have it."""
        if name in cls.key_names():
            return None
        return next((why for each, why in cls.refused.items() if fnmatchcase(name, each)), None)

    def contradictions(
        self, given: AbstractSet[str], interface: Interface
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield which keys have no effect or cannot be: path within the app's table, and why.

        Args:
            given: The keys of the app's table that the person has written.
            interface: What the app speaks; one of `interfaces`.
        """
        yield from ()
