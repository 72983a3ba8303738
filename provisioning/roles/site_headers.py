"""Headers of answers that an app's `headers` and `static_headers` set or switch off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioning.inventory.types.headers import DEFAULTS, OFF


@dataclass(frozen=True)
class SiteHeaders:
    """What differs from the default for one app.

    Args:
        given: Name -> value, or "off".
        given_for_static: The same for static files, before `given`.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    given_for_static: Mapping[str, str] = field(default_factory=dict)

    def kept(self, *, static: bool = False) -> tuple[str, ...]:
        """Return the default headers that stay as they are."""
        changed = {name.lower() for name in self._all(static=static)}
        return tuple(name for name in DEFAULTS if name.lower() not in changed)

    def set(self, *, static: bool = False) -> dict[str, str]:
        """Return the headers that get a value: name -> value."""
        return {name: each for name, each in self._all(static=static).items() if each != OFF}

    def are_default(self, *, static: bool = False) -> bool:
        """Tell whether nothing differs."""
        return not self._all(static=static)

    def _all(self, *, static: bool) -> dict[str, str]:
        if not static:
            return dict(self.given)
        own = {name.lower() for name in self.given_for_static}
        shared = {name: each for name, each in self.given.items() if name.lower() not in own}
        return {**shared, **self.given_for_static}
