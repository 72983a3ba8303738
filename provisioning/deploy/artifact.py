"""The local build of a release: its files, its requirements, and its name.

Read from the working tree; nothing is written, and no host is asked.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from provisioning.agent.apps.compiled import is_pythons
from provisioning.deploy.missing_files import MissingFiles, missing_files
from provisioning.deploy.requirements import Requirements, read_requirements
from provisioning.deploy.requirements.choice import WITHOUT_CHOICE, Choice
from provisioning.deploy.requirements.local import LocalPackages
from provisioning.errors import ConfigurationError

NO_COMMIT = "nocommit"

IGNORED = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".env", ".homeport",
     ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".idea", ".vscode", ".DS_Store"}
)  # fmt: skip
"""Left out where git does not say what belongs to the source."""


@dataclass(frozen=True)
class Artifact:
    """The content of a release.

    Args:
        release: The release's id, <utc>-<commit>.
        files: Path below the source -> content.
        executables: Those of the files that are executable.
        links: Path -> target, for symbolic links.
        requirements: What is installed for it.
        commit: Full hash of the commit, "" where there is no git.
        dirty: The working tree has changes that are in no commit.
        compiled: What Python has compiled, and git tracks: left out, each host compiles its own.
        untracked: What is there, and git neither tracks nor ignores: left out. Folders end in "/".
        missing: What git tracks, and is not there.
    """

    release: str
    files: Mapping[str, bytes] = field(repr=False)
    executables: tuple[str, ...]
    links: Mapping[str, str]
    requirements: Requirements
    commit: str
    dirty: bool
    compiled: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    missing: MissingFiles = field(default_factory=MissingFiles)

    @property
    def packages(self) -> dict[str, bytes]:
        """What of its source is installed as packages: path below the source -> content."""
        local = self.requirements.local
        found = {path: each for path, each in self.files.items() if local.holds(path)}
        return {**found, **local.archives}

    @property
    def package_links(self) -> dict[str, str]:
        """The symbolic links among these: path -> target."""
        local = self.requirements.local
        return {path: target for path, target in self.links.items() if local.holds(path)}


def build_artifact(
    source: Path,
    requirements: str,
    *,
    include: Sequence[str] = (),
    choice: Choice = WITHOUT_CHOICE,
    now: float | None = None,
) -> Artifact:
    """Read an app's source.

    Args:
        source: The app's folder.
        requirements: Lock file, relative to it; "" where the app's runtime needs none.
        include: Files and folders in it that belong to the release though git does not track
            them.
        choice: What of the requirements is installed.
        now: Seconds since the epoch; default: now.

    Raises:
        ConfigurationError: the requirements, a package of the source or what is to be included
            are not there, or nothing is to be deployed.
    """
    commit, changes = _commit(source)
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    executables, compiled, absent = [], [], {}
    for path in dict.fromkeys((*_paths(source), *_included(source, include))):
        full = source / path
        if is_pythons(path):
            compiled.append(path)
        elif full.is_symlink():
            links[path] = str(full.readlink())
        elif full.is_file():
            files[path] = full.read_bytes()
            if full.stat().st_mode & 0o100:
                executables.append(path)
        else:
            absent[path] = full.is_dir()
    if not files:
        raise ConfigurationError(
            f"cannot deploy {source}: there are no files in it",
            hint="git add what belongs to the app, or correct the app's `source`",
        )
    installed = (
        read_requirements(source, PurePosixPath(requirements).as_posix(), choice)
        if requirements
        else Requirements("", {})
    )
    _must_travel(source, installed, files)
    return Artifact(
        release=release_id(time.time() if now is None else now, commit),
        files=files,
        executables=tuple(executables),
        links=links,
        requirements=installed,
        commit=commit,
        dirty=changes.dirty,
        compiled=tuple(compiled),
        untracked=tuple(each for each in changes.untracked if not _is_included(each, include)),
        missing=missing_files(absent, files, changes.deleted),
    )


def _must_travel(source: Path, requirements: Requirements, files: Mapping[str, bytes]) -> None:
    """Refuse folders of packages from which nothing is deployed."""
    empty = [
        folder
        for folder in requirements.local.folders
        if not any(LocalPackages((folder,)).holds(path) for path in files)
    ]
    if empty:
        raise ConfigurationError(
            f"cannot install {', '.join(empty)} of {source}, which {requirements.listing} names: "
            "git tracks no file there",
            hint="git add what belongs to the package, or name it in the app's `include`",
        )


def release_id(now: float, commit: str) -> str:
    """Return <utc>-<commit>: it sorts by time, and no two runs of a script have the same.

    A host takes a release whose id it has for the one that it has.
    """
    seconds, milliseconds = divmod(int(now * 1000), 1000)
    utc = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    return f"{utc}.{milliseconds:03}Z-{NO_COMMIT if commit in ('', NO_COMMIT) else commit[:7]}"


def _git(source: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where it is not installed or there is no repository."""
    # Within a hook these would lead to another repository. Source: git(1), githooks(5).
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(source), *arguments],
            capture_output=True,
            check=False,
            env={**env, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError:
        return None
    if b"dubious ownership" in done.stderr:
        # Without git's word everything there would be deployed, local secrets too.
        raise ConfigurationError(
            f"cannot read {source}: git does not trust a repository of another user",
            hint=f"git config --global --add safe.directory {source.resolve()}",
        )
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def commit_of(source: Path) -> str:
    """Return the full hash of the commit that is checked out, "" if there is none."""
    return (_git(source, "rev-parse", "HEAD") or "").strip()


class _Changes(NamedTuple):
    """What differs from the commit: whether anything tracked does, and paths below the source."""

    dirty: bool = False
    untracked: tuple[str, ...] = ()
    deleted: frozenset[str] = frozenset()


def _commit(source: Path) -> tuple[str, _Changes]:
    """Return the commit, and the changes that are in none."""
    commit = commit_of(source)
    options = ("--porcelain", "-z", "--untracked-files=normal", "--no-renames")
    status = _git(source, "status", *options, "--", ".")
    if not commit or not status:
        return commit, _Changes()
    # Source: git-status(1), "Porcelain Format Version 1": two letters, a blank, and the path from
    # the top of the repository.
    top = (_git(source, "rev-parse", "--show-prefix") or "").strip()
    entries = [each for each in status.split("\0") if each]
    untracked = [each[3:].removeprefix(top) for each in entries if each.startswith("?? ")]
    deleted = frozenset(each[3:].removeprefix(top) for each in entries if each[1] == "D")
    return commit, _Changes(len(untracked) < len(entries), tuple(untracked), deleted)


def _is_included(path: str, include: Sequence[str]) -> bool:
    return any(f"{path.rstrip('/')}/".startswith(f"{each.rstrip('/')}/") for each in include)


def _paths(source: Path) -> Iterator[str]:
    tracked = _git(source, "ls-files", "-z", "--cached", "--recurse-submodules")
    if not tracked:
        tracked = _unignored(source)
    if tracked is not None:
        yield from (path for path in tracked.split("\0") if path)
        return
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if not IGNORED.intersection(relative.parts) and (path.is_symlink() or not path.is_dir()):
            yield relative.as_posix()


def _included(source: Path, include: Sequence[str]) -> Iterator[str]:
    for name in include:
        top = source / name
        # A link is taken as a link: what it leads to may lie anywhere.
        is_folder = top.is_dir() and not top.is_symlink()
        if not is_folder and not top.exists():
            raise ConfigurationError(
                f"cannot include {top}: there is no such file or folder",
                hint="have a before-build hook build it, or correct the app's `include`",
            )
        for path in sorted(top.rglob("*")) if is_folder else [top]:
            if path.is_symlink() or not path.is_dir():
                yield path.relative_to(source).as_posix()


def _unignored(source: Path) -> str | None:
    """Return all files less those that .gitignore names, by a repository that is nowhere."""
    with tempfile.TemporaryDirectory() as directory:
        elsewhere = f"--git-dir={directory}/repository"
        if _git(source, elsewhere, "init", "--quiet", "--bare") is None:
            return None
        patterns = [f"--exclude={each}" for each in sorted(IGNORED)]
        return _git(
            source, elsewhere, f"--work-tree={source}",
            "ls-files", "-z", "--others", "--exclude-standard", *patterns,
        )  # fmt: skip
