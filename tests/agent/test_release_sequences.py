"""Releases one after the other, of sources that change in every way that sources do."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import struct
import subprocess
import sys
from importlib.machinery import SourcelessFileLoader
from pathlib import Path
from types import CodeType

import pytest

from provisioning.agent.apps.releases import Releases
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.resources import Release
from tests.agent.runs import Host
from tests.agent.samples import PYTHON
from tests.agent.trees import Tree, change

SEQUENCES, RELEASES = 24, 4
TAG = sys.implementation.cache_tag


@pytest.fixture
def layout(root: Path) -> AppLayout:
    layout = AppLayout("root")
    for path in (layout.releases, layout.env, layout.shared, f"{layout.venvs}/v/bin"):
        Path(path).mkdir(parents=True)
    Path(layout.venvs, "v", "bin", "python").symlink_to(PYTHON)
    version = "{}.{}.{}".format(*sys.version_info)
    Path(layout.venvs, "v", "pyvenv.cfg").write_text(f"home = /usr/bin\nversion_info = {version}\n")
    return layout


def _release(layout: AppLayout, number: int, tree: Tree, base: int = 0) -> Release:
    return Release(
        app="root",
        release=_id(number),
        files={} if base else dict(tree.files),
        links={} if base else tree.links,
        executables=() if base else tuple(sorted(tree.executables)),
        base=_id(base) if base else "",
        runtime=f"{layout.venvs}/v",
        python=PYTHON,
        env="{}",
        proposed="{}",
    )


def _id(number: int) -> str:
    return f"20260102T0304{number:02}.000Z-abc1234"


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "surrogateescape")


def found_in(code: Path) -> tuple[Tree, set[str]]:
    """Return what a release consists of, and what Python has compiled of it."""
    tree, compiled = Tree(), set()
    for directory, folders, names in os.walk(code):
        for name in (*folders, *names):
            full = Path(directory, name)
            path = str(full.relative_to(code))
            if full.is_symlink():
                tree.links[path] = str(full.readlink())
            elif full.is_file() and full.parent.name == "__pycache__":
                compiled.add(path)
            elif full.is_file():
                tree.files[path] = text_of(full)
                if full.stat().st_mode & 0o100:
                    tree.executables.add(path)
    return tree, compiled


def must_be_valid(code: Path, path: str) -> None:
    """Fail unless Python itself would load what was compiled of a source."""
    source, cached = code / path, code / cached_of(path)
    about, data = source.stat(), cached.read_bytes()
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert struct.unpack("<LLL", data[4:16]) == (0, int(about.st_mtime), about.st_size)
    loaded = SourcelessFileLoader("it", str(cached)).get_code("it")
    expected = compile(source.read_text(), str(source), "exec", dont_inherit=True)
    assert loaded is not None
    assert (loaded.co_code, loaded.co_names) == (expected.co_code, expected.co_names)
    assert [each for each in loaded.co_consts if not isinstance(each, CodeType)] == [
        each for each in expected.co_consts if not isinstance(each, CodeType)
    ]


def cached_of(path: str) -> str:
    return importlib.util.cache_from_source(path)


def _can_be_compiled(path: str, content: str) -> bool:
    try:
        compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return path.endswith(".py")


def _must_be_as_deployed(code: Path, tree: Tree) -> None:
    found, compiled = found_in(code)
    assert found.files == tree.files
    assert found.links == tree.links
    assert found.executables == tree.executables
    sources = [path for path, content in tree.files.items() if _can_be_compiled(path, content)]
    assert compiled == set(map(cached_of, sources))
    for path in sources:
        must_be_valid(code, path)


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_each_release_is_what_was_deployed_whatever_came_before(
    layout: AppLayout, host: Host, seed: int
) -> None:
    dice = random.Random(seed)
    tree = Tree({"app.py": "x = 1\n", "pkg/__init__.py": "", "pkg/models.py": ""})
    for number in range(1, RELEASES + 1):
        outcome = host.run([_release(layout, number, tree)])
        assert not outcome.done.failed, (outcome.failure, tree)
        _must_be_as_deployed(Path(layout.code(_id(number))), tree)
        if dice.random() < 0.3:
            # Somebody edits a release, damages what was compiled, or takes one away.
            _disturb(dice, Path(layout.code(_id(dice.randint(1, number)))))
        tree = change(dice, tree)
    number = RELEASES + 1
    last = tree = change(dice, tree)
    host.run([_release(layout, number, last)])
    outcome = host.run([_release(layout, number + 1, last, base=number)])
    assert not outcome.done.failed, (outcome.failure, tree)
    _must_be_as_deployed(Path(layout.code(_id(number + 1))), last)


def _disturb(dice: random.Random, code: Path) -> None:
    files = [each for each in sorted(code.rglob("*")) if each.is_file() and not each.is_symlink()]
    if not files or dice.random() < 0.2:
        shutil.rmtree(code.parent, ignore_errors=True)
        return
    file = dice.choice(files)
    how = dice.randrange(3)
    if how == 0:
        file.unlink()
    elif file.parent.name == "__pycache__":
        file.write_bytes(file.read_bytes()[:8])
    else:
        # Another file of the name: a release shares its files with others.
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content + b"# edited\n")


def test_what_was_compiled_is_shared_with_the_file_that_it_is_of(
    layout: AppLayout, host: Host
) -> None:
    tree = Tree(
        {"pkg/__init__.py": "", "pkg/models.py": "", "a.py": "a = 1\n", "b/a.py": "a = 1\n"}
    )
    for number in (1, 2):
        assert not host.run([_release(layout, number, tree)]).done.failed
    first, second = (Path(layout.code(_id(number))) for number in (1, 2))
    for path in tree.files:
        one, two = first / path, second / path
        assert one.samefile(two)
        cached = Path(importlib.util.cache_from_source(str(one))).relative_to(first)
        assert (first / cached).samefile(second / cached)
    assert not (second / f"pkg/__pycache__/__init__.{TAG}.pyc").samefile(
        second / f"pkg/__pycache__/models.{TAG}.pyc"
    )


def test_what_another_python_has_compiled_is_not_shared(layout: AppLayout, host: Host) -> None:
    tree = Tree({"a.py": "a = 1\n"})
    assert not host.run([_release(layout, 1, tree)]).done.failed
    cached = Path(layout.code(_id(1)), "__pycache__")
    shutil.copy(cached / f"a.{TAG}.pyc", cached / "a.cpython-39.pyc")
    assert not host.run([_release(layout, 2, tree)]).done.failed
    there = [each.name for each in Path(layout.code(_id(2)), "__pycache__").iterdir()]
    assert there == [f"a.{TAG}.pyc"]


def test_what_an_earlier_homeport_deployed_of_pythons_is_left_out_of_a_restart(
    layout: AppLayout, host: Host
) -> None:
    """Git may track what Python has compiled; on the host Python has written it anew."""
    tracked = f"__pycache__/a.{TAG}.pyc"
    tree = Tree({"a.py": "a = 1\n", tracked: "stale", "b/__pycache__/note.txt": "x"})
    assert not host.run([_release(layout, 1, tree)]).done.failed
    outcome = host.run([_release(layout, 2, tree, base=1)])
    assert not outcome.done.failed, outcome.failure
    code = Path(layout.code(_id(2)))
    must_be_valid(code, "a.py")
    assert not (code / "b").exists()
    assert [*Releases("root", System()).manifest(_id(2))["files"]] == ["a.py"]


def test_links_are_not_compiled_wherever_they_lead(
    layout: AppLayout, host: Host, root: Path
) -> None:
    """Root could read more than the app: what it compiles, the app can read."""
    secret = root / "secret.py"
    secret.write_text("KEY = 'only root knows'\n")
    secret.chmod(0o600)
    tree = Tree({"a.py": ""}, {"peek.py": str(secret), "b.py": "a.py", "pkg": str(root)})
    assert not host.run([_release(layout, 1, tree)]).done.failed
    grep = subprocess.run(["grep", "-rlF", "only root knows", layout.code(_id(1))], check=False)
    assert grep.returncode == 1
    assert not (root / "__pycache__").exists()


@pytest.mark.parametrize("base", [0, 1])
def test_no_shared_folder_is_made_behind_a_link(
    layout: AppLayout, host: Host, root: Path, base: int
) -> None:
    mine = root / "home" / "up"
    mine.mkdir(parents=True)
    (mine / "mine.txt").write_text("x")
    tree = Tree({"a.py": ""}, {"var": str(root / "home")})
    assert not host.run([_release(layout, 1, tree)]).done.failed
    release = _release(layout, 2, tree, base=base)
    object.__setattr__(release, "shared", ("var/up",))
    outcome = host.run([release])
    assert "var is a link to" in outcome.failure.message
    assert outcome.failure.refused
    assert (mine / "mine.txt").exists()
    assert not Path(layout.release(_id(2))).exists()


def test_a_folder_within_what_was_shared_before_is_refused_in_a_restart(
    layout: AppLayout, host: Host
) -> None:
    tree = Tree({"a.py": ""})
    first = _release(layout, 1, tree)
    object.__setattr__(first, "shared", ("up",))
    assert not host.run([first]).done.failed
    Path(layout.shared, "up", "avatars").mkdir()
    Path(layout.shared, "up", "avatars", "a.png").write_text("x")
    second = _release(layout, 2, tree, base=1)
    object.__setattr__(second, "shared", ("up/avatars",))
    assert "up is a link to" in host.run([second]).failure.message
    assert Path(layout.shared, "up", "avatars", "a.png").exists()
