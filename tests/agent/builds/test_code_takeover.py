"""What a build leaves of a release's code: root takes what belongs there, and nothing else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from provisioning.agent.builds.code_takeover import BuiltCode, take_over_code
from provisioning.agent.errors import AgentError

FINAL, VENV = "/srv/shop/releases/x/code", "/srv/shop/venvs/y"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Trees:
    """The code before a build, and what the build has made of its copy."""

    def __init__(self, root: Path) -> None:
        self.old, self.result, self.new = root / "old", root / "result", root / "new"
        self.known: dict[str, str] = {}
        self.old.mkdir()
        self.result.mkdir()
        for path, text in {"app.py": "app = 1", "gone.txt": "x", "pkg/style.css": "a{}"}.items():
            for top in (self.old, self.result):
                (top / path).parent.mkdir(exist_ok=True)
                (top / path).write_text(text)
                (top / path).chmod(0o644)
            self.known[path] = _digest(text)

    def take_over(self) -> BuiltCode:
        return take_over_code(
            str(self.result), str(self.old), str(self.new), self.known, (FINAL, VENV)
        )


@pytest.fixture
def trees(root: Path) -> Trees:
    return Trees(root)


def test_new_changed_and_deleted_files_make_the_code(trees: Trees) -> None:
    (trees.result / "gone.txt").unlink()
    (trees.result / "pkg" / "style.css").write_text("b{}")
    (trees.result / "static" / "deep").mkdir(parents=True)
    (trees.result / "static" / "deep" / "new.js").write_text("new")
    (trees.result / "run.sh").write_text("x")
    (trees.result / "run.sh").chmod(0o755)
    built = trees.take_over()
    assert built.files == {
        "app.py": _digest("app = 1"),
        "pkg/style.css": _digest("b{}"),
        "static/deep/new.js": _digest("new"),
        "run.sh": _digest("x"),
    }
    there = {
        str(path.relative_to(trees.new)): (path.read_text(), path.stat().st_mode & 0o7777)
        for path in trees.new.rglob("*")
        if path.is_file()
    }
    assert there == {
        "app.py": ("app = 1", 0o644),
        "pkg/style.css": ("b{}", 0o644),
        "static/deep/new.js": ("new", 0o644),
        "run.sh": ("x", 0o755),
    }


def test_what_the_build_left_alone_is_the_same_file(trees: Trees) -> None:
    trees.take_over()
    assert (trees.new / "app.py").samefile(trees.old / "app.py")
    # Its content is the same, but not what it may do.
    trees.new = trees.new.with_name("again")
    (trees.result / "app.py").chmod(0o755)
    trees.take_over()
    assert not (trees.new / "app.py").samefile(trees.old / "app.py")
    assert (trees.old / "app.py").stat().st_mode & 0o7777 == 0o644


def test_nothing_is_shared_with_the_build(trees: Trees) -> None:
    (trees.result / "new").write_text("before")
    os.link(trees.result / "new", trees.result.parent / "held")
    trees.take_over()
    (trees.result.parent / "held").write_text("after")
    assert (trees.new / "new").read_text() == "before"
    assert (trees.new / "new").stat().st_uid == 0


def test_links_within_the_code_and_to_its_virtualenv_are_made_later(trees: Trees) -> None:
    links = {
        "a": "app.py",
        "pkg/b": "../app.py",
        "c": f"{FINAL}/app.py",
        "d": f"{VENV}/lib/x",
    }
    for path, target in links.items():
        (trees.result / path).symlink_to(target)
    assert trees.take_over().links == links
    assert not [path for path in trees.new.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "../x", "pkg/../../x", f"{FINAL}/../../x", "/srv/other/code/x", FINAL, "/"],
)
def test_links_that_lead_out_are_refused_by_name(trees: Trees, target: str) -> None:
    (trees.result / "out").symlink_to(target)
    with pytest.raises(AgentError, match="refused: out is a link to"):
        trees.take_over()


def test_what_is_no_file_and_what_has_rights_is_refused(trees: Trees) -> None:
    os.mkfifo(trees.result / "pipe")
    with pytest.raises(AgentError, match="pipe is neither a file nor a directory"):
        trees.take_over()
    (trees.result / "pipe").unlink()
    (trees.result / "root").write_text("x")
    (trees.result / "root").chmod(0o4755)
    trees.new = trees.new.with_name("again")
    with pytest.raises(AgentError, match="root is a program with set-id rights"):
        trees.take_over()


def test_directories_of_tools_stay_behind_and_are_named(trees: Trees) -> None:
    for path in ("node_modules/x/node_modules/y", "ui/node_modules", "pkg/__pycache__"):
        (trees.result / path).mkdir(parents=True)
        (trees.result / path / "file").write_text("x")
    (trees.result / "node_modules" / "out").symlink_to("/etc/passwd")
    built = trees.take_over()
    assert built.left_behind == ["node_modules", "ui/node_modules"]
    assert sorted(built.files) == ["app.py", "gone.txt", "pkg/style.css"]
    assert not (trees.new / "node_modules").exists()
