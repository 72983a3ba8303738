"""Name what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar, or None if none is similar."""
    # "-" and "_" are the same slip of the finger, and so is the case.
    spellings = {each.lower().replace("-", "_"): each for each in known}
    close = get_close_matches(name.lower().replace("-", "_"), spellings, n=1, cutoff=0.6)
    return spellings[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?", the known names when they are few, or ""."""
    known = sorted(set(known))
    close = nearest(name, known)
    if close:
        return f"; did you mean {close}?"
    if 0 < len(known) <= 8:
        return f"; known: {', '.join(known)}"
    return ""
