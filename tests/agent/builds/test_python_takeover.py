"""A Python that was downloaded becomes root's: a copy, checked; all else is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.agent.builds.python_takeover import Downloaded
from provisioning.agent.errors import AgentError

BUILDER = 64321
PATH = "/opt/homeport/pythons/3.12-x"
NAME = "cpython-3.12.4-linux-x86_64-gnu"


@pytest.fixture
def source(root: Path) -> Path:
    """What uv leaves in its directory."""
    path = root / "result"
    (path / NAME / "bin").mkdir(parents=True)
    (path / NAME / "bin" / "python3.12").write_text("#!\n")
    (path / NAME / "bin" / "python3.12").chmod(0o775)
    (path / NAME / "bin" / "python3").symlink_to("python3.12")
    (path / "cpython-3.12-linux-x86_64-gnu").symlink_to(f"{PATH}/{NAME}")
    (path / ".lock").write_text("")
    for each in (path, *path.rglob("*")):
        os.chown(each, BUILDER, BUILDER, follow_symlinks=False)
    return path


def _take_over(source: Path, version: str = "3.12") -> Path:
    target = source.with_name("taken")
    Downloaded(str(source), PATH, version).take_over(str(target))
    return target


@pytest.mark.parametrize("version", ["3.12", "3.12.4"])
def test_it_is_copied_and_becomes_roots(source: Path, version: str) -> None:
    target = _take_over(source, version)
    assert sorted(each.name for each in target.iterdir()) == [NAME, "python3.12"]
    assert (target / "python3.12").readlink() == Path(f"{NAME}/bin/python3.12")
    assert {each.lstat().st_uid for each in target.rglob("*")} == {0}
    assert (target / "python3.12").stat().st_mode & 0o7777 == 0o755


def _link(to: str) -> Callable[[Path], object]:
    return lambda source: (source / NAME / "lib").symlink_to(to)


def _set_uid(source: Path) -> None:
    (source / NAME / "bin" / "python3.12").chmod(0o4755)


def _no_program(source: Path) -> None:
    (source / NAME / "bin" / "python3.12").unlink()


def _a_link_as_a_whole(source: Path) -> None:
    (source / NAME).rename(source / "aside")
    (source / NAME).symlink_to("/etc")


@pytest.mark.parametrize(
    ("damage", "told"),
    [(_link("/etc"), "lib is a link to /etc"), (_link("../../.."), "is a link to"),
     (_set_uid, "set-id rights"), (_no_program, "has no program bin/python3.12"),
     (lambda source: (source / "cpython-3.12.5-x").mkdir(), "it is not a Python 3.12")],
)  # fmt: skip
def test_what_no_python_has_is_refused(
    source: Path, damage: Callable[[Path], object], told: str
) -> None:
    damage(source)
    with pytest.raises(AgentError, match=told):
        _take_over(source)


def test_a_link_in_its_place_is_not_followed(source: Path) -> None:
    _a_link_as_a_whole(source)
    with pytest.raises(AgentError, match="is not a directory"):
        _take_over(source)
    assert not source.with_name("taken").exists()


def test_another_version_than_the_one_wanted_is_refused(source: Path) -> None:
    with pytest.raises(AgentError, match=r"it is not a Python 3\.12\.40"):
        _take_over(source, "3.12.40")
