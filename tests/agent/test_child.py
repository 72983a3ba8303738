"""Modules of the agent as programs of their own."""

from __future__ import annotations

import importlib
import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.agent import child
from provisioning.agent.boot import MemoryFinder
from provisioning.agent.layout import BORROWED_PYTHON

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
    monkeypatch.delitem(sys.modules, "made_up", raising=False)
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


def test_a_borrowed_python_is_not_lent_to_others(
    modules: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert child.command(modules)[0] == sys.executable
    monkeypatch.setattr(sys, "executable", f"{BORROWED_PYTHON}/usr/bin/python3.11")
    assert child.command(modules)[0] == "/usr/bin/python3"
    monkeypatch.setattr(sys, "executable", f"{BORROWED_PYTHON}-other/python3")
    assert child.command(modules)[0] == f"{BORROWED_PYTHON}-other/python3"


def test_code_is_found_where_the_agent_is_only_in_memory() -> None:
    """On a host there are no files of the agent: its modules come from a table."""
    code = {"pack.mod": compile("x = 1", "<mod>", "exec"),
            "pack.__init__": compile("y = 2", "<pack>", "exec")}  # fmt: skip
    finder = MemoryFinder(code)
    for name, expected in (("pack.mod", "<mod>"), ("pack", "<pack>")):
        spec = finder.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        got = spec.loader.get_code(name)  # type: ignore[attr-defined]
        assert got.co_filename == expected
        assert marshal.loads(marshal.dumps(got)) == got
    assert finder.find_spec("json") is None
