"""What a build has made becomes root's: a copy, checked; all else is refused."""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.agent.builds import takeover
from provisioning.agent.builds.takeover import Built
from provisioning.agent.errors import AgentError
from tests.agent.runs import listing
from tests.agent.samples import PYTHON

BUILDER = 64321
"""A user of the moment, whose all of a build is."""

SITE = f"lib/python3.{sys.version_info[1]}/site-packages"
PATH = "/srv/hello/venvs/0123456789abcdef"


@pytest.fixture
def source(root: Path) -> Path:
    """An environment as uv leaves it."""
    path = root / "built"
    (path / "bin").mkdir(parents=True)
    (path / SITE / "six-1.17.0.dist-info").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(PYTHON)
    (path / "bin" / "python3").symlink_to("python")
    (path / "bin" / "gunicorn").write_text(f"#!{PATH}/bin/python\n")
    (path / "bin" / "gunicorn").chmod(0o755)
    (path / "lib64").symlink_to("lib")
    (path / SITE / "six.py").write_text("x = 1\n")
    (path / "pyvenv.cfg").write_text(
        f"home = {Path(PYTHON).parent}\nimplementation = CPython\nuv = 0.13.9\n"
        "version_info = 3.11.2\ninclude-system-site-packages = false\n"
    )
    for each in (path, *path.rglob("*")):
        os.chown(each, BUILDER, BUILDER, follow_symlinks=False)
    return path


def _take_over(source: Path) -> Path:
    target = source.with_name("taken")
    Built(str(source), PATH, PYTHON).take_over(str(target))
    return target


def test_what_was_built_is_copied_whole_and_becomes_roots(source: Path) -> None:
    os.utime(source / SITE / "six.py", ns=(1, 1_700_000_000_987_654_321))
    before = listing(source)
    target = _take_over(source)

    def paths(top: Path) -> list[str]:
        return sorted(str(path.relative_to(top)) for path in top.rglob("*"))

    assert paths(target) == paths(source)
    assert listing(source) == before
    assert {path.lstat().st_uid for path in (target, *target.rglob("*"))} == {0}
    assert {path.lstat().st_gid for path in (target, *target.rglob("*"))} == {0}
    assert (target / "bin" / "python").readlink() == Path(PYTHON)
    # What was compiled of it stays valid.
    assert (target / SITE / "six.py").stat().st_mtime_ns == 1_700_000_000_987_654_321


@pytest.mark.parametrize(
    ("mode", "copied"),
    [(0o666, 0o644), (0o600, 0o644), (0o777, 0o755), (0o700, 0o755), (0o1644, 0o644), (0, 0o644),
     (0o010, 0o755)],
)  # fmt: skip
def test_modes_are_those_of_every_environment(source: Path, mode: int, copied: int) -> None:
    (source / SITE / "six.py").chmod(mode)
    (source / SITE).chmod(0o2777 & ~0o2000 | (0o1000 if mode & 0o1000 else 0))
    target = _take_over(source)
    assert stat.S_IMODE((target / SITE / "six.py").stat().st_mode) == copied
    folders = {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_dir()}
    assert folders == {0o755}


def test_rights_beside_the_mode_stay_behind(source: Path) -> None:
    """Source: acl(5) and linux/posix_acl_xattr.h; capabilities(7) and linux/capability.h."""
    entries = [(0x01, 7, 0xFFFFFFFF), (0x02, 7, BUILDER), (0x04, 5, 0xFFFFFFFF),
               (0x10, 7, 0xFFFFFFFF), (0x20, 5, 0xFFFFFFFF)]  # fmt: skip
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)
    capable = struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0)
    program, folder = source / "bin" / "gunicorn", source / SITE
    os.setxattr(program, "security.capability", capable)
    os.setxattr(program, "system.posix_acl_access", acl)
    os.setxattr(program, "user.note", b"x")
    os.setxattr(folder, "system.posix_acl_access", acl)
    os.setxattr(folder, "system.posix_acl_default", acl)
    target = _take_over(source)
    found = {name for path in (target, *target.rglob("*")) if not path.is_symlink()
             for name in os.listxattr(path)}  # fmt: skip
    assert not {name for name in found if not name.startswith("security.selinux")}


def test_who_has_kept_another_name_or_an_open_file_changes_nothing(source: Path) -> None:
    kept = source.with_name("kept")
    os.link(source / SITE / "six.py", kept)
    with (source / "bin" / "gunicorn").open("a") as held:
        target = _take_over(source)
        kept.write_text("evil\n")
        held.write("evil\n")
        held.flush()
    assert (target / SITE / "six.py").read_text() == "x = 1\n"
    assert "evil" not in (target / "bin" / "gunicorn").read_text()
    assert {path.lstat().st_nlink for path in target.rglob("*") if path.is_file()} == {1}


@pytest.mark.parametrize("make", ["file", "folder", "link", "pipe"])
def test_a_build_cannot_say_itself_that_it_is_whole(source: Path, make: str) -> None:
    ready = source / ".ready"
    {
        "file": lambda: ready.write_text("0123"),
        "folder": lambda: (ready / "in" / "it").mkdir(parents=True),
        "link": lambda: ready.symlink_to("/etc/hostname"),
        "pipe": lambda: os.mkfifo(ready),
    }[make]()
    target = _take_over(source)
    assert not os.path.lexists(target / ".ready")
    assert (target / SITE / "six.py").exists()


def test_links_within_it_stay_links(source: Path) -> None:
    (source / SITE / "up").symlink_to("../../../bin/gunicorn")
    (source / SITE / "absolute").symlink_to(f"{PATH}/bin/gunicorn")
    (source / SITE / "top").symlink_to("../../..")
    (source / SITE / "nowhere").symlink_to("nothing/here")
    target = _take_over(source)
    assert (target / SITE / "up").readlink() == Path("../../../bin/gunicorn")
    assert (target / SITE / "absolute").readlink() == Path(PATH, "bin/gunicorn")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _deep(path: Path) -> None:
    path.joinpath(*["d"] * (takeover.MOST_DEPTH + 1)).mkdir(parents=True)


def _python(make: Callable[[Path], object], name: str = "python") -> Callable[[Path], object]:
    def damage(source: Path) -> None:
        (source / "bin" / name).unlink()
        make(source / "bin" / name)

    return damage


def _settings(change: Callable[[str], str]) -> Callable[[Path], object]:
    def damage(source: Path) -> None:
        path = source / "pyvenv.cfg"
        path.write_bytes(change(path.read_text()).encode("utf-8", "surrogateescape"))

    return damage


def _settings_as(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def damage(source: Path) -> None:
        (source / "pyvenv.cfg").unlink()
        make(source / "pyvenv.cfg")

    return damage


def _bin_elsewhere(source: Path) -> None:
    (source / "bin").rename(source / "programs")
    (source / "programs" / "python").unlink()
    (source / "programs" / "python").write_text("#!/bin/sh\n")
    (source / "bin").symlink_to("programs")


def _up_through_a_link(source: Path) -> None:
    """By its words it stays inside; the kernel goes up from where the link leads."""
    (source / "a" / "b" / "c" / "d" / "e" / "f").mkdir(parents=True)
    (source / "a" / "b" / "c" / "d" / "e" / "f" / "top").symlink_to("../../../../../..")
    (source / SITE / "out").symlink_to("../../../a/b/c/d/e/f/top/../../../../../../etc/hostname")


OTHER_PYTHON = "its pyvenv.cfg names another Python"
TAMPERED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a link out": (
        "is a link to /etc/shadow",
        lambda s: (s / SITE / "x").symlink_to("/etc/shadow"),
    ),
    "a link up and out": (
        "is a link to ../../../../x",
        lambda s: (s / SITE / "x").symlink_to("../../../../x"),
    ),
    "a link just above": ("is a link to ..", lambda s: (s / "x").symlink_to("..")),
    "a link out by an absolute path": (
        "is a link to",
        lambda s: (s / "x").symlink_to(f"{PATH}/../../../etc/passwd"),
    ),
    "a link to another environment": ("is a link to", lambda s: (s / "x").symlink_to(PATH + "0")),
    "a link up through a link": ("is a link to", _up_through_a_link),
    "a link to Python that is no program": (
        "is a link to",
        lambda s: (s / SITE / "python").symlink_to(PYTHON),
    ),
    "a folder that is a link out": ("is a link to", lambda s: (s / "etc").symlink_to("/etc")),
    "set-user-id": ("set-id rights", lambda s: (s / SITE / "six.py").chmod(0o4755)),
    "set-group-id": ("set-id rights", lambda s: (s / SITE / "six.py").chmod(0o2644)),
    "a pipe": ("neither a file nor a directory", lambda s: os.mkfifo(s / "x")),
    "a socket": ("neither a file nor a directory", lambda s: _socket(s / "x")),
    "a device": (
        "neither a file nor a directory",
        lambda s: os.mknod(s / "x", stat.S_IFCHR | 0o666, os.makedev(1, 3)),
    ),
    "a disk": (
        "neither a file nor a directory",
        lambda s: os.mknod(s / "x", stat.S_IFBLK | 0o666, os.makedev(7, 250)),
    ),
    "too deep": (f"more than {takeover.MOST_DEPTH} deep", _deep),
    "no settings": ("it has no pyvenv.cfg", _settings_as(lambda path: None)),
    "settings by a link": (
        "it has no pyvenv.cfg",
        _settings_as(lambda path: path.symlink_to("/etc/hostname")),
    ),
    "settings from a pipe": ("pyvenv.cfg", _settings_as(os.mkfifo)),
    "settings that are a folder": ("pyvenv.cfg", _settings_as(lambda path: path.mkdir())),
    "settings without a home": (OTHER_PYTHON, _settings(lambda text: text.replace("home", "hime"))),
    "another home": (OTHER_PYTHON, _settings(lambda text: text.replace("home = ", "home = /x"))),
    "a second home": (OTHER_PYTHON, _settings(lambda text: text + "home = /srv/evil\n")),
    "a second home before": (OTHER_PYTHON, _settings(lambda text: "HOME=/srv/evil\n" + text)),
    "a second home in other letters": (OTHER_PYTHON, _settings(lambda text: text + " Home\t= /x")),
    "a second home after very much": (
        "pyvenv.cfg",
        _settings(lambda text: text + "x = y\n" * 20_000 + "home = /srv/evil\n"),
    ),
    "a home that ends differently for Python": (
        "pyvenv.cfg",
        _settings(lambda text: text.replace("\n", "\x0b/../../srv/evil\n", 1)),
    ),
    "a home that ends by a carriage return": (
        "pyvenv.cfg",
        _settings(lambda text: text.replace("\n", "\rhome = /srv/evil\n", 1)),
    ),
    "settings that are no text": ("pyvenv.cfg", _settings(lambda text: text + "x = \udcff\n")),
    "the host's own packages": (
        "admits the host's system packages",
        _settings(lambda text: text.replace("false", "true")),
    ),
    "the host's own packages, the second time": (
        "admits the host's system packages",
        _settings(lambda text: text + "include-system-site-packages = TRUE\n"),
    ),
    "another program for Python": (
        "its bin/python is not",
        _python(lambda path: path.write_text("#!/bin/sh\n")),
    ),
    "a copy of Python": (
        "its bin/python is not",
        _python(lambda path: os.link(PYTHON, path))
        if Path(PYTHON).stat().st_dev == Path("/var/lib").stat().st_dev
        else _python(lambda path: path.write_bytes(Path(PYTHON).read_bytes())),
    ),
    "a link to another program for Python": (
        "its bin/python is not",
        _python(lambda path: path.symlink_to("gunicorn")),
    ),
    "another Python": (
        "is a link to /usr/bin/env",
        _python(lambda path: path.symlink_to("/usr/bin/env")),
    ),
    "no Python": ("its bin/python is not", _python(lambda path: None)),
    "another python3": (
        "its bin/python3 is not",
        _python(lambda path: path.symlink_to("gunicorn"), "python3"),
    ),
    "programs that are elsewhere": ("its bin/python is not", _bin_elsewhere),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", TAMPERED)
def test_what_has_no_business_there_is_refused_and_said(source: Path, what: str) -> None:
    message, tamper = TAMPERED[what]
    tamper(source)
    before = listing(Path("/etc/ssl"))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(AgentError) as caught:
        _take_over(source)
    assert message in caught.value.message
    assert caught.value.message.startswith(f"the virtualenv {PATH} was refused: ")
    assert caught.value.refused
    assert "a package tampered with it" in str(caught.value.hint)
    assert listing(Path("/etc/ssl")) == before
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_more_files_than_any_environment_has_are_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "MOST_ENTRIES", 20)
    for number in range(20):
        (source / SITE / f"{number}.py").touch()
    with pytest.raises(AgentError, match="holds more than 20 files"):
        _take_over(source)
    assert not source.with_name("taken").exists()


def test_nothing_is_copied_that_would_fill_the_disk(source: Path) -> None:
    # Far more than any disk has, in a file without content.
    with (source / SITE / "large").open("wb") as file:
        file.truncate(1 << 43)
    with pytest.raises(AgentError, match=r"it holds 8388608 MB, and the disk has room for \d+ MB"):
        _take_over(source)
    assert not source.with_name("taken").exists()


def test_a_message_is_short_however_long_the_names_are(source: Path) -> None:
    (source / SITE / ("n" * 200)).symlink_to("/" + "x/" * 1000)
    with pytest.raises(AgentError) as caught:
        _take_over(source)
    assert len(caught.value.message) < 700
