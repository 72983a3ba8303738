"""Packages of the app's own source: which lines name them, and what travels."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deploy.requirements import read_requirements
from provisioning.deploy.requirements.local import LocalPackages
from provisioning.errors import ConfigurationError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    for name in ("lib/pyproject.toml", "wheels/a-1-py3-none-any.whl", "wheels/b-1.tar.gz",
                 "requirements/wheels/c-1-py3-none-any.whl", "wheels/notes.txt",
                 "app.py"):  # fmt: skip
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def _local(source: Path, line: str) -> LocalPackages:
    (source / "requirements").mkdir(exist_ok=True)
    (source / "requirements.txt").write_text("-r requirements/base.txt\n")
    (source / "requirements" / "base.txt").write_text(f"flask\n\n{line}\ngunicorn\n")
    return read_requirements(source, "requirements.txt").local


@pytest.mark.parametrize(
    "line",
    ["./lib", "lib/", "  ./lib/", "-e lib", "-elib", "--editable=./lib", "--editable lib",
     "./lib[extra]", "-e ./lib[extra] # why", "./lib ; python_version > '3'", "./x/../lib",
     "lib @ ./lib", "lib @ file:lib", "lib[extra]@file:./lib", "file:lib"],
)  # fmt: skip
def test_a_folder_of_the_source_is_a_package_of_it(source: Path, line: str) -> None:
    assert _local(source, line) == LocalPackages(("lib",), {})


@pytest.mark.parametrize("line", [".", "-e .", "-e.", ".[extra]", "hello @ ."])
def test_the_source_itself_may_be_the_package(source: Path, line: str) -> None:
    found = _local(source, line)
    assert found.folders == (".",)
    assert found.holds("app.py")
    assert found.holds("deep/er.py")


def test_a_package_holds_what_is_in_its_folder_and_no_other() -> None:
    packages = LocalPackages(("lib", "deep/lib"))
    assert packages.holds("lib/a.py")
    assert packages.holds("deep/lib/b/c.py")
    assert not packages.holds("lib2/a.py")
    assert not packages.holds("app.py")


@pytest.mark.parametrize(
    "line",
    ["wheels/a-1-py3-none-any.whl", "./wheels/a-1-py3-none-any.whl --hash=sha256:12",
     "a @ file:wheels/a-1-py3-none-any.whl",
     "./wheels/a-1-py3-none-any.whl ; python_version > '3'"],
)  # fmt: skip
def test_a_wheel_of_the_source_travels(source: Path, line: str) -> None:
    expected = {"wheels/a-1-py3-none-any.whl": b"wheels/a-1-py3-none-any.whl"}
    assert _local(source, line) == LocalPackages((), expected)


@pytest.mark.parametrize("line", ["-f wheels", "--find-links ./wheels", "--find-links=file:wheels"])
def test_a_folder_of_archives_is_relative_to_the_file_that_names_it(
    source: Path, line: str
) -> None:
    """Packages are not: so uv reads them."""
    assert list(_local(source, line).archives) == ["requirements/wheels/c-1-py3-none-any.whl"]
    (source / "requirements.txt").write_text(f"{line}\n")
    found = read_requirements(source, "requirements.txt").local
    assert list(found.archives) == ["wheels/a-1-py3-none-any.whl", "wheels/b-1.tar.gz"]


@pytest.mark.parametrize(
    "line",
    ["flask[async]>=3 ; sys_platform == 'linux'", "lib @ https://example.com/lib-1.0.tar.gz",
     "https://example.com/lib-1.0.tar.gz", "git+ssh://git@example.com/lib.git@v1",
     "lib@git+https://example.com/lib.git", "-f https://example.com/wheels", "lib",
     "--index-url https://example.com/simple", "flask==3.1.3 --hash=sha256:ab/cd"],
)  # fmt: skip
def test_what_comes_from_elsewhere_is_none(source: Path, line: str) -> None:
    assert _local(source, line) == LocalPackages()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-e ../lib", "outside of the app's source"),
        ("..", "outside of the app's source"),
        ("./lib/../../lib", "outside of the app's source"),
        ("/home/ann/lib", "an absolute path of this machine"),
        ("lib @ file:///home/ann/lib", "an absolute path of this machine"),
        ("file://localhost/home/ann/a-1.whl", "an absolute path of this machine"),
        ("--find-links /opt/wheels", "an absolute path of this machine"),
        ("-f ../../wheels", "outside of the app's source"),
        ("./nothing", "there is no such folder"),
        ("nothing-1.0.tar.gz --hash=sha256:0123", "there is no such file"),
        ("-f nowhere", "there is no such folder"),
    ],
)
def test_what_a_host_cannot_have_is_refused_with_its_line(
    source: Path, line: str, why: str
) -> None:
    with pytest.raises(ConfigurationError, match="name by a path") as caught:
        _local(source, line)
    assert caught.value.output == f"requirements/base.txt, line 3: {line} ({why})"
    assert "`source`" in caught.value.hint


def test_what_a_pylock_names_by_a_path_travels(source: Path) -> None:
    (source / "pylock.toml").write_text(
        '[[packages]]\nname = "a"\nwheels = [{ url = "https://example.com/a.whl", path = "a" }]\n'
        '[[packages]]\nname = "lib"\ndirectory = { path = "lib", editable = true }\n'
        '[[packages]]\nname = "b"\nsdist = { path = "./wheels/b-1.tar.gz" }\n'
    )
    found = read_requirements(source, "pylock.toml").local
    assert (found.folders, list(found.archives)) == (("lib",), ["wheels/b-1.tar.gz"])


def test_what_a_pylock_names_outside_of_the_source_is_refused(source: Path) -> None:
    (source / "pylock.toml").write_text(
        '[[packages]]\nname = "d"\nwheels = [{ path = "../d.whl" }]\n'
        '[[packages]]\nname = "e"\nwheels = [{ url = "file:///mirror/e.whl" }]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_requirements(source, "pylock.toml")
    assert caught.value.output == (
        "pylock.toml: d: ../d.whl (outside of the app's source)\n"
        "pylock.toml: e: file:///mirror/e.whl (an absolute path of this machine)"
    )


HASHED = "flask==3.1.0 --hash=sha256:12\n"


@pytest.mark.parametrize(
    ("lines", "requires", "lists_everything"),
    [
        (HASHED, True, False),
        # As `uv export` writes it: uv would refuse the folder, which can have no hash.
        (f"-e .\n{HASHED}", False, True),
        (f"./wheels/b-1.tar.gz\n{HASHED}", False, True),
        (f"./wheels/b-1.tar.gz --hash=sha256:34\n{HASHED}", True, False),
        (f"--find-links wheels\n{HASHED}", True, False),
        ("-e .\nflask\n", False, False),
    ],
)
def test_beside_hashes_a_package_of_the_source_brings_nothing_unseen(
    source: Path, lines: str, requires: bool, lists_everything: bool
) -> None:
    (source / "requirements.txt").write_text(lines)
    found = read_requirements(source, "requirements.txt")
    assert (found.require_hashes, found.lists_everything) == (requires, lists_everything)


def test_beside_a_package_of_the_source_each_requirement_has_a_hash_or_none(source: Path) -> None:
    (source / "requirements.txt").write_text(f"-e .\nclick==8\n{HASHED}")
    with pytest.raises(ConfigurationError, match="has hashes, but none of click") as caught:
        read_requirements(source, "requirements.txt")
    assert "uv export" in caught.value.hint
