"""Take over a Python that uv has downloaded: root owns a checked copy of its files.

uv has compared its archive with a SHA-256 that came from elsewhere. It was unpacked by a user of
the moment all the same, so nothing is believed of it but the content of its plain files.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import List

from provisioning.agent.builds.copying import SHOWN_CHARS, Copying
from provisioning.agent.builds.room import check_room, stays_within
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files

MOST_DEPTH = 40
MOST_ENTRIES = 50_000
"""More than any Python has: CPython with its tests has some 6,000 files."""

_FOLDER = re.compile(r"cpython-(3\.\d+\.\d+)[A-Za-z0-9_.+-]*")
"""As uv names what it installs; the link that it makes beside it has no third number."""


@dataclass(frozen=True)
class Downloaded:
    """A Python as uv has left it.

    Args:
        source: Where it lies: the build's own, nothing of the build runs any more.
        path: The directory in which it will be, as it was told.
        version: The version that was wanted: "3.12" or "3.12.4".
    """

    source: str
    path: str
    version: str

    def take_over(self, target: str) -> None:
        """Copy it, and make the link `python3.<n>` beside it.

        Args:
            target: Where nothing is yet.

        Raises:
            AgentError: it is not the one that was wanted, or holds what no Python has.
        """
        top = files.open_directory(self.source)
        try:
            name = self._folder(os.listdir(top))
            inside = self._opened(name, top)
            try:
                check_room(
                    inside, target, f"Python {self.version}",
                    most_entries=MOST_ENTRIES, most_depth=MOST_DEPTH,
                )  # fmt: skip
                home = os.path.join(target, name)
                files.make_directory(home)
                with files.directory(home) as copy:
                    files.walk(inside, Copying(self, copy).visit, most_depth=MOST_DEPTH)
            finally:
                os.close(inside)
        except files.UnsafePathError as error:
            raise self._refused(error.message) from None
        finally:
            os.close(top)
        self._link_program(target, home)

    def _folder(self, names: List[str]) -> str:
        found = [
            name for name in names if (named := _FOLDER.fullmatch(name)) and self._is(named[1])
        ]
        if len(found) != 1:
            raise self._refused(f"it is not a Python {self.version}")
        return found[0]

    def _opened(self, name: str, top: int) -> int:
        try:
            return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        except OSError:
            raise self._refused(f"{name} is not a directory") from None

    def _is(self, version: str) -> bool:
        return f"{version}.".startswith(f"{self.version}.")

    def _link_program(self, target: str, home: str) -> None:
        name = program_name(self.version)
        program = os.path.join(home, "bin", name)
        mode = files.lstat(program).st_mode if os.path.lexists(program) else 0
        if not stat.S_ISREG(mode) or not mode & stat.S_IXOTH:
            raise self._refused(f"it has no program bin/{name}")
        files.symlink(os.path.relpath(program, target), os.path.join(target, name))

    def may_link(self, parts: List[str], link: str) -> bool:
        """Return whether a link stays in this Python."""
        return not link.startswith("/") and stays_within(len(parts), link)

    def refused(self, parts: List[str], what: str) -> AgentError:
        """Return the error that names the file that was refused."""
        return self._refused(f"{'/'.join(parts)[:SHOWN_CHARS]} is {what}")

    def _refused(self, why: str) -> AgentError:
        return AgentError(
            f"the Python {self.version} that was downloaded was refused: {why}",
            hint="see that the app's `python_downloads` names an archive of CPython for this "
            "host, or leave it out",
            refused=True,
        )


def program_name(version: str) -> str:
    """Return the name of a version's program: "3.12.4" -> "python3.12"."""
    return "python" + ".".join(version.split(".")[:2])
