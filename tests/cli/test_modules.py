"""What commands import: more than a third of the time of a run that changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = """\
import atexit, json, os, sys
atexit.register(lambda: os.write(2, ("\\n" + json.dumps(sorted(sys.modules))).encode()))
from provisioning.__main__ import main
main()
"""
"""Runs `fab` and writes the names of all modules as the last line of its standard error."""

INVENTORY = """\
[hosts.web1]
address = "127.0.0.1"
port = 9
user = "root"

[project]
name = "modules"

[apps.hello]
source = ".."
wsgi = "app:app"
domains = ["hello.example.com"]

[tls]
method = "self-signed"
"""


def modules_of(directory: Path, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", NAMES, *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    names = json.loads(done.stderr.splitlines()[-1])
    assert "cannot connect" in done.stdout or "--list" in arguments, done.stdout
    assert "provisioning.commands" in names, done.stderr
    return set(names)


def of_packages(names: set[str], *packages: str) -> list[str]:
    return sorted(
        name for name in names if any(f"{name}.".startswith(f"{each}.") for each in packages)
    )


def test_a_list_of_commands_loads_no_command(tmp_path: Path) -> None:
    names = modules_of(tmp_path, "--list")
    assert of_packages(names, "pydantic", "jinja2", "rich", "cryptography.x509") == []
    ours = {name.split(".")[1] for name in names if name.startswith("provisioning.")}
    assert ours == {"__main__", "cli", "commands", "errors", "secrets"}


@pytest.mark.parametrize("command", ["provision", "deploy"])
def test_a_command_loads_what_it_needs(tmp_path: Path, command: str) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "production.toml").write_text(INVENTORY)
    (tmp_path / "app.py").write_text("app = None\n")
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "fabfile.py").write_text("from provisioning.commands import namespace\n")
    names = modules_of(tmp_path, command)
    assert "provisioning.transport.connection" in names
    # A pipe needs no display, and only the lab makes certificates.
    unneeded = ("rich", "cryptography.x509", "provisioning.lab", "provisioning.doctor")
    assert of_packages(names, *unneeded) == []
