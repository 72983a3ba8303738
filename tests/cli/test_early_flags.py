"""Flags of a command may stand before it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fabric.main import Fab

from provisioning.cli.early_flags import behind_command

CORE = Fab().core_args()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--env lab provision", "provision --env lab"),
        ("-H web1 --env lab provision --check", "-H web1 provision --env lab --check"),
        ("--env=lab --json -H web1 logs hello", "-H web1 logs --env=lab --json hello"),
        ("-i key --check provision", "-i key provision --check"),
        ("provision --env lab", "provision --env lab"),
        ("--list", "--list"),
        ("--json", "--json"),
        ("--help deploy", "--help deploy"),
        ("-H web1", "-H web1"),
        ("--env", "--env"),
        ("--env lab run hello -- --env x", "run --env lab hello -- --env x"),
        ("-- --env x", "-- --env x"),
    ],
)
def test_they_follow_the_command(before: str, after: str) -> None:
    assert behind_command(["fab", *before.split()], CORE) == ["fab", *after.split()]


def test_the_program_reads_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("fab"), "--env", "nowhere", "provision", "--check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "No idea" not in done.stderr
