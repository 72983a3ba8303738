"""Whether what a virtualenv was built for is still there."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.apps.compiled import tag_of
from provisioning.agent.apps.runtimes import kind_of, name_of, runtime_path
from provisioning.agent.apps.runtimes.virtualenv import lost, made_for
from provisioning.agent.machine.system import System
from provisioning.resources import Virtualenv


def _environment(root: Path, program: Path, settings: str) -> str:
    (root / "v" / "bin").mkdir(parents=True)
    (root / "v" / "bin" / "python").symlink_to(program)
    (root / "v" / "pyvenv.cfg").write_text(settings)
    return str(root / "v")


def _python(root: Path, version: str, *, name: str = "") -> Path:
    """Return a Python as Debian has it: a name without a version leads to the one with it."""
    program = root / "usr" / "bin" / f"python{version}"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch()
    if name:
        link = program.with_name(name)
        link.unlink(missing_ok=True)
        link.symlink_to(program.name)
        return link
    return program


@pytest.mark.parametrize("settings", ["version = 3.11.2\n", "home = /x\nversion_info = 3.11.2\n"])
def test_an_upgrade_of_debian_is_noticed(root: Path, settings: str) -> None:
    python3 = _python(root, "3.11", name="python3")
    environment, system = _environment(root, python3, settings), System()
    assert made_for(environment, system) == "3.11"
    assert lost(environment, system) == ""
    ready = Virtualenv(path=environment, files={}, python=str(python3))
    Path(environment, ".ready").write_text(ready.desired()["ready"])
    assert ready.actual(system) == ready.desired()
    _python(root, "3.13", name="python3")
    assert lost(environment, system) == "Python 3.11"
    # Under the same name it is to be made anew.
    assert ready.actual(system) == {"ready": None}
    python3.unlink()
    assert lost(environment, system) == "Python 3.11"


def test_a_python_without_a_version_in_its_name_is_known_by_its_library(root: Path) -> None:
    program = root / "opt" / "python" / "bin" / "python"
    (program.parent.parent / "lib" / "python3.12").mkdir(parents=True)
    program.parent.mkdir()
    program.touch()
    environment = _environment(root, program, "version = 3.12.1\n")
    assert lost(environment, System()) == ""
    (program.parent.parent / "lib" / "python3.12").rename(program.parent.parent / "lib/python3.14")
    assert lost(environment, System()) == "Python 3.12"


@pytest.mark.parametrize("settings", ["", "version = new\n"])
def test_what_does_not_say_what_it_was_made_for_is_believed(root: Path, settings: str) -> None:
    environment = _environment(root, _python(root, "3.13"), settings)
    assert lost(environment, System()) == ""


def test_what_is_no_runtime_of_ours_is_refused() -> None:
    assert kind_of("/srv/hello/venvs/0123456789abcdef").link == "venv"
    for path in ("/srv/hello/releases/x", "/srv/hello/x", "venvs", ""):
        with pytest.raises(ValueError, match="no release can run on"):
            kind_of(path)


def test_a_path_tells_its_kind_and_a_strange_one_none() -> None:
    assert name_of("venvs/0123456789abcdef") == "virtualenv"
    assert name_of("images/0123456789abcdef") == "container"
    assert name_of("releases/x") == name_of("") == name_of("/") == ""


def test_a_manifest_says_what_its_release_runs_on() -> None:
    assert runtime_path({"venv": "0123456789abcdef"}) == "venvs/0123456789abcdef"
    assert runtime_path({}) == runtime_path({"venv": ""}) == ""


@pytest.mark.parametrize(
    ("program", "tag"), [("python3.13", "cpython-313"), ("python3", ""), ("pypy3.10", "")]
)
def test_compiled_files_are_known_by_the_interpreters_own_name(
    root: Path, program: str, tag: str
) -> None:
    (root / program).touch()
    (root / "python").symlink_to(root / program)
    assert tag_of(str(root / "python")) == tag


def test_nothing_is_said_of_what_is_not_there(root: Path) -> None:
    assert lost(str(root / "nowhere"), System()) == ""
