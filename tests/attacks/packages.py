"""Malicious packages, made here: an sdist whose build step attacks, a wheel that has none."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILDS = Path(__file__).with_name("builds")
"""Build steps: each file has a function `attack(report)`."""

NAME = "evilpackage"

_numbers = itertools.count(1)

_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "{version}"
"""


@dataclass(frozen=True)
class Package:
    """A file of an index.

    Args:
        version: Of the package called NAME; no two packages of a test run have the same.
        file: The file's name.
        content: The file's content.
    """

    version: str
    file: str
    content: bytes
    name: str = NAME


def sdist(attack: str, **settings: object) -> Package:
    """Return a package with a build step of its own, as any that is not pure Python has.

    What the step has done is in the built package: `evilpackage/report.json`.

    Args:
        attack: Name of a file in `builds`.
        settings: Global names for it.
    """
    version = f"1.{next(_numbers)}"
    given = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    files = {
        "pyproject.toml": _PYPROJECT.format(name=NAME, version=version),
        "PKG-INFO": _metadata(version),
        "backend.py": (BUILDS / "backend.py").read_text().replace("@VERSION@", version),
        "places.py": (BUILDS / "places.py").read_text(),
        "attack.py": given + (BUILDS / f"{attack}.py").read_text(),
    }
    folder = f"{NAME}-{version}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return Package(version, f"{folder}.tar.gz", packed.getvalue())


def wheel(files: Mapping[str, str]) -> Package:
    """Return a package of pure Python: nothing is built of it.

    Args:
        files: Path below site-packages -> content.
    """
    version = f"1.{next(_numbers)}"
    information = f"{NAME}-{version}.dist-info"
    all_files = {
        **files,
        f"{information}/METADATA": _metadata(version),
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: by-hand\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={_digest(text)},{len(text.encode())}\n" for name, text in all_files.items()
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in all_files.items():
            archive.writestr(name, text)
        archive.writestr(f"{information}/RECORD", f"{record}{information}/RECORD,,\n")
    return Package(version, f"{NAME}-{version}-py3-none-any.whl", packed.getvalue())


def _metadata(version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n"


def _digest(text: str) -> str:
    """Return a digest as RECORD has it. Source: PyPA, "Recording installed projects"."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
