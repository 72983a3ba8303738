"""What a build has made of an image becomes root's, and leads nowhere but into itself."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from provisioning.agent.builds import image_takeover
from provisioning.agent.builds.image_accounts import Accounts
from provisioning.agent.builds.image_inside import FIRST_ID
from provisioning.agent.builds.image_takeover import BuiltImage, ImageUser
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.accounts import Account
from provisioning.agent.machine.system import System

USER, GROUP = ImageUser(1000, 1001), 64_300


@pytest.fixture
def source(root: Path) -> Path:
    """An image as buildah leaves it: its root is a user who is nobody outside."""
    path = root / "rootfs"
    for name in ("etc", "usr/bin", "var/lib", "app", "tmp", "dev", "run"):
        (path / name).mkdir(parents=True)
    (path / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/app:/bin/sh")
    (path / "usr" / "bin" / "tool").write_text("#!/bin/sh\n")
    (path / "usr" / "bin" / "tool").chmod(0o755)
    (path / "bin").symlink_to("usr/bin")
    (path / "app" / "main.py").write_text("x = 1\n")
    (path / "app" / "main.py").chmod(0o600)
    (path / "etc" / "shadow").write_text("root:*:1\n")
    (path / "etc" / "shadow").chmod(0o640)
    _give(path, 0, 0)
    _give(path / "app", USER.uid, USER.gid)
    return path


def _give(path: Path, uid: int, gid: int) -> None:
    for each in (path, *path.rglob("*")):
        mode = each.lstat().st_mode
        os.chown(each, FIRST_ID + uid, FIRST_ID + gid, follow_symlinks=False)
        if not stat.S_ISLNK(mode):
            each.chmod(stat.S_IMODE(mode))


def _take_over(source: Path) -> Path:
    target = source.with_name("taken")
    BuiltImage(str(source), "/srv/hello/images/x", USER, GROUP).take_over(str(target))
    return target


def _rights(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def test_what_is_the_users_the_apps_group_may_read_and_nobody_may_write(source: Path) -> None:
    target = _take_over(source)
    assert _rights(target / "app" / "main.py") == (0, GROUP, 0o640)
    assert _rights(target / "app") == (0, GROUP, 0o755)
    assert _rights(target / "etc" / "shadow") == (0, 0, 0o640)
    assert _rights(target / "usr" / "bin" / "tool") == (0, 0, 0o755)
    assert (target / "bin").readlink() == Path("usr/bin")


def test_no_right_of_the_builds_stays(source: Path) -> None:
    (source / "usr" / "bin" / "tool").chmod(0o6777)
    (source / "var" / "lib").chmod(0o1777)
    os.setxattr(source / "usr" / "bin" / "tool", "user.note", b"x")
    target = _take_over(source)
    assert _rights(target / "usr" / "bin" / "tool") == (0, 0, 0o755)
    assert _rights(target / "var" / "lib") == (0, 0, 0o755)
    assert os.listxattr(target / "usr" / "bin" / "tool") == []


def test_devices_pipes_sockets_and_what_lies_below_systemds_own_are_left_out(source: Path) -> None:
    os.mknod(source / "app" / "disk", 0o660 | stat.S_IFBLK, os.makedev(8, 0))
    os.mkfifo(source / "app" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(source / "app")
        listener.bind("socket")
        os.chdir(here)
    for folder in ("tmp", "run", "dev"):
        (source / folder / "file").write_text("x")
    target = _take_over(source)
    assert sorted(each.name for each in (target / "app").iterdir()) == ["main.py"]
    assert [list((target / each).iterdir()) for each in ("tmp", "run", "dev")] == [[], [], []]


@pytest.mark.parametrize("name", ["etc", "var"])
def test_a_link_in_place_of_a_directory_that_root_writes_to_is_refused(
    source: Path, name: str
) -> None:
    outside = source.parent / "outside"
    outside.mkdir()
    (source / name).rename(source / "away")
    (source / name).symlink_to(outside)
    with pytest.raises(AgentError, match=f"its /{name} is not a directory"):
        _take_over(source)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["resolv.conf", "hosts", "passwd"])
def test_a_link_in_place_of_a_file_that_root_writes_leads_nowhere(source: Path, name: str) -> None:
    outside = source.parent / "outside"
    outside.write_text("mine\n")
    (source / "etc" / name).unlink(missing_ok=True)
    (source / "etc" / name).symlink_to(outside)
    target = _take_over(source)
    if name == "passwd":
        # As the resource does, which adds the app's account.
        System().write(str(target / "etc" / name), b"root\n")
    assert outside.read_text() == "mine\n"
    assert not (target / "etc" / name).is_symlink()


def test_links_stay_and_nobody_follows_them(source: Path) -> None:
    (source / "app" / "out").symlink_to("/etc/shadow")
    (source / "app" / "up").symlink_to("../../../../root")
    target = _take_over(source)
    assert (target / "app" / "out").readlink() == Path("/etc/shadow")
    assert (target / "app" / "up").is_symlink()


def test_what_is_more_than_any_image_holds_is_refused(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_takeover, "MOST_ENTRIES", 5)
    with pytest.raises(AgentError, match="more than 5 files"):
        _take_over(source)


def test_what_is_nested_too_deep_is_refused(source: Path) -> None:
    deep = source / "app"
    for _ in range(image_takeover.MOST_DEPTH + 1):
        deep = deep / "d"
        deep.mkdir()
    with pytest.raises(AgentError, match="deep"):
        _take_over(source)


def test_more_than_the_disk_has_is_not_copied(source: Path) -> None:
    with (source / "app" / "huge").open("w") as file:
        file.truncate(1 << 43)
    with pytest.raises(AgentError, match="the disk has room"):
        _take_over(source)


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ("", ImageUser(0, 0)),
        ("app", ImageUser(1000, 1001)),
        ("1000", ImageUser(1000, 1001)),
        ("1000:7", ImageUser(1000, 7)),
        ("77", ImageUser(77, 0)),
    ],
)
def test_the_images_own_files_say_who_its_user_is(source: Path, said: str, user: ImageUser) -> None:
    assert Accounts.of(str(source)).user(said) == user


@pytest.mark.parametrize("said", ["nobody-knows", "70000", "999999999999", "²"])
def test_a_user_that_is_none_is_refused(source: Path, said: str) -> None:
    with pytest.raises(AgentError, match="user"):
        Accounts.of(str(source)).user(said)


def test_accounts_behind_a_link_are_not_read(source: Path) -> None:
    (source / "etc" / "passwd").unlink()
    (source / "etc" / "passwd").symlink_to("/etc/passwd")
    assert Accounts.of(str(source)) == Accounts([], [])


def test_the_apps_account_is_added(source: Path) -> None:
    files = Accounts.of(str(source)).with_app(Account("hello", 994), "app")
    assert files["passwd"].split("\n")[-2] == "hello:x:994:994::/app:/bin/sh"
    assert files["group"] == "hello:x:994:\n"
