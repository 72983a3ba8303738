"""Names of resources and releases as a person reads them; programs get them whole, by `--json`."""

from __future__ import annotations

from provisioning.agent.apps.releases import RELEASE_ID

_KINDS = {
    "applied-settings": "settings",
    "leftover-programs": "leftover programs",
    "live-processes": "processes",
    "old-releases": "earlier releases",
    "one-off": "run",
    "other-apps": "other apps",
    "retired-server": "earlier web server",
    "superseded": "earlier files",
}
"""Kinds of which the name is the program's own -> words for a person."""

WITHOUT_COMMIT = ("nocommit", "0000000")
"""What ids of releases end in that were made of no commit; the second of an earlier Homeport."""


def short_release(text: str) -> str:
    """Return a text with releases named by their commit, those without one by their time.

    `fab rollback --to` takes either.
    """
    return RELEASE_ID.sub(lambda found: _short(found[0]), text)


def _short(release: str) -> str:
    time, _, commit = release.rpartition("-")
    return time.partition(".")[0] if commit in WITHOUT_COMMIT else commit


def readable_id(id: str) -> str:
    """Return a resource's id in words: "run:hello/abcdef0 import"."""
    kind, colon, name = id.partition(":")
    return short_release(f"{_KINDS.get(kind, kind)}{colon}{name}")
