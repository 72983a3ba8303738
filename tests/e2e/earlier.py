"""Homeport as an earlier commit had it, installed apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.project import ROOT

COMMIT = "2364710"
"""The last one before apps were strangers to each other: hosts that it has set up come over."""


def install(directory: Path) -> Path:
    """Install it into a virtualenv of its own, and return its `fab`."""
    source = directory / "source"
    source.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", COMMIT], capture_output=True, check=False
    )
    if archive.returncode != 0:
        pytest.skip(f"this checkout does not reach back to {COMMIT}")
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(directory / "venv")], check=True)
    python = str(directory / "venv" / "bin" / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(source)],
        check=True,
        timeout=600,
    )
    return directory / "venv" / "bin" / "fab"
