"""Take over the result of a build: root owns a checked copy of its files.

Nothing of the build's own stays: no file that somebody holds open or has another name for, no
mode, list of access rights or capability. What has no business in a virtual environment is
refused, by name: whoever put it there meant to be run by somebody else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Dict, List

from provisioning.agent.builds.copying import SHOWN_CHARS, Copying
from provisioning.agent.builds.room import check_room, stays_within
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files

MOST_DEPTH = 40
MOST_ENTRIES = 500_000
"""More than any environment has: the largest known ones have some 100,000 files, 20 deep."""

MOST_SETTINGS_BYTES = 1 << 16


@dataclass(frozen=True)
class Built:
    """An environment as a build has left it.

    Args:
        source: Where it lies: the build's own, nothing of the build runs any more.
        path: Where it will be, as its scripts say.
        python: The interpreter that it was made with.
    """

    source: str
    path: str
    python: str

    def take_over(self, target: str) -> None:
        """Copy it.

        Args:
            target: Where nothing is yet.

        Raises:
            AgentError: it holds what does not belong into an environment.
        """
        top = files.open_directory(self.source)
        try:
            check_room(
                top, target, f"the virtualenv {self.path}",
                most_entries=MOST_ENTRIES, most_depth=MOST_DEPTH,
            )  # fmt: skip
            self._check_settings(top)
            files.make_directory(target)
            with files.directory(target) as copy:
                files.walk(top, Copying(self, copy).visit, most_depth=MOST_DEPTH)
            self._check_interpreter(target)
        except files.UnsafePathError as error:
            raise self._refused(error.message) from None
        finally:
            os.close(top)

    def _check_settings(self, top: int) -> None:
        """See that Python's settings are those of the interpreter that is to be used."""
        try:
            opened = files.open_entry(top, "pyvenv.cfg")
        except OSError:
            raise self._refused("it has no pyvenv.cfg") from None
        with open(opened, "rb") as file:
            data = file.read(MOST_SETTINGS_BYTES + 1)
        try:
            settings = _settings(data)
        except ValueError:
            raise self._refused(
                "its pyvenv.cfg does not have the form that venv and uv write"
            ) from None
        homes = {os.path.dirname(self.python), os.path.dirname(os.path.realpath(self.python))}
        if not settings.get("home") or set(settings["home"]) - homes:
            raise self._refused("its pyvenv.cfg names another Python")
        if set(settings.get("include-system-site-packages", ())) - {"false"}:
            raise self._refused("its pyvenv.cfg admits the host's system packages")

    def _check_interpreter(self, target: str) -> None:
        for name in ("bin/python", "bin/python3"):
            if os.path.realpath(os.path.join(target, name)) != os.path.realpath(self.python):
                raise self._refused(f"its {name} is not {self.python}")

    def may_link(self, parts: List[str], link: str) -> bool:
        """Return whether a link stays in the environment, or leads to its interpreter."""
        if (
            parts[0] == "bin"
            and len(parts) == 2
            and link in (self.python, os.path.realpath(self.python))
        ):
            return True
        if link.startswith("/"):
            return link.startswith(self.path + "/") and ".." not in link.split("/")
        return stays_within(len(parts), link)

    def refused(self, parts: List[str], what: str) -> AgentError:
        """Return the error that names the file that was refused."""
        return self._refused(f"{'/'.join(parts)[:SHOWN_CHARS]} is {what}")

    def _refused(self, why: str) -> AgentError:
        return AgentError(
            f"the virtualenv {self.path} was refused: {why}",
            hint="a package tampered with it during the build: find the requirement of the app "
            "that does so, and remove it",
            refused=True,
        )


def _settings(data: bytes) -> Dict[str, List[str]]:
    """Read pyvenv.cfg: name -> values. Source: PEP 405; Lib/site.py, venv().

    Of a name that stands there twice, one part of Python takes the first and another the last.

    Raises:
        ValueError: It is too long, or holds what one reader may take for an end of a line and
            another may not.
    """
    if len(data) > MOST_SETTINGS_BYTES:
        raise ValueError("too long")
    found: Dict[str, List[str]] = {}
    for line in data.decode().split("\n"):
        if not line.replace("\t", " ").isprintable():
            raise ValueError("not a text")
        name, is_pair, value = line.partition("=")
        if is_pair:
            found.setdefault(name.strip().lower(), []).append(value.strip())
    return found
