"""`fab` beside a fabfile of the person's own, through the real program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OWN = """
from fabric import task

@task
def hello(c):
    print("hello from mine")
"""


def fab(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provisioning", *words]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True)


def test_init_works_and_names_the_lines_to_add(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text(OWN)
    ran = fab(tmp_path, "init")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "fabfile.py").read_text() == OWN
    lines = ("from provisioning.commands import namespace", "namespace.add_task(hello)")
    assert f"kept fabfile.py: add at its end: {'; '.join(lines)}" in ran.stdout
    assert fab(tmp_path, "hello").stdout == "hello from mine\n"

    (tmp_path / "fabfile.py").write_text(OWN + "\n".join(lines) + "\n")
    listed = fab(tmp_path, "--list").stdout
    assert {"hello", "provision", "deploy"} <= set(listed.split())
    assert fab(tmp_path, "hello").stdout == "hello from mine\n"
    assert "add at its end" not in fab(tmp_path, "init").stdout


@pytest.mark.parametrize(
    "own",
    [
        "from invoke import Collection\nns = Collection(hello)\n",
        "from invoke import Collection\nnamespace = Collection(hello)\n",
    ],
)
def test_the_lines_keep_a_collection_of_the_persons_own(tmp_path: Path, own: str) -> None:
    (tmp_path / "fabfile.py").write_text(OWN + own)
    said = fab(tmp_path, "init").stdout
    lines = said.split("add at its end: ")[1].splitlines()[0].split("; ")
    (tmp_path / "fabfile.py").write_text(OWN + own + "\n".join(lines) + "\n")
    assert fab(tmp_path, "hello").stdout == "hello from mine\n"
    assert "homeport.provision" in fab(tmp_path, "--list").stdout


def test_another_command_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text(OWN)
    ran = fab(tmp_path, "provision")
    assert ran.returncode == 2
    assert ran.stderr == (
        "error: cannot run provision: the fabfile does not have Homeport's commands\n"
        "  try: fab init, which says which lines to add to it\n"
    )
    assert "No idea what 'helo' is" in fab(tmp_path, "helo").stderr


def test_an_init_of_the_persons_own_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text(OWN.replace("hello(c)", "init(c)"))
    assert fab(tmp_path, "init").stdout == "hello from mine\n"
