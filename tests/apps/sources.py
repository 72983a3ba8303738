"""Where the apps are from: the package index, when the test runs.

Nothing of them is in this repository. What was downloaded once is
kept in the folder of tests/e2e/tools.py.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.tools import installed

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeport" / "tests"


def sdist(requirement: str, directory: Path, below: str = "") -> None:
    """Write what a source distribution holds into a folder.

    Args:
        requirement: Name and version, as "isso==0.14.0".
        directory: Where to; made if it is not there.
        below: The folder in it that is taken; "" for all.
    """
    kept = CACHE / "sdists" / requirement.replace("==", "-")
    with _locked():
        if not kept.is_dir():
            _download(requirement, kept)
    [top] = kept.iterdir()
    shutil.copytree(top / below, directory, dirs_exist_ok=True)


def _download(requirement: str, kept: Path) -> None:
    name = requirement.partition("==")[0]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        subprocess.run(
            [*pip, "--no-input", "--no-deps", "--no-binary", name, "--dest", place, requirement],
            check=True,
        )
        [archive] = Path(place).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(f"{place}/unpacked", filter="data")
        kept.parent.mkdir(exist_ok=True)
        Path(place, "unpacked").rename(kept)


def generate(requirement: str, directory: Path, program: str, *arguments: str) -> None:
    """Have a program of a package write a project.

    Args:
        requirement: Name and version of the package.
        directory: In which it runs; made if it is not there.
        program: Its program.
        arguments: Of the program.
    """
    with _locked():
        CACHE.mkdir(parents=True, exist_ok=True)
    directory.mkdir(parents=True, exist_ok=True)
    path = installed(requirement, program)
    subprocess.run(
        [path, *arguments],
        cwd=directory,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"},
    )


@contextmanager
def _locked() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "sdists.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
