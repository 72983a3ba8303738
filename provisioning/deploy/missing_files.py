"""What git tracks and the checkout does not have: it would be missing in a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from provisioning.errors import ConfigurationError

POINTER, POINTER_BYTES = b"version https://git-lfs.github.com/spec/v1\n", 1024
"""How a pointer of Git LFS begins, and below which size it is. Source: Git LFS Specification."""

SHOWN = 10


@dataclass(frozen=True)
class MissingFiles:
    """What a checkout lacks.

    Args:
        pointers: Files in whose place there are pointers of Git LFS.
        submodules: Directories of submodules that are not checked out.
        skipped: Files that git was told to leave out: sparse checkouts, skip-worktree.
        deleted: Files that were deleted, which git shows as a change that is in no commit.
    """

    pointers: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def missing_files(
    absent: Mapping[str, bool], files: Mapping[str, bytes], deleted: frozenset[str]
) -> MissingFiles:
    """Return what a checkout lacks.

    Args:
        absent: Paths that git tracks and that are no files -> whether it is a directory.
        files: Path -> content.
        deleted: Paths that git shows as deleted.
    """
    pointers = (
        path
        for path, content in files.items()
        if len(content) < POINTER_BYTES and content.startswith(POINTER)
    )
    gone = [path for path, is_directory in absent.items() if not is_directory]
    return MissingFiles(
        pointers=tuple(pointers),
        submodules=tuple(path for path, is_directory in absent.items() if is_directory),
        skipped=tuple(path for path in gone if path not in deleted),
        deleted=tuple(path for path in gone if path in deleted),
    )


def check_missing(app: str, missing: MissingFiles, *, allowed: bool) -> list[str]:
    """Refuse a checkout that lacks what the app may need.

    Args:
        app: The app's name.
        missing: What it lacks.
        allowed: The operator said that it may.

    Returns:
        What a person should know: what is missing all the same.

    Raises:
        ConfigurationError: something is missing, other than what was deleted.
    """
    kinds = list(_kinds(missing))
    said = [f"not deployed, because it was deleted: {_named(missing.deleted)}"]
    notes = said if missing.deleted else []
    if not kinds:
        return notes
    if allowed:
        return notes + [f"{what}: {_named(paths)}" for what, paths, _ in kinds]
    raise ConfigurationError(
        f"cannot deploy {app}: the checkout is not complete",
        hint="; ".join(mend for _, _, mend in kinds)
        + "; or fab deploy --allow-missing, which deploys without them",
        output="\n".join(f"{what}: {path}" for what, paths, _ in kinds for path in paths),
    )


def _kinds(missing: MissingFiles) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield what is wrong, with what, and its mend."""
    if missing.pointers:
        yield "a pointer of Git LFS, not the file", missing.pointers, "git lfs pull"
    if missing.submodules:
        mend = "git submodule update --init --recursive"
        yield "submodule, not checked out", missing.submodules, mend
    if missing.skipped:
        mend = "git sparse-checkout disable, git update-index --no-skip-worktree FILE"
        yield "tracked, not checked out", missing.skipped, mend


def _named(paths: tuple[str, ...]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {more} more" if more > 0 else "")
