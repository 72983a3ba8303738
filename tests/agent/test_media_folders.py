"""Folders that an app writes and the web server reads: nobody else, and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import acl
from provisioning.agent.machine.accounts import Account
from provisioning.resources import MediaFolders
from tests.fakes.system import AppSystem, CheckedAppSystem

APP, WEB, OTHER = 12345, 23456, 34567
CLOSED = {"to open": "", "to close": ""}


class Host(AppSystem):
    """A host with the web server's group."""

    def group(self, name: str) -> Account | None:
        return Account(name, WEB, WEB) if name == "www-data" else super().group(name)


@pytest.fixture
def top(root: Path) -> Path:
    path = Path(AppLayout("hello").shared)
    (path / "media/2026").mkdir(parents=True)
    (path / "media/2026/old.png").write_text("x")
    (path / "private").mkdir()
    for each in (path, *path.rglob("*")):
        each.chmod(0o600 if each.is_file() else 0o750)
        os.chown(each, APP, APP + 1)
    return path


def as_user(user: int, group: int, path: Path, *, write: str = "", umask: int = 0o077) -> bool:
    """Return whether a user can read, or write, a file."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
            os.umask(umask)
            if write:
                path.write_text(write)
            else:
                path.read_text()
            code = 0
        except OSError:
            pass
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def served(host: Host, *folders: str) -> MediaFolders:
    """Have folders served, and return what does so."""
    made = MediaFolders("hello", folders)
    made.apply(host, {})
    assert made.actual(host) == CLOSED
    return made


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be other users")
def test_the_web_server_reads_what_is_there_and_what_comes_and_nobody_else_does(
    top: Path, root: Path
) -> None:
    for each in (root, *root.parents):
        if each.stat().st_uid == os.geteuid():
            each.chmod(each.stat().st_mode | 0o055)
    host = Host(APP, APP + 1)
    before = MediaFolders("hello", ("media",)).actual(host)
    assert before == {"to open": "shared media", "to close": ""}
    served(host, "media")
    new = top / "media/2026/new.png"
    assert as_user(APP, APP + 1, new, write="new")
    (top / "private/secret").write_text("canary")
    for path in (new, top / "media/2026/old.png"):
        assert as_user(WEB + 1, WEB, path)
        assert not as_user(OTHER, OTHER, path)
        assert path.stat().st_mode & 0o007 == 0
    assert not as_user(WEB + 1, WEB, top / "private/secret")
    # Not to write, and not to list the folder of folders.
    assert not as_user(WEB + 1, WEB, new, write="theirs")
    assert stat.S_IMODE(top.stat().st_mode) == 0o750

    # Without the key it is let in no more.
    closed = MediaFolders("hello")
    assert closed.actual(host) == {"to open": "", "to close": "shared"}
    served(host)
    assert not as_user(WEB + 1, WEB, new)


def test_what_is_not_the_apps_own_stays_as_it_is(top: Path, root: Path) -> None:
    outside = root / "outside"
    outside.write_text("root's")
    outside.chmod(0o600)
    (top / "media/link").symlink_to(outside)
    os.link(outside, top / "media/hard")
    os.mkfifo(top / "media/pipe")
    served(Host(APP, APP + 1), "media")
    opened = os.open(outside, os.O_RDONLY)
    try:
        assert acl.permits(opened, acl.ACCESS, WEB) == -1
    finally:
        os.close(opened)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600


def test_a_folder_in_whose_place_the_app_has_put_a_link_is_left_alone(
    top: Path, root: Path
) -> None:
    outside = root / "outside"
    outside.mkdir(mode=0o700)
    (top / "elsewhere").symlink_to(outside)
    served(Host(APP, APP + 1), "elsewhere")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o700
    assert not os.listxattr(outside)


def test_a_folder_that_a_deploy_is_still_to_make_is_not_waited_for(top: Path) -> None:
    for host in (Host(APP, APP + 1), CheckedAppSystem(APP, APP + 1)):
        assert "later" not in MediaFolders("hello", ("later",)).actual(host)["to open"]
