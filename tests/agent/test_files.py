"""Reaching files part by part: only root decides where a path leads."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.agent.machine import files
from provisioning.agent.machine.files import TooMuchError, UnsafePathError
from tests.agent.runs import listing

STRANGER = 12345
"""A user, and a group, of nobody's: who may be an app, or a person."""


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


@pytest.fixture(autouse=True)
def every_descriptor_is_closed_again() -> Iterator[None]:
    before = _descriptors()
    yield
    assert _descriptors() == before


@pytest.fixture
def outside(root: Path) -> Path:
    """What a stranger would like to have: root's, and none of it may be touched."""
    path = root / "outside"
    (path / "inner").mkdir(parents=True)
    (path / "file").write_text("root's")
    (path / "file").chmod(0o600)
    return path


# Where a path leads


def test_links_that_are_roots_in_roots_place_are_followed(root: Path) -> None:
    real = root / "disk" / "srv"
    real.mkdir(parents=True)
    (root / "relative").symlink_to("disk/srv")
    (root / "absolute").symlink_to(real)
    (root / "disk" / "back").symlink_to("../relative/./")
    for number, way in enumerate((root / "relative", root / "absolute", root / "disk" / "back")):
        path = str(way / f"{number}")
        files.write(path, b"x", 0o640)
        assert (real / f"{number}").read_bytes() == b"x"
        assert stat.S_IMODE(files.lstat(path).st_mode) == 0o640
        files.make_directory(str(way / f"d{number}" / "deep"), 0o700)
        assert (real / f"d{number}" / "deep").is_dir()
        files.rename(path, str(way / f"d{number}" / "moved"))
        assert files.names(str(way / f"d{number}")) == ["deep", "moved"]
    assert files.names(str(root / "absolute")) == ["d0", "d1", "d2"]


def test_run_is_found_by_its_old_name() -> None:
    if not Path("/var/run").is_symlink():
        pytest.skip("this machine has no /var/run that is a link")
    assert files.names("/var/run") == sorted(path.name for path in Path("/run").iterdir())


@pytest.mark.parametrize("path", ["relative", "", "./x"])
def test_a_path_must_be_absolute(path: str) -> None:
    with pytest.raises(ValueError, match="is not absolute"):
        files.names(path)


def test_what_is_not_there_is_told_by_its_whole_path(root: Path) -> None:
    (root / "file").touch()
    cases = [
        (files.names, root / "no" / "where", FileNotFoundError),
        (files.names, root / "file" / "x", NotADirectoryError),
        (files.make_directory, root / "file" / "x", NotADirectoryError),
    ]
    for call, path, kind in cases:
        with pytest.raises(kind) as caught:
            call(str(path))
        assert caught.value.filename == str(path)


def test_links_in_a_circle_are_given_up(root: Path, outside: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    for call in (files.names, files.make_directory, files.sync):
        with pytest.raises(OSError, match="symbolic links"):
            call(str(root / "a" / "x"))
    with pytest.raises(OSError, match="symbolic links"):
        files.open_linked_file(str(root / "a"))
    # Many one after the other are none.
    targets = [f"l{number}" for number in range(1, files.MOST_LINKS)] + [str(outside)]
    for number, target in enumerate(targets):
        (root / f"l{number}").symlink_to(target)
    assert files.names(str(root / "l0")) == ["file", "inner"]
    (root / "one more").symlink_to("l0")
    with pytest.raises(OSError, match="symbolic links"):
        files.names(str(root / "one more"))


def _theirs(place: Path) -> None:
    os.chown(place, STRANGER, 0)


PLACES: dict[str, Callable[[Path], object]] = {
    "a stranger's": _theirs,
    "its group may write": lambda place: place.chmod(0o775),
    "all may write": lambda place: place.chmod(0o777),
    "all may write, each their own": lambda place: place.chmod(0o1777),
}


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest, root: Path) -> Path:
    """A directory where a stranger may put something."""
    path = root / "place"
    path.mkdir()
    PLACES[request.param](path)
    return path


CALLS: dict[str, Callable[[str, str], object]] = {
    # The path leads through a link; besides, a path of root's.
    "directory": lambda path, _: files.directory(path).__enter__(),
    "lstat": lambda path, _: files.lstat(path + "/file"),
    "readlink": lambda path, _: files.readlink(path + "/file"),
    "open_file": lambda path, _: files.open_file(path + "/file"),
    "open_any": lambda path, _: files.open_any(path + "/file"),
    "open_any of a directory": lambda path, _: files.open_any(path + "/inner"),
    "open_linked_file": lambda path, _: files.open_linked_file(path + "/file"),
    "open_directory": lambda path, _: files.open_directory(path),
    "names": lambda path, _: files.names(path),
    "create": lambda path, _: files.create(path + "/new"),
    "write": lambda path, _: files.write(path + "/new", b"x", 0o600),
    "unlink": lambda path, _: files.unlink(path + "/file"),
    "symlink": lambda path, _: files.symlink("/", path + "/new"),
    "rename from there": lambda path, ours: files.rename(path + "/file", ours + "/x"),
    "rename to there": lambda path, ours: files.rename(ours + "/ours", path + "/file"),
    "link from there": lambda path, ours: files.link(path + "/file", ours + "/x"),
    "link to there": lambda path, ours: files.link(ours + "/ours", path + "/x"),
    "make_directory": lambda path, _: files.make_directory(path + "/new/deep"),
    "make_directory that is there": lambda path, _: files.make_directory(path),
    "sync": lambda path, _: files.sync(path),
    "remove": lambda path, _: files.remove(path + "/inner"),
    "copy_file from there": lambda path, ours: files.copy_file(path + "/file", ours + "/x", 0o644),
    "copy_file to there": lambda path, ours: files.copy_file(ours + "/ours", path + "/x", 0o644),
    "copy_tree from there": lambda path, ours: files.copy_tree(path, ours + "/x"),
    "copy_tree to there": lambda path, ours: files.copy_tree(ours, path + "/x"),
    "links": lambda path, _: files.links(path),
    "regular_files": lambda path, _: files.regular_files(path),
    "give_tree": lambda path, _: files.give_tree(path + "/inner", STRANGER, STRANGER),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_link_where_another_user_may_write_is_refused_on_the_way(
    name: str, place: Path, root: Path, outside: Path
) -> None:
    (place / "way").symlink_to(outside)
    (root / "own").mkdir()
    (root / "own" / "ours").write_text("ours")
    before = listing(root)
    for path in (place / "way", place / "way" / "inner" / ".."):
        with pytest.raises(UnsafePathError, match="way is a symbolic link in a place") as caught:
            CALLS[name](str(path), str(root / "own"))
        assert "replace it with what it should be, then run again" in caught.value.hint
    assert listing(root) == before


def test_a_link_is_refused_however_deep_below_a_strangers_directory(
    root: Path, outside: Path
) -> None:
    """A directory of root's does not help: it can be moved, with all that is in it."""
    deep = root / "place" / "of" / "root"
    deep.mkdir(parents=True)
    (deep / "way").symlink_to(outside)
    assert files.names(str(deep / "way")) == ["file", "inner"]
    os.chown(root / "place", STRANGER, STRANGER)
    with pytest.raises(UnsafePathError):
        files.names(str(deep / "way"))


def test_a_link_that_is_a_strangers_is_refused_anywhere(root: Path, outside: Path) -> None:
    (root / "way").symlink_to(outside)
    os.chown(root / "way", STRANGER, STRANGER, follow_symlinks=False)
    for call in (files.names, files.make_directory, lambda path: files.lstat(path + "/file")):
        with pytest.raises(UnsafePathError):
            call(str(root / "way"))


def test_a_good_link_into_a_strangers_place_makes_no_link_there_good(
    root: Path, outside: Path
) -> None:
    theirs = root / "theirs"
    theirs.mkdir()
    _theirs(theirs)
    (theirs / "plain").mkdir()
    (theirs / "way").symlink_to(outside)
    (root / "good").symlink_to("theirs")
    assert files.names(str(root / "good" / "plain")) == []
    with pytest.raises(UnsafePathError):
        files.names(str(root / "good" / "way"))


@pytest.mark.parametrize("name", ["..", "../..", "/"])
def test_going_up_does_not_get_out_of_a_strangers_place(name: str, root: Path) -> None:
    """What lies above is reached through it: which directory that is, its owner may choose."""
    theirs = root / "theirs"
    (theirs / "deep").mkdir(parents=True)
    _theirs(theirs)
    (theirs / "deep" / "up").symlink_to(name)
    with pytest.raises(UnsafePathError):
        files.names(str(theirs / "deep" / "up"))


# The last part


def test_the_last_part_is_never_followed(root: Path, outside: Path) -> None:
    before = listing(outside)
    link, path = root / "link", str(root / "link")
    link.symlink_to(outside / "file")
    assert stat.S_ISLNK(files.lstat(path).st_mode)
    assert files.readlink(path) == str(outside / "file")
    for call in (files.open_file, files.open_any):
        with pytest.raises(OSError, match="symbolic links") as caught:
            call(path)
        assert caught.value.errno == errno.ELOOP
    for create in (files.create, lambda path: files.write(path, b"x", 0o666)):
        with pytest.raises(FileExistsError):
            create(path)
    with pytest.raises(FileExistsError):
        files.copy_file(str(outside / "file"), path, 0o666)
    with pytest.raises(OSError, match="symbolic links"):
        files.copy_file(path, str(root / "copy"), 0o666)
    # Another name for the link, not for the file.
    files.link(path, str(root / "second"))
    assert (root / "second").is_symlink()
    files.write(str(root / "new"), b"new", 0o644)
    files.rename(str(root / "new"), path)
    assert not link.is_symlink()
    files.remove(str(root / "second"))
    assert listing(outside) == before


def test_a_directory_at_the_end_of_a_link_is_not_removed(root: Path, outside: Path) -> None:
    before = listing(outside)
    (root / "link").symlink_to(outside)
    files.remove(str(root / "link"))
    assert not (root / "link").is_symlink()
    assert listing(outside) == before


def test_links_that_are_roots_lead_to_a_file_that_is_read(root: Path) -> None:
    (root / "env").write_text("x=1")
    (root / "release").mkdir()
    (root / "release" / "env").symlink_to("../env")
    (root / "current").symlink_to("release")
    (root / "second").symlink_to(root / "current" / "env")
    for path in (root / "release" / "env", root / "current" / "env", root / "second", root / "env"):
        opened = files.open_linked_file(str(path))
        assert os.read(opened, 10) == b"x=1"
        os.close(opened)
    with pytest.raises(FileNotFoundError):
        files.open_linked_file(str(root / "nowhere"))


def test_a_strangers_link_is_not_read_through(place: Path, outside: Path) -> None:
    (place / "env").symlink_to(outside / "file")
    with pytest.raises(UnsafePathError):
        files.open_linked_file(str(place / "env"))


@pytest.mark.timeout(30)
def test_neither_a_pipe_nor_a_socket_nor_a_device_is_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    for name in ("pipe", "device", "socket"):
        for call in (files.open_file, files.open_any, files.open_linked_file):
            with pytest.raises(OSError, match=r"Invalid argument|neither a file|No such device"):
                call(str(root / name))
        with pytest.raises(OSError, match=r"Invalid argument|No such device"):
            files.copy_file(str(root / name), str(root / "copy"), 0o644)
        assert not (root / "copy").exists()
        with pytest.raises(NotADirectoryError):
            files.make_directory(str(root / name))
        with pytest.raises(NotADirectoryError):
            files.names(str(root / name))
        files.remove(str(root / name))
        assert not os.path.lexists(root / name)


def test_a_directory_is_no_file(root: Path) -> None:
    for call in (files.open_file, files.open_linked_file):
        with pytest.raises(IsADirectoryError):
            call(str(root))
    os.close(files.open_any(str(root)))


# Owners and modes


def test_a_file_with_another_name_is_not_given_away(root: Path, outside: Path) -> None:
    """Where the kernel lets them, a stranger may link to any file, also to one of root's."""
    os.link(outside / "file", root / "theirs")
    before = listing(outside)
    opened = files.open_any(str(root / "theirs"))
    try:
        with pytest.raises(UnsafePathError, match=r"another name \(a hard link\)") as caught:
            files.own(opened, 0o644, STRANGER, STRANGER, what="/srv/it")
    finally:
        os.close(opened)
    assert "/srv/it" in caught.value.message
    assert str((root / "theirs").stat().st_ino) in str(caught.value.hint)
    assert listing(outside) == before


def test_what_has_its_owner_already_gets_its_mode(root: Path) -> None:
    (root / "one").touch()
    os.link(root / "one", root / "two")
    (root / "folder" / "inner").mkdir(parents=True)
    for name, owner in (("one", 0), ("folder", STRANGER)):
        opened = files.open_any(str(root / name))
        files.own(opened, 0o2750, owner, owner, what=name)
        os.close(opened)
        found = (root / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (owner, owner, 0o2750)


def test_what_is_made_is_roots_with_the_mode_that_was_asked_for(root: Path) -> None:
    os.umask(0o077)
    path = root / "a" / "b" / "c"
    files.make_directory(str(path), 0o700)
    os.umask(0o022)
    made = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)]
    assert made[0] == 0o700
    files.make_directory(str(path), 0o755)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700, "one that is there stays as it is"
    opened = files.create(str(path / "file"))
    os.close(opened)
    assert stat.S_IMODE((path / "file").stat().st_mode) == 0o600
    files.write(str(path / "other"), b"x" * 3_000_000, 0o4755)
    assert (path / "other").stat().st_size == 3_000_000
    assert stat.S_IMODE((path / "other").stat().st_mode) == 0o4755


ALONE: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "root's": (True, lambda _: None),
    "read by all": (True, lambda path: path.chmod(0o755)),
    "set-id": (True, lambda path: path.chmod(0o4755)),
    "a stranger's": (False, lambda path: os.chown(path, STRANGER, 0)),
    "its group's to write": (False, lambda path: path.chmod(0o775)),
    "everybody's to write": (False, lambda path: path.chmod(0o757)),
    "in a stranger's directory": (False, lambda path: os.chown(path.parent, STRANGER, 0)),
    "in a group's directory": (False, lambda path: path.parent.chmod(0o775)),
    "where everybody makes files": (False, lambda path: path.parent.chmod(0o1777)),
    "below a stranger's directory": (False, lambda path: os.chown(path.parent.parent, STRANGER, 0)),
    "gone": (False, lambda path: path.unlink()),
}


@pytest.mark.parametrize("what", ALONE)
@pytest.mark.parametrize("way", ["itself", "a link", "links", "a link up", "a link on the way"])
def test_what_root_alone_can_change_is_told(what: str, way: str, root: Path) -> None:
    program = root / "opt" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    (root / "links").mkdir()
    (root / "links" / "a link").symlink_to(program)
    (root / "links" / "links").symlink_to("a link")
    (root / "links" / "a link up").symlink_to("../opt/../opt/bin/./python")
    (root / "way").symlink_to("opt/bin")
    path = {"itself": program, "a link on the way": root / "way" / "python"}.get(
        way, root / "links" / way
    )
    expected, change = ALONE[what]
    change(program)
    assert files.is_roots_alone(str(path)) is expected


@pytest.mark.parametrize(
    "change",
    [lambda path: os.chown(path, STRANGER, 0), lambda path: path.chmod(0o777),
     lambda path: path.chmod(0o1777), lambda path: path.chmod(0o770)],
)  # fmt: skip
def test_a_link_that_another_user_could_turn_is_not_roots_alone(
    change: Callable[[Path], object], root: Path
) -> None:
    (root / "links").mkdir()
    (root / "links" / "python").symlink_to("/usr/bin/env")
    assert files.is_roots_alone(str(root / "links" / "python"))
    change(root / "links")
    assert not files.is_roots_alone(str(root / "links" / "python"))


def test_links_in_a_circle_are_nobodys(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    assert not files.is_roots_alone(str(root / "a"))
    assert not files.is_roots_alone(str(root / "nowhere" / "x"))


# Removing


def _deep(top: Path, depth: int, beside: int = 0) -> None:
    """Make directories in each other, deeper than any path can name, with files beside each."""
    top.mkdir()
    held = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        for number in range(beside):
            os.close(os.open(f"f{number}", os.O_CREAT | os.O_WRONLY, dir_fd=held))
        os.mkdir("d", dir_fd=held)
        inner = os.open("d", os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = inner
    os.close(held)


@pytest.mark.parametrize(("depth", "beside"), [(3000, 0), (300, 3), (files.MOST_DEPTH + 2, 1)])
def test_a_tree_is_removed_however_deep_it_is(root: Path, depth: int, beside: int) -> None:
    (root / "kept").mkdir()
    _deep(root / "tree", depth, beside)
    files.remove(str(root / "tree"))
    assert files.names(str(root)) == ["kept"]


def test_a_tree_is_removed_with_all_that_is_in_it_and_nothing_else(
    root: Path, outside: Path
) -> None:
    tree = root / "tree"
    for number in range(30):
        (tree / f"d{number}" / "x" / "y").mkdir(parents=True)
        (tree / f"d{number}" / "x" / "out").symlink_to(outside)
        (tree / f"d{number}" / "up").symlink_to("../..")
        for each in range(100):
            (tree / f"d{number}" / f"{each}").touch()
    (tree / "locked").mkdir(0)
    (tree / "locked" / "in").touch()
    os.mkfifo(tree / "pipe")
    os.link(outside / "file", tree / "second name")
    content = (outside / "file").read_text()
    files.remove(str(tree) + "/")
    assert files.names(str(root)) == ["outside"]
    assert (outside / "file").read_text() == content
    assert files.names(str(outside)) == ["file", "inner"]


def test_what_takes_too_long_is_left_and_said(root: Path) -> None:
    _deep(root / "tree", 200, 5)
    with pytest.raises(TooMuchError, match="cannot remove all of") as caught:
        files.remove(str(root / "tree"), within_s=0)
    assert caught.value.hint == f"remove the rest on the host: rm -rf {root}/tree"
    assert (root / "tree").exists()
    files.remove(str(root / "tree"), within_s=600)
    assert not (root / "tree").exists()


def test_to_remove_nothing_is_no_error(root: Path) -> None:
    (root / "file").touch()
    for path in (root / "nothing", root / "no" / "where", root / "file" / "x"):
        files.remove(str(path))
    assert files.names(str(root)) == ["file"]


# Copying and walking


def test_a_tree_is_copied_as_roots_and_without_what_is_no_file(root: Path, outside: Path) -> None:
    tree = root / "tree"
    (tree / "folder" / "deep").mkdir(parents=True)
    (tree / "folder").chmod(0o2770)
    (tree / "folder" / "program").write_text("x" * 2_500_000)
    (tree / "folder" / "program").chmod(0o6755)
    os.utime(tree / "folder" / "program", ns=(1, 1_700_000_000_123_456_789))
    (tree / "private").write_text("p")
    (tree / "private").chmod(0o600)
    (tree / "empty").touch()
    (tree / "out").symlink_to(outside)
    (tree / "to nowhere").symlink_to("../nowhere")
    os.mkfifo(tree / "pipe")
    os.mknod(tree / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    for path in (tree, *tree.rglob("*")):
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    (tree / "folder" / "program").chmod(0o6755)
    before = listing(tree)
    files.copy_tree(str(tree), str(root / "copies" / "copy"))
    copy = root / "copies" / "copy"
    found = {str(each.relative_to(copy)): each for each in copy.rglob("*")}
    assert sorted(found) == [
        "empty", "folder", "folder/deep", "folder/program", "out", "private", "to nowhere",
    ]  # fmt: skip
    assert {each.lstat().st_uid for each in found.values()} == {0}
    assert (copy / "out").readlink() == outside
    assert stat.S_IMODE((copy / "folder").stat().st_mode) == 0o770
    program = (copy / "folder" / "program").stat()
    assert (stat.S_IMODE(program.st_mode), program.st_mtime_ns) == (
        0o755,
        1_700_000_000_123_456_789,
    )
    assert (copy / "folder" / "program").read_text() == "x" * 2_500_000
    assert stat.S_IMODE((copy / "private").stat().st_mode) == 0o600
    assert listing(tree) == before


def test_nothing_is_copied_over_what_is_there(root: Path) -> None:
    (root / "tree").mkdir()
    (root / "tree" / "file").write_text("new")
    (root / "copy").mkdir()
    (root / "copy" / "file").symlink_to("/etc/hostname")
    with pytest.raises(FileExistsError):
        files.copy_tree(str(root / "tree"), str(root / "copy"))
    assert (root / "copy" / "file").is_symlink()


def test_a_file_of_the_kernel_is_copied_too(root: Path) -> None:
    """Of some file systems the kernel itself cannot copy, and sizes are not told."""
    files.copy_file("/proc/version", str(root / "version"), 0o644)
    assert (root / "version").read_text() == Path("/proc/version").read_text()


@pytest.mark.parametrize("call", ["copy", "links", "regular_files", "give_tree"])
def test_directories_deeper_than_any_app_has_are_refused(root: Path, call: str) -> None:
    _deep(root / "tree", files.MOST_DEPTH + 1)
    calls: dict[str, Callable[[str], object]] = {
        "copy": lambda path: files.copy_tree(path, str(root / "copy")),
        "links": files.links,
        "regular_files": files.regular_files,
        "give_tree": lambda path: files.give_tree(path, STRANGER, STRANGER),
    }
    with pytest.raises(UnsafePathError, match=f"more than {files.MOST_DEPTH} deep"):
        calls[call](str(root / "tree"))
    _deep(root / "less", files.MOST_DEPTH)
    calls["copy"] = lambda path: files.copy_tree(path, str(root / "other copy"))
    calls[call](str(root / "less"))


def test_a_directory_is_visited_before_what_it_holds_and_no_link_is_entered(
    root: Path, outside: Path
) -> None:
    tree = root / "tree"
    (tree / "b" / "c").mkdir(parents=True)
    (tree / "b" / "a").touch()
    (tree / "a").touch()
    (tree / "link").symlink_to(outside)
    seen: list[str] = []
    held: list[bool] = []

    def visit(here: int, entry: files.Entry) -> None:
        parts, found = entry
        seen.append("/".join(parts))
        again = os.stat(parts[-1], dir_fd=here, follow_symlinks=False)
        held.append((again.st_ino, again.st_dev) == (found.st_ino, found.st_dev))

    top = files.open_directory(str(tree))
    files.walk(top, visit, most_depth=5)
    assert seen == ["a", "b", "b/a", "b/c", "link"]
    assert all(held)
    assert stat.S_ISDIR(os.fstat(top).st_mode), "the top stays open: it is the caller's"

    def fail(here: int, entry: files.Entry) -> None:
        if entry[0][-1] == "c":
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError):
        files.walk(top, fail, most_depth=5)
    os.close(top)


def test_a_directory_with_very_many_files_is_walked(root: Path) -> None:
    (root / "tree").mkdir()
    held = os.open(root / "tree", os.O_RDONLY)
    for number in range(5_000):
        os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=held))
    os.close(held)
    assert len(files.regular_files(str(root / "tree"))) == 5_000
    files.remove(str(root / "tree"))
    assert files.names(str(root)) == []


def test_files_and_links_are_listed_by_their_paths(root: Path, outside: Path) -> None:
    tree = root / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "file").touch()
    (tree / "a" / "link").symlink_to("../x")
    (tree / "out").symlink_to(outside)
    os.mkfifo(tree / "pipe")
    assert files.regular_files(str(tree)) == ["a/file"]
    assert files.links(str(tree)) == [("a/link", "../x"), ("out", str(outside))]
    assert files.regular_files(str(root / "nowhere")) == []
    assert files.regular_files(str(tree / "a" / "file" / "x")) == []


def test_a_tree_is_given_with_its_links_and_not_what_they_lead_to(
    root: Path, outside: Path
) -> None:
    tree = root / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder" / "file").touch()
    (tree / "out").symlink_to(outside / "file")
    (tree / "folder" / "up").symlink_to("../..")
    before, about_root = listing(outside), root.stat()
    files.give_tree(str(tree), STRANGER, STRANGER + 1)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in (tree, *tree.rglob("*"))}
    assert owners == {(STRANGER, STRANGER + 1)}
    assert listing(outside) == before
    assert root.stat().st_uid == about_root.st_uid
