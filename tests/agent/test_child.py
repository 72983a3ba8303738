"""Modules of the agent as programs of their own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.agent.boot import MemoryFinder
from provisioning.agent.layout import BORROWED_PYTHON
from provisioning.agent.machine import child

FIRST = "greeting = 'hello'\n\ndef main(argv):\n    raise SystemError('not this one')\n"
SECOND = """\
import os, sys
from made_up.first import greeting

def main(argv):
    print(greeting, argv, sys.flags.isolated, sys.flags.no_site, sorted(os.environ))
    return 7
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    folder = tmp_path / "made_up"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "first.py").write_text(FIRST)
    (folder / "second.py").write_text(SECOND)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    # Each test has files of its own.
    for name in [each for each in sys.modules if each.split(".")[0] == "made_up"]:
        monkeypatch.delitem(sys.modules, name)
    return "made_up.first", "made_up.second"


def test_the_last_module_runs_as_a_program_and_needs_none_of_our_files(
    modules: tuple[str, ...], tmp_path: Path
) -> None:
    command = child.command(modules, "a b", "--c", "")
    (tmp_path / "made_up").rename(tmp_path / "gone")
    ran = subprocess.run(
        command, cwd="/", env={"LC_CTYPE": "C.UTF-8"}, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (7, "")
    assert ran.stdout == "hello ['a b', '--c', ''] 1 1 ['LC_CTYPE']\n"


def test_nothing_of_the_place_where_it_starts_is_run(
    modules: tuple[str, ...], tmp_path: Path
) -> None:
    for name in ("sitecustomize", "base64", "marshal", "types"):
        (tmp_path / f"{name}.py").write_text("raise SystemError('planted')\n")
    env = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "types.py")}
    ran = subprocess.run(
        child.command(modules), cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (7, "")


@pytest.mark.parametrize(
    "names",
    [("provisioning.agent.builds.inside",),
     ("provisioning.agent.builds.inside", "provisioning.agent.builds.proxy")],
)  # fmt: skip
def test_what_the_agent_runs_so_fits_into_one_argument(names: tuple[str, ...]) -> None:
    command = child.command(names)
    # Source: execve(2): MAX_ARG_STRLEN is 32 pages. systemd-run takes no more than a message, too.
    assert max(map(len, command)) < 1 << 16


def test_others_get_debians_own_python(
    modules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's own may be borrowed, or lie in root's home."""
    monkeypatch.setattr(sys, "executable", f"{BORROWED_PYTHON}/usr/bin/python3.11")
    assert child.command(modules)[0] == "/usr/bin/python3"
    monkeypatch.setattr(child, "PYTHON", "/nowhere/python3")
    assert child.command(modules)[0] == f"{BORROWED_PYTHON}/usr/bin/python3.11"


def test_the_text_is_found_where_the_agent_is_only_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a host there are no files of the agent: its modules come from a table."""
    texts = {"pack.mod": "def main(argv):\n    return 5\n", "pack.__init__": ""}
    texts["pack.mod_source"] = f"SOURCE = {texts['pack.mod']!r}\n"
    code = {name: compile(text, f"<{name}>", "exec") for name, text in texts.items()}
    monkeypatch.setattr(sys, "meta_path", [MemoryFinder(code), *sys.meta_path])
    command = child.command(("pack.mod",))
    for name in [each for each in sys.modules if each.split(".")[0] == "pack"]:
        monkeypatch.delitem(sys.modules, name)
    assert subprocess.run(command, check=False).returncode == 5
