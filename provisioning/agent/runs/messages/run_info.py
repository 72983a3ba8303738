"""The description of a run: who began it, what it does, and since when."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple


class RunInfo(NamedTuple):
    """The description of a run that other commands get.

    Args:
        run: Its id.
        who: Who began it, as "user@machine".
        what: What it does, as "deploy of hello 20260102T030405.000Z-abcdef0".
        began: When, in seconds since the epoch.
    """

    run: str
    who: str = ""
    what: str = ""
    began: float = 0.0

    def values(self) -> Dict[str, Any]:
        """Return it as plain values."""
        return self._asdict()
