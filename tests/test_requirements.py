"""Which requirements travel with a release, and which cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.requirements import read_requirements


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    path.mkdir()
    return path


def test_requirements_bring_what_they_include(source: Path) -> None:
    contents = {
        "requirements.txt": "-r requirements/base.txt\nflask  # -r no.txt\n# -r comment.txt\n",
        "requirements/base.txt": "  --requirement=more.in\n-c ../constraints.txt\n-rglued.txt\n",
        "requirements/more.in": "--constraint\tdeep/c.txt\n",
        "requirements/deep/c.txt": "x==1\n",
        "requirements/glued.txt": "-r base.txt  # around in a circle\n",
        "constraints.txt": "y==2\n",
    }
    for name, text in contents.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    found = read_requirements(source, "requirements.txt")
    assert {name: each.decode() for name, each in found.items()} == contents


def test_a_url_among_the_requirements_is_the_hosts_business(source: Path) -> None:
    (source / "requirements.txt").write_text("-c https://example.com/constraints.txt\nflask\n")
    assert list(read_requirements(source, "requirements.txt")) == ["requirements.txt"]


@pytest.mark.parametrize("missing", ["requirements.txt", "base.txt"])
def test_requirements_that_are_not_there_are_named(source: Path, missing: str) -> None:
    (source / "requirements.txt").write_text("-r base.txt\n")
    (source / "base.txt").write_text("flask\n")
    (source / missing).unlink()
    with pytest.raises(ConfigurationError, match=f"hello/{missing}: No such file") as caught:
        read_requirements(source, "requirements.txt")
    assert "pip freeze" in caught.value.hint


@pytest.mark.parametrize("outside", ["../base.txt", "/etc/hostname", "a/../../base.txt"])
def test_requirements_outside_of_the_source_are_refused(source: Path, outside: str) -> None:
    """On the host they would be written outside of the virtualenv."""
    (source.parent / "base.txt").write_text("flask\n")
    (source / "requirements.txt").write_text(f"-r {outside}\n")
    with pytest.raises(ConfigurationError, match="they lie outside of"):
        read_requirements(source, "requirements.txt")


def test_a_uv_lock_brings_its_project(source: Path) -> None:
    (source / "back").mkdir()
    (source / "back" / "uv.lock").write_text('name = "gunicorn"\nsdist = { hash = "sha256:1" }\n')
    (source / "back" / "pyproject.toml").write_text("[project]\nname = 'x'\n# -r no.txt\n")
    found = read_requirements(source, "back/uv.lock")
    assert sorted(found) == ["back/pyproject.toml", "back/uv.lock"]


def test_a_uv_lock_without_its_project_is_refused(source: Path) -> None:
    (source / "uv.lock").write_text("")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml"):
        read_requirements(source, "uv.lock")


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "-e.",
        "--editable=../lib",
        "-e git+https://example.com/lib.git#egg=lib",
        ".",
        "..",
        ".[extra]",
        "./lib",
        "  lib/",
        "../lib ; python_version > '3'",
        "/home/ann/lib",
        "vendor/lib-1.0-py3-none-any.whl",
        "lib-1.0-py3-none-any.whl",
        "lib-1.0.tar.gz --hash=sha256:0123",
        "lib @ file:///home/ann/lib",
        "lib@file:lib",
        "file:///home/ann/lib",
    ],
)
def test_what_is_on_this_machine_only_is_refused_with_its_line(source: Path, line: str) -> None:
    (source / "requirements.txt").write_text(f"flask\n\n{line}\ngunicorn\n")
    with pytest.raises(ConfigurationError, match="it is on this machine only") as caught:
        read_requirements(source, "requirements.txt")
    assert caught.value.output == f"line 3: {line.strip()}"
    assert "take it out if it is the app itself" in caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://example.com/simple",
        "--find-links ./wheels",
        "flask==3.1.3 \\\n    --hash=sha256:ab/cd",
        "flask  # see docs/flask.md",
        "#./lib",
        "    # via -r requirements.in",
        "lib @ https://example.com/lib-1.0.tar.gz",
        "lib@https://example.com/lib-1.0-py3-none-any.whl",
        "https://example.com/lib-1.0.tar.gz",
        "git+ssh://git@example.com/lib.git@v1",
        "zope.interface[extra]>=5 ; platform_machine == 'x86_64'",
    ],
)
def test_what_a_host_can_fetch_is_taken(source: Path, line: str) -> None:
    (source / "requirements.txt").write_text(f"{line}\n")
    assert list(read_requirements(source, "requirements.txt")) == ["requirements.txt"]


def test_a_lock_file_that_names_other_folders_is_refused(source: Path) -> None:
    (source / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    itself = '[[package]]\nname = "x"\nsource = { editable = "." }\n'
    (source / "uv.lock").write_text(itself)
    assert len(read_requirements(source, "uv.lock")) == 2
    other = '[[package]]\nname = "lib"\nsource = { directory = "../lib" }\n'
    (source / "uv.lock").write_text(itself + other)
    with pytest.raises(ConfigurationError, match="it is on this machine only") as caught:
        read_requirements(source, "uv.lock")
    assert caught.value.output == "lib: ../lib"


def test_a_pylock_that_names_a_folder_or_a_file_is_refused(source: Path) -> None:
    (source / "pylock.toml").write_text(
        '[[packages]]\nname = "a"\nwheels = [{ url = "https://example.com/a.whl", path = "a" }]\n'
        '[[packages]]\nname = "b"\ndirectory = { path = "." }\n'
        '[[packages]]\nname = "c"\narchive = { path = "c.zip" }\n'
        '[[packages]]\nname = "d"\nwheels = [{ path = "d.whl" }]\n'
        '[[packages]]\nname = "e"\nwheels = [{ url = "file:///mirror/e.whl" }]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_requirements(source, "pylock.toml")
    assert caught.value.output == "b\nc\nd\ne"


def test_a_lock_file_that_is_no_toml_is_refused(source: Path) -> None:
    (source / "pylock.toml").write_text("flask==3\n")
    with pytest.raises(ConfigurationError, match=r"cannot read .*pylock\.toml: .*line 1"):
        read_requirements(source, "pylock.toml")
