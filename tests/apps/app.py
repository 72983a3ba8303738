"""What a row says of an app: where it is from, what is changed by hand, what visitors do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.apps.browser import Browser

INVENTORY = "inventory/production.toml"

MOST_LINES = 5
"""That may be changed by hand in an app, besides those that `fab init` leaves to the person."""


@dataclass(frozen=True)
class Edit:
    """A change by hand.

    Args:
        line: The new lines, one below the other.
        why: The reason, as docs/apps.md gives it.
        path: The file.
        instead_of: What they take the place of; "" adds them to the end of a file, which is made
            if it is not there. In the inventory they belong into a table.
        table: Of the inventory: what follows `[apps.<name>`, such as ".env"; None for files.
    """

    line: str
    why: str
    path: str = INVENTORY
    instead_of: str = ""
    table: str | None = None

    @property
    def lines(self) -> list[str]:
        """Return the lines; in front of a line that is kept another one may be put."""
        return [each for each in self.line.splitlines() if each not in self.instead_of.splitlines()]


def key(line: str, why: str, table: str = "") -> Edit:
    """Return a line of the inventory; it takes the place of the one with this key, if any."""
    return Edit(line, why, table=table)


def made(path: str, text: str, why: str) -> Edit:
    """Return lines at the end of a file, which is made if it is not there."""
    return Edit(text, why, path)


def changed(path: str, old: str, new: str, why: str) -> Edit:
    """Return lines of a file that take the place of others."""
    return Edit(new, why, path, old)


@dataclass(frozen=True)
class App:
    """An app that others wrote.

    Args:
        name: The folder of its repository, from which `fab init` takes the app's name.
        kind: What of apps it stands for.
        origin: Whose it is: packages of the index with versions.
        write: Writes the repository's files into a folder.
        by_hand: What is changed: of the inventory after `fab init`, of other files before it.
        first_visit: Does the app's main thing, uploads a file and gets it back.
        later_visit: Gets both back after further releases.
        pages: What visitors ask for meanwhile; each answers 200.
        edition: A file of the source; a line at its end makes another release.
        comment: How such a line begins.
        commands: Run on the host between provision and deploy, as root: what no inventory says.
        once: Run as the app, after the first deploy: `fab run <app> -- ...`.
        suites: The Debians on which it can run.
    """

    name: str
    kind: str
    origin: str
    write: Callable[[Path], None]
    by_hand: tuple[Edit, ...]
    first_visit: Callable[[Browser], None]
    later_visit: Callable[[Browser], None]
    edition: str
    pages: tuple[str, ...] = ("/",)
    comment: str = "# "
    commands: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    suites: tuple[str, ...] = ("bookworm", "trixie")

    @property
    def lines(self) -> list[tuple[str, Edit]]:
        """Return each line that is changed by hand, with its change."""
        return [(line, edit) for edit in self.by_hand for line in edit.lines]

    @property
    def domain(self) -> str:
        """Return the name of its site in the lab."""
        return f"{self.name}.lab"
