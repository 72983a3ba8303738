"""What happens while root works in a directory that another user writes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.apps import shared
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files
from tests.agent.runs import listing
from tests.fakes.system import StrangerSystem

STRANGER = 12345
SWAPS, CALLED = 500, 500


@pytest.fixture
def outside(root: Path) -> Path:
    path = root / "outside"
    (path / "deep").mkdir(parents=True)
    (path / "file").write_text("root's")
    (path / "deep" / "file").write_text("root's")
    return path


@pytest.fixture
def theirs(root: Path) -> Path:
    """A directory of a stranger's, and a folder in it that is swapped."""
    path = root / "theirs"
    (path / "folder" / "deep").mkdir(parents=True)
    (path / "folder" / "file").write_text("theirs")
    os.chown(path, STRANGER, STRANGER)
    return path


_libc = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Source: renameat2(2), linux/fcntl.h, linux/fs.h."""


class Swapped:
    """Swaps a folder for a link to somewhere else, and back, as fast as it can.

    One of the two is always there: the kernel exchanges them.

    Args:
        folder: What is swapped.
        outside: Where the link leads.
    """

    def __init__(self, folder: Path, outside: Path) -> None:
        link = folder.with_name("link")
        link.symlink_to(outside)
        self._names = os.fsencode(folder), os.fsencode(link)
        self._thread = threading.Thread(target=self._swap)
        self._ended = False
        self.swaps = 0

    def _swap(self) -> None:
        folder, link = self._names
        while not self._ended:
            if _libc.renameat2(_AT_FDCWD, folder, _AT_FDCWD, link, _RENAME_EXCHANGE) != 0:
                raise OSError(ctypes.get_errno(), "cannot exchange them")
            self.swaps += 1

    def __enter__(self) -> Swapped:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()


def _own(path: str) -> None:
    opened = files.open_any(path)
    try:
        files.own(opened, 0o777, STRANGER, STRANGER, what=path)
    finally:
        os.close(opened)


def _write(path: str) -> None:
    with contextlib.suppress(FileExistsError):
        files.write(f"{path}/new", b"x", 0o666)
    files.unlink(f"{path}/new")


def _rename(path: str) -> None:
    files.rename(f"{path}/file", f"{path}/moved")
    files.rename(f"{path}/moved", f"{path}/file")


def _remove(path: str) -> None:
    files.make_directory(f"{path}/deep/er")
    files.remove(f"{path}/deep")


CALLS: dict[str, Callable[[str], object]] = {
    "make_directory": lambda path: files.make_directory(f"{path}/made/deep"),
    "own": lambda path: _own(f"{path}/deep"),
    "own a file": lambda path: _own(f"{path}/file"),
    "own the folder itself": _own,
    "write": _write,
    "rename": _rename,
    "remove": _remove,
    "give_tree": lambda path: files.give_tree(path, STRANGER, STRANGER),
    "unlink": lambda path: files.unlink(f"{path}/file"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CALLS)
def test_a_folder_that_is_swapped_for_a_link_leads_root_nowhere(
    name: str, theirs: Path, outside: Path
) -> None:
    before = listing(outside)
    calls = 0
    with Swapped(theirs / "folder", outside) as swapped:
        while swapped.swaps < SWAPS or calls < CALLED:
            calls += 1
            with contextlib.suppress(OSError, AgentError):
                CALLS[name](str(theirs / "folder"))
    assert listing(outside) == before


def _after(monkeypatch: pytest.MonkeyPatch, name: str, then: Callable[[], object]) -> None:
    """Have something happen once, right after root has called a function of `os`."""
    original = getattr(os, name)
    left = [then]

    def called(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        if left:
            left.pop()()
        return result

    monkeypatch.setattr(os, name, called)


def _swap(folder: Path, target: Path) -> Callable[[], object]:
    def swap() -> None:
        folder.rename(folder.with_name("gone"))
        folder.symlink_to(target)

    return swap


def test_a_directory_that_becomes_a_link_as_soon_as_it_is_made_is_not_entered(
    theirs: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listing(outside)
    _after(monkeypatch, "mkdir", _swap(theirs / "new", outside))
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        files.make_directory(str(theirs / "new" / "deep" / "er"))
    assert (theirs / "new").is_symlink()
    assert listing(outside) == before


def test_a_file_that_becomes_a_link_between_two_looks_is_not_read(
    theirs: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _after(monkeypatch, "stat", _swap(theirs / "folder" / "file", outside / "file"))
    with pytest.raises(OSError, match="symbolic links"):
        files.open_linked_file(str(theirs / "folder" / "file"))


@pytest.mark.timeout(30)
def test_a_file_that_becomes_a_pipe_between_two_looks_is_not_waited_for(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = theirs / "folder" / "file"
    _after(monkeypatch, "stat", lambda: (file.unlink(), os.mkfifo(file)))
    with pytest.raises(OSError, match="Invalid argument"):
        files.open_linked_file(str(file))


def test_a_folder_that_becomes_a_link_while_a_tree_is_walked_is_not_entered(
    theirs: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listing(outside)
    _after(monkeypatch, "chown", _swap(theirs / "folder" / "deep", outside))
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        files.give_tree(str(theirs / "folder"), STRANGER, STRANGER)
    assert listing(outside) == before


@pytest.mark.parametrize("deep", ["b", "c"])
def test_a_folder_that_becomes_a_link_while_a_tree_is_removed_is_not_entered(
    deep: str, theirs: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (theirs / "tree" / name).mkdir(parents=True)
        (theirs / "tree" / name / "file").touch()
    before = listing(outside)
    _after(monkeypatch, "rmdir", lambda: _swap(theirs / "tree" / deep, outside)()
           if (theirs / "tree" / deep).exists() else None)  # fmt: skip
    files.remove(str(theirs / "tree"))
    assert not os.path.lexists(theirs / "tree")
    assert listing(outside) == before


@pytest.mark.parametrize("name", ["unlink", "listdir"])
def test_what_goes_by_itself_while_a_tree_is_removed_leaves_nothing_of_the_rest(
    name: str, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = theirs / "tree"
    tree.mkdir()
    for each in "abcdef":
        (tree / each).touch()
    (tree / "folder").mkdir()
    (tree / "folder" / "file").touch()

    def go() -> None:
        for each in "abcdef":
            (tree / each).unlink(missing_ok=True)
        (tree / "folder" / "file").unlink(missing_ok=True)
        (tree / "folder").rmdir()
        (tree / "late").touch()

    _after(monkeypatch, name, go)
    files.remove(str(tree))
    assert not os.path.lexists(tree)


def test_a_tree_that_grows_while_it_is_removed_is_given_up_in_time(theirs: Path) -> None:
    tree = theirs / "tree"
    tree.mkdir()
    held = os.open(tree, os.O_RDONLY)
    ended = threading.Event()

    def grow() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with contextlib.suppress(FileNotFoundError):
                os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=held))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        # Whichever comes first: it is all gone, or it is said that it is not.
        with contextlib.suppress(files.TooMuchError):
            files.remove(str(tree), within_s=1)
            assert not tree.exists()
    finally:
        ended.set()
        thread.join()
        os.close(held)
    files.remove(str(tree))
    assert not tree.exists()


# Shared folders


@pytest.fixture
def top(root: Path) -> Iterator[Path]:
    path = Path(AppLayout("root").shared)
    path.mkdir(parents=True)
    os.chown(path, STRANGER, STRANGER)
    yield path


@pytest.mark.timeout(120)
def test_the_folders_of_an_app_that_swaps_them_lead_root_nowhere(
    top: Path, outside: Path, root: Path
) -> None:
    (outside / "uploads").mkdir()
    (top / "var").mkdir()
    os.chown(top / "var", STRANGER, STRANGER)
    (root / "source").mkdir()
    (root / "source" / "file").write_text("x")
    before = listing(outside)
    calls = 0
    with Swapped(top / "var", outside) as swapped:
        while swapped.swaps < SWAPS or calls < CALLED:
            calls += 1
            system = StrangerSystem(STRANGER)
            with contextlib.suppress(OSError, AgentError):
                if not shared.is_right("root", "var/uploads", system):
                    shared.make("root", "var/uploads", system)
                shared.begin(system, "root", "var/other", str(root / "source"))
    assert listing(outside) == before


def test_a_shared_folder_that_becomes_a_link_as_soon_as_it_is_made_is_not_given_away(
    top: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listing(outside)
    _after(monkeypatch, "mkdir", _swap(top / "uploads", outside))
    system = StrangerSystem(STRANGER)
    shared.make("root", "uploads", system)
    assert listing(outside) == before
    assert len(system.notes) == 1
    assert stat.S_IMODE((top / "gone").stat().st_mode) == 0o700
