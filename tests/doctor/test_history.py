"""Secrets in the history of a source, in real repositories."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from provisioning.doctor.history import search

SALT = "salt"
VALUE = "s3cret-value/with+more=="


def _git(source: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    subprocess.run(["git", "-C", str(source), *identity, *arguments], check=True, timeout=60)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    return tmp_path


def _commit(source: Path, name: str, text: str | bytes) -> None:
    (source / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    _git(source, "add", "--all")
    _git(source, "commit", "--quiet", "--message", f"change {name}")


def _search(source: Path, value: str = VALUE):
    digest = hashlib.sha256(f"{SALT}{value}".encode()).hexdigest()
    return search(source, {"KEY": digest}, SALT)


FORMS = {
    "double quotes": f'KEY = "{VALUE}"\n',
    "single quotes": f"KEY = '{VALUE}'  # why\n",
    "an environment file": f"KEY={VALUE}\n",
    "with spaces": f"KEY = {VALUE}  \n",
    "windows": f"KEY={VALUE}\r\n",
    "YAML": f"key: {VALUE}\n",
    "JSON": f'{{"a": 1, "key": "{VALUE}"}}\n',
    "a call": f"Client('user', '{VALUE}')\n",
    "alone": VALUE,
    "binary": b"\0\xff" + f'"{VALUE}"'.encode() + b"\0",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_was_taken_out_again_is_still_found(source: Path, form: str) -> None:
    _commit(source, "settings.py", FORMS[form])
    _commit(source, "settings.py", "KEY = os.environ['KEY']\n")
    found = _search(source)
    assert found.error == ""
    assert list(found.places) == ["KEY"]
    assert found.places["KEY"][0].startswith("settings.py in ")


def test_a_value_that_is_nowhere_is_not_found(source: Path) -> None:
    _commit(source, "settings.py", f"KEY = '{VALUE[:-3]}'\n")
    found = _search(source)
    assert (found.places, found.error, found.searched) == ({}, "", 1)


def test_a_passphrase_of_several_words_is_found_in_quotes(source: Path) -> None:
    _commit(source, "settings.py", 'KEY = "correct horse battery staple"\n')
    assert "KEY" in _search(source, "correct horse battery staple").places


def test_a_large_file_hides_nothing_behind_it(source: Path) -> None:
    _commit(source, "big.bin", b"x y " * (1 << 20))
    _commit(source, "settings.py", f"KEY={VALUE}\n")
    assert "KEY" in _search(source).places


def test_a_source_without_git_says_so(tmp_path: Path) -> None:
    assert _search(tmp_path).error == "the source is not in git"
