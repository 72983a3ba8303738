"""uv.lock: what of a workspace travels, what is built from it, and which choices there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioning.deploy.requirements import Requirements, read_requirements
from provisioning.deploy.requirements.choice import Choice
from provisioning.errors import ConfigurationError

LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["api", "lib", "shop", "tools"]

[[package]]
name = "api"
version = "1"
source = { editable = "packages/api" }
dependencies = [{ name = "flask" }, { name = "lib" }]

[[package]]
name = "flask"
version = "3.1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "lib"
version = "1"
source = { editable = "packages/lib" }
dependencies = [{ name = "vendored" }]

[[package]]
name = "mylib"
version = "2.0+cpu"
source = { registry = "https://cpu.example.com/simple/" }

[[package]]
name = "shop"
version = "1"
source = { editable = "." }
dependencies = [{ name = "flask" }, { name = "mylib" }]

[package.optional-dependencies]
api = [{ name = "api" }]

[package.dev-dependencies]
dev = [{ name = "tools" }]

[[package]]
name = "tools"
version = "1"
source = { virtual = "packages/tools" }

[[package]]
name = "vendored"
version = "1"
source = { path = "wheels/vendored-1-py3-none-any.whl" }

[[package]]
name = "local"
version = "1"
source = { registry = "wheels" }
wheels = [{ path = "local-1-py3-none-any.whl" }]
"""

PYPROJECT = """
[project]
name = "shop"
[project.optional-dependencies]
api = ["api"]
[dependency-groups]
dev = ["tools"]
prod-only = []
[build-system]
requires = ["hatchling"]
[tool.uv.workspace]
members = ["packages/*"]
[[tool.uv.index]]
name = "cpu"
url = "https://cpu.example.com/simple"
explicit = true
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "shop"
    (path / "wheels").mkdir(parents=True)
    (path / "wheels" / "vendored-1-py3-none-any.whl").write_bytes(b"wheel")
    (path / "uv.lock").write_text(LOCK)
    (path / "pyproject.toml").write_text(PYPROJECT)
    for name in ("api", "lib", "tools"):
        (path / "packages" / name).mkdir(parents=True)
        (path / "packages" / name / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    return path


def _read(source: Path, **choice: Any) -> Requirements:
    return read_requirements(source, "uv.lock", Choice(**choice))


def test_a_lock_brings_what_each_member_says_of_itself(source: Path) -> None:
    assert sorted(_read(source).files) == [
        "packages/api/pyproject.toml", "packages/lib/pyproject.toml",
        "packages/tools/pyproject.toml", "pyproject.toml", "uv.lock",
    ]  # fmt: skip
    (source / "uv.toml").write_text("")
    assert "uv.toml" in _read(source).files


@pytest.mark.parametrize(
    ("choice", "folders", "archives"),
    [
        ({}, (".", "packages/api", "packages/lib"), 1),
        ({"install_project": False}, ("packages/api", "packages/lib"), 1),
        ({"member": "lib"}, ("packages/lib",), 1),
        ({"member": "api", "install_project": False}, ("packages/lib",), 1),
        ({"member": "tools"}, (), 0),
    ],
)
def test_what_may_be_installed_travels_and_nothing_else(
    source: Path, choice: dict[str, Any], folders: tuple[str, ...], archives: int
) -> None:
    found = _read(source, **choice).local
    assert found.folders == folders
    assert len(found.archives) == archives


def test_a_workspace_without_a_project_of_its_own_is_all_of_its_members(source: Path) -> None:
    without = LOCK.replace('source = { editable = "." }', 'source = { virtual = "packages/x" }')
    (source / "packages" / "x").mkdir()
    (source / "packages" / "x" / "pyproject.toml").write_text("")
    (source / "uv.lock").write_text(without)
    assert _read(source).local.folders == ("packages/api", "packages/lib")


def test_the_lock_may_be_in_a_folder(source: Path) -> None:
    top = source.parent / "top"
    top.mkdir()
    source.rename(top / "back")
    found = read_requirements(top, "back/uv.lock")
    assert found.local.folders == ("back", "back/packages/api", "back/packages/lib")
    assert "back/packages/api/pyproject.toml" in found.files
    assert list(found.local.archives) == ["back/wheels/vendored-1-py3-none-any.whl"]


def test_packages_of_other_indexes_are_known(source: Path) -> None:
    """A host's mirror has those of the default index only."""
    assert set(_read(source).elsewhere) == {
        "api", "lib", "local", "mylib", "shop", "tools", "vendored",
    }  # fmt: skip


@pytest.mark.parametrize("where", ["../lib", "/home/ann/lib"])
def test_a_member_outside_of_the_source_is_refused(source: Path, where: str) -> None:
    (source / "uv.lock").write_text(
        LOCK + f'[[package]]\nname = "out"\nsource = {{ directory = "{where}" }}\n'
    )
    # As long as nothing depends on it, it is nobody's business.
    assert _read(source)
    needed = LOCK.replace('{ name = "mylib" }', '{ name = "mylib" }, { name = "out" }')
    (source / "uv.lock").write_text(
        needed + f'[[package]]\nname = "out"\nsource = {{ directory = "{where}" }}\n'
    )
    with pytest.raises(ConfigurationError, match="name by a path") as caught:
        _read(source)
    assert f"uv.lock: {where} (" in caught.value.output


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"extras": ("apis",)}, "pyproject.toml has no extra apis; did you mean api?"),
        ({"groups": ("pord-only",)}, "no dependency group pord-only; did you mean prod-only?"),
        ({"member": "nobody"}, "uv.lock has no workspace member nobody"),
        ({"member": "lib", "extras": ("x",)}, "packages/lib/pyproject.toml has no extra x"),
    ],
)
def test_what_the_project_does_not_have_is_refused(
    source: Path, choice: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _read(source, **choice)
    assert said in str(caught.value)


def test_what_the_project_has_may_be_chosen(source: Path) -> None:
    assert _read(source, extras=("api",), groups=("dev", "Prod_Only")).choice.groups[0] == "dev"


@pytest.mark.parametrize(
    "choice",
    [{"extras": ("api",)}, {"groups": ("dev",)}, {"member": "lib"}, {"install_project": False}],
)
def test_a_choice_without_effect_is_refused(source: Path, choice: dict[str, Any]) -> None:
    (source / "requirements.txt").write_text("flask\n")
    with pytest.raises(ConfigurationError, match=r"no effect: requirements\.txt"):
        read_requirements(source, "requirements.txt", Choice(**choice))


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("[project]\nname = 'x'\n[build-system]\nrequires = []\n", (".",)),
        ("[project]\nname = 'x'\n", ()),
        ("[project]\nname = 'x'\n[tool.uv]\npackage = true\n", (".",)),
        ("[build-system]\nrequires = []\n[tool.uv]\npackage = false\n", ()),
    ],
)
def test_a_project_is_installed_where_uv_would(
    source: Path, text: str, folders: tuple[str, ...]
) -> None:
    (source / "pyproject.toml").write_text(text)
    found = read_requirements(source, "pyproject.toml")
    assert found.local.folders == folders
    assert found.installs_project is bool(folders)
    left = read_requirements(source, "pyproject.toml", Choice(install_project=False))
    assert (left.local.folders, left.installs_project) == ((), False)


@pytest.mark.parametrize("name", ["poetry.lock", "Pipfile.lock", "Pipfile", "pdm.lock"])
def test_files_of_other_tools_are_refused_with_the_way_out(source: Path, name: str) -> None:
    (source / name).write_text("whatever")
    with pytest.raises(ConfigurationError, match="uv does not read") as caught:
        read_requirements(source, name)
    assert "requirements.txt" in caught.value.hint
