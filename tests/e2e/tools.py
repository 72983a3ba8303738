"""Programs of others that give scores, each in a virtualenv of its own.

They pin versions of libraries that Homeport has in others. What was installed once is kept.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path


def installed(requirement: str, program: str) -> Path:
    """Return a program from the package index, installing it where that has not been done.

    Args:
        requirement: Name and version, as "sslyze==6.3.1".
        program: What the package brings.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeport" / "tests"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    venv = cache / f"{requirement.replace('==', '-')}-python{python}"
    ready = venv / ".ready"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
            pip = [venv / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "--no-input", requirement], check=True)
            ready.touch()
    return venv / "bin" / program
