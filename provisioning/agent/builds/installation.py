"""The steps that install what a lock file names: as uv itself would, or by pip for uv."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

Steps = List[Dict[str, Any]]
"""See builds/inside.py."""

UV_LOCK = "uv.lock"
PYPROJECT = "pyproject.toml"

DEVELOPMENT = "dev"
"""The dependency group that uv installs by default. Source: uv's "Managing dependencies"."""


@dataclass(frozen=True)
class Installation:
    """What a virtual environment is to hold.

    Args:
        path: Of the environment, absolute.
        python: The interpreter that it is made with.
        uv: The uv program; "" for venv and pip.
        listing: Which file to begin with, relative to where the steps run.
        require_hashes: Refuse packages whose hash the listing does not name.
        lists_everything: Install nothing that the listing does not name.
        extras: Of the project.
        groups: Of the project.
        member: The workspace member that is wanted; "" for the project beside uv.lock.
        install_project: Whether the project itself is installed.
        elsewhere: Packages of uv.lock that do not come from the default index.
        has_mirror: Whether the host has another default index than the lock file's.
        extra: Distribution -> its requirement, of what the environment lacks after all else.
        oldest: Distribution -> the oldest version of it that will do.
    """

    path: str
    python: str
    uv: str
    listing: str
    require_hashes: bool = False
    lists_everything: bool = False
    extras: Tuple[str, ...] = ()
    groups: Tuple[str, ...] = ()
    member: str = ""
    install_project: bool = True
    elsewhere: Tuple[str, ...] = ()
    has_mirror: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    oldest: Mapping[str, str] = field(default_factory=dict)

    def steps(self) -> Steps:
        """Return the steps, which run where the listing is."""
        if not self.uv:
            return self._by_pip()
        make = ["venv", "--quiet", "--allow-existing", "--no-project", "--python", self.python]
        steps: Steps = [{"argv": [self.uv, *make, self.path]}]
        steps += self._by_sync() if self._is(UV_LOCK) else self._by_requirements()
        if self.extra:
            lacking = os.path.join(self.path, "homeport.txt")
            install = [*self._install, "--require-hashes", "--no-deps", "--requirement", lacking]
            steps.append({"lacking": dict(self.extra), "requirements": lacking, "argv": install})
        if self.oldest:
            steps.append({"oldest": dict(self.oldest)})
        return steps

    def _is(self, name: str) -> bool:
        return os.path.basename(self.listing) == name

    @property
    def _interpreter(self) -> str:
        return os.path.join(self.path, "bin", "python")

    @property
    def _folder(self) -> str:
        return os.path.dirname(self.listing) or "."

    def _by_pip(self) -> Steps:
        pip = [self._interpreter, "-m", "pip", "install", "--quiet", "--no-input",
               "--disable-pip-version-check", "--no-compile", "--require-hashes"]  # fmt: skip
        return [
            {"argv": [self.python, "-m", "venv", self.path]},
            {"argv": [*pip, "--requirement", self.listing]},
        ]

    @property
    def _install(self) -> Sequence[str]:
        # What will never be changed needs no link to where it was built.
        return [self.uv, "pip", "install", "--quiet", "--compile-bytecode", "--no-editable",
                "--python", self._interpreter]  # fmt: skip

    def _by_requirements(self) -> Steps:
        """Install a requirements file, pylock.toml or pyproject.toml."""
        hashes = ["--require-hashes"] if self.require_hashes else []
        hashes += ["--no-deps"] if self.lists_everything else []
        chosen = _options("--extra", self.extras)
        in_project = f"{self.listing}:" if self._is(PYPROJECT) else ""
        chosen += _options("--group", (in_project + each for each in self.groups))
        steps: Steps = [{"argv": [*self._install, *hashes, *chosen, "--requirement", self.listing]}]
        if self._is(PYPROJECT) and self.install_project:
            steps.append({"argv": [*self._install, "--no-deps", os.path.join(".", self._folder)]})
        return steps

    def _by_sync(self) -> Steps:
        """Install what uv.lock names, and nothing else.

        uv asks the very places that the lock file names. Where the host has a mirror of the default
        index, what the lock file has from that index is installed from the mirror first: the same
        versions, with the same hashes.
        """
        project = ["--frozen", "--quiet", "--project", self._folder, *self._chosen]
        # `uv sync` takes the environment from UV_PROJECT_ENVIRONMENT.
        sync = [self.uv, "sync", *project, "--no-editable", "--compile-bytecode",
                "--no-managed-python", "--python", self.python]  # fmt: skip
        if not self.install_project:
            sync.append("--no-install-project")
        if not self.has_mirror:
            return [{"argv": sync}]
        exported = "homeport-exported.txt"
        export = [self.uv, "export", *project, "--no-emit-local", "--no-managed-python",
                  *_options("--no-emit-package", self.elsewhere), "--python", self.python,
                  "--output-file", exported]  # fmt: skip
        return [
            {"argv": export},
            {"argv": [*self._install, "--no-deps", "--requirement", exported]},
            {"argv": sync},
        ]

    @property
    def _chosen(self) -> List[str]:
        member = ["--package", self.member] if self.member else []
        default = [] if DEVELOPMENT in self.groups else ["--no-dev"]
        return [*member, *default, *_options("--extra", self.extras),
                *_options("--group", self.groups)]  # fmt: skip


def _options(name: str, values: Any) -> List[str]:
    return [word for each in values for word in (name, each)]
