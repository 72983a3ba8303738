"""A Python as uv downloads it, made of the one that a lab host has, and the file that lists it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from provisioning.lab import LabHost

PACK = """
rm -rf /root/made; mkdir -p /root/made/python/bin /root/made/python/lib
cp /usr/bin/python{minor} /root/made/python/bin/
ln -s python{minor} /root/made/python/bin/python3
cp -r /usr/lib/python{minor} /root/made/python/lib/
find /root/made -type l -lname '/*' -delete
find /root/made -name __pycache__ -prune -exec rm -r {{}} +
tar -C /root/made -czf /root/python.tar.gz python
rm -r /root/made
"""


def archive(host: LabHost, minor: str, folder: Path) -> Path:
    """Pack a host's own Python in the form of python-build-standalone, into a folder here.

    Args:
        host: It has this Python of Debian's.
        minor: "3.11".
        folder: Where it is put.
    """
    host.shell(PACK.format(minor=minor))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"cpython-{minor}.2-install_only.tar.gz"
    path.write_bytes(Path(host.path("/root/python.tar.gz")).read_bytes())
    return path


def listed(packed: Path, url: str, minor: str, *, sha256: str = "") -> str:
    """Return the file that lists a Python. Source: uv's download-metadata.json."""
    major, _, second = minor.partition(".")
    entry = {
        "name": "cpython", "arch": {"family": "x86_64", "variant": None}, "os": "linux",
        "libc": "gnu", "major": int(major), "minor": int(second), "patch": 2, "prerelease": "",
        "url": f"{url}/{packed.name}", "variant": None, "build": "20260101",
        "sha256": sha256 or hashlib.sha256(packed.read_bytes()).hexdigest(),
    }  # fmt: skip
    return json.dumps({f"cpython-{minor}.2-linux-x86_64-gnu": entry})
