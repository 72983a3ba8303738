"""The locks of what Homeport brings onto hosts: all pinned, all with hashes, in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from provisioning.roles.app_servers import gunicorn
from provisioning.roles.uv import REQUIREMENT

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "provisioning" / "roles" / "locks"
LOCKS = sorted(path.name for path in FOLDER.iterdir())

PIN = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z0-9,]+\])?==(?P<version>[A-Za-z0-9.!+]+)"
    r"( ; (?P<marker>[^\\]+?))?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)
"""One logical line. Source: pip's "Requirements File Format" and "Hash-checking Mode"."""


def pins(lock: str) -> list[re.Match[str]]:
    """Return each requirement of a lock; a line that is none of them fails the test."""
    text = re.sub(r"^#.*\n", "", (FOLDER / lock).read_text(), flags=re.MULTILINE)
    joined = re.sub(r" \\\n +", " ", text)
    found = [(line, PIN.fullmatch(line)) for line in joined.splitlines() if line]
    assert [line for line, pin in found if pin is None] == []
    return [pin for _, pin in found if pin is not None]


def test_there_is_a_lock_for_each_thing_that_is_brought_along():
    assert LOCKS == ["gunicorn-gevent.txt", "gunicorn.txt", "uv.txt"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_lock_is_pinned_and_has_hashes(lock):
    found = pins(lock)
    assert found
    for pin in found:
        hashes = pin["hashes"].split()
        assert len(hashes) == len(set(hashes)) > 0, pin["name"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_says_how_it_is_made_anew_and_names_no_place(lock):
    text = (FOLDER / lock).read_text()
    assert "uv pip compile --universal --generate-hashes" in text.splitlines()[1]
    assert f"-o provisioning/roles/locks/{lock} -" in text.splitlines()[1]
    assert not re.search(r"https?:|file:|--(extra-)?index-url|/root|/home|/tmp", text)


def test_the_locks_hold_what_the_roles_ask_for():
    assert [f"{pin['name']}=={pin['version']}\n" for pin in pins("uv.txt")] == [REQUIREMENT]
    for lock in ("gunicorn.txt", "gunicorn-gevent.txt"):
        [server] = [pin for pin in pins(lock) if pin["name"] == "gunicorn"]
        major = int(server["version"].split(".")[0])
        assert f">={major},<{major + 1}" in gunicorn.requirement(App("gthread"))
    assert [pin["name"] for pin in pins("gunicorn.txt")] == ["gunicorn"]
    assert {"gevent", "greenlet", "zope-event", "zope-interface", "packaging"} < {
        pin["name"] for pin in pins("gunicorn-gevent.txt")
    }


def test_the_wheel_holds_the_locks(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    subprocess.run([*pip, "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    [wheel] = tmp_path.glob("homeport-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.startswith("provisioning/roles/locks/")] == [
        f"provisioning/roles/locks/{lock}" for lock in LOCKS
    ]


class App:
    """As much of an app as asks for a server."""

    def __init__(self, worker_class: str) -> None:
        self.worker_class = worker_class
