"""How the programs of a release are started: where, with which variables, on which files.

The controller writes it into units, and both sides start programs by it that run once. What only
the host knows of a runtime stands there as a word, "@HOMEPORT:NAME@", until a release is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Mapping, Tuple

_WORD = re.compile(r"@HOMEPORT:([A-Z_]+)@")


def word(name: str) -> str:
    """Return what stands for something that only the host knows."""
    return f"@HOMEPORT:{name}@"


def filled(text: str, words: Mapping[str, str]) -> str:
    """Return a text with what the words stand for; a word that means nothing stays."""
    return _WORD.sub(lambda found: words.get(found[1], found[0]), text)


@dataclass(frozen=True)
class Surroundings:
    """How the programs of a release are started.

    Args:
        directory: Where they run, as they see it.
        search_path: Where they are looked for, as in PATH.
        environment: Variables besides those of the app.
        environment_files: Files with more of them, on the host; the app's own follow and win.
        properties: What their units need besides, "Key=Value" of systemd.exec(5).
        shell: The shell that is there.
        root: The directory on the host that is their root directory, "" for the host's own.
    """

    directory: str
    search_path: str
    environment: Mapping[str, str]
    environment_files: Tuple[str, ...] = ()
    properties: Tuple[str, ...] = field(default=())
    shell: str = "/bin/bash"
    root: str = ""

    def filled(self, words: Mapping[str, str]) -> Surroundings:
        """Return the same with what the words stand for."""
        return replace(
            self,
            directory=filled(self.directory, words),
            search_path=filled(self.search_path, words),
            environment={name: filled(each, words) for name, each in self.environment.items()},
            properties=tuple(filled(each, words) for each in self.properties),
        )
