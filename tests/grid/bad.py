"""Releases that no server may let visitors see."""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.places import APP, FUTURE, HEALTH, PAGES
from tests.e2e.project import Project

IMPATIENT = "start_timeout_s = 6\n"
"""How long a release that does not answer is waited for, as a line of the app's table."""


@dataclass(frozen=True)
class Bad:
    """A bad release.

    Args:
        name: What is wrong with it, as the table calls it.
        path: The file of the app that is changed.
        old, new: The change.
        words: The app's own, which the person must be told.
    """

    name: str
    path: str
    old: str
    new: str
    words: str

    def spoil(self, project: Project) -> str:
        """Change the app so; return the file's text as it was."""
        text = (project.app / self.path).read_text()
        project.edit(self.path, self.old, self.new)
        return text

    def mend(self, project: Project, text: str) -> None:
        """Have the file as it was."""
        (project.app / self.path).write_text(text)
        project.commit(f"mend {self.path}")


BAD = (
    Bad(
        "cannot be imported",
        APP,
        FUTURE,
        f'{FUTURE}\nraise RuntimeError("the tide is out")\n',
        "RuntimeError: the tide is out",
    ),
    Bad(
        "exits",
        APP,
        FUTURE,
        # Neither where it is imported for a check ("-c") nor in the commands of the app.
        f"{FUTURE}\nimport sys\n\n"
        'if sys.argv[0] != "-c" and "flask" not in sys.argv[0]:\n    sys.exit("harbour closed")\n',
        "harbour closed",
    ),
    Bad(
        "answers 500",
        PAGES,
        HEALTH,
        f'    raise RuntimeError("the pier is broken")\n{HEALTH}',
        "the pier is broken",
    ),
)
