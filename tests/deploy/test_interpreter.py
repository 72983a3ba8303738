"""Which interpreter an app has on a host, and what the list of Pythons must say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.deploy.interpreter import interpreter, read_downloads
from provisioning.errors import ConfigurationError
from provisioning.inventory import load
from provisioning.inventory.models.app import App
from tests.roles.samples import BOOKWORM, TRIXIE


def _app(**options: Any) -> App:
    return App(name="hello", source=".", wsgi="app:app", domains=["hello.test"], **options)


@pytest.mark.parametrize(
    ("python", "path"),
    [("python3", "/usr/bin/python3"), ("python3.12", "/usr/bin/python3.12"),
     ("/opt/own/python", "/opt/own/python"), ("3.11", "/usr/bin/python3.11"),
     ("3.11.2", "/usr/bin/python3.11")],
)  # fmt: skip
def test_what_is_on_the_host_is_used(python: str, path: str) -> None:
    found = interpreter(_app(python=python), BOOKWORM)
    assert (found.path, found.made) == (path, None)


@pytest.mark.parametrize("python", ["3.1", "3.11.3", "3.13"])
def test_what_debian_lacks_is_downloaded(python: str) -> None:
    found = interpreter(_app(python=python), BOOKWORM)
    assert found.made is not None
    assert found.made.path.startswith(f"/opt/homeport/pythons/{python}-uv-")
    assert found.path == f"{found.made.path}/python" + ".".join(python.split(".")[:2])


def test_only_another_list_leads_to_another_python() -> None:
    plain = interpreter(_app(python="3.12"), BOOKWORM)
    assert interpreter(_app(python="3.12"), TRIXIE) == plain
    mirrored = _app(python="3.12", python_mirror="https://pythons.test")
    assert interpreter(mirrored, BOOKWORM).path == plain.path
    assert interpreter(_app(python="3.12"), BOOKWORM, '{"x": 1}').path != plain.path
    assert interpreter(_app(python="3.12"), replace(BOOKWORM, python="3.12.9")).made is None


def test_a_build_of_it_has_no_secret_but_that_of_the_mirror() -> None:
    secrets = {"PIP_TOKEN": "x", "UV_PYTHON_INSTALL_MIRROR": "https://ann:pw@pythons.test"}
    made = interpreter(_app(python="3.12"), BOOKWORM, "", secrets).made
    assert made is not None
    content = next(blob for blob in made.blobs() if blob.secret).data
    assert json.loads(content or b"") == {"UV_PYTHON_INSTALL_MIRROR": "https://ann:pw@pythons.test"}


ENTRY = {
    "name": "cpython", "major": 3, "minor": 12, "patch": 4, "sha256": "a" * 64,
    "url": "https://pythons.test/x.tar.gz",
}  # fmt: skip


def _read(tmp_path: Path, text: str, python: str = "3.12") -> str:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "pythons.json").write_text(text)
    (tmp_path / "inventory" / "production.toml").write_text(
        f'[hosts.web1]\n[apps.hello]\nsource = ".."\nwsgi = "app:app"\ndomains = ["h.test"]\n'
        f'python = "{python}"\npython_downloads = "pythons.json"\n[tls]\nmethod = "off"\n'
    )
    inventory = load(tmp_path)
    return read_downloads(inventory, inventory.apps["hello"])


def test_only_the_version_that_is_wanted_travels(tmp_path: Path) -> None:
    listed = {"a": ENTRY, "b": {**ENTRY, "minor": 13}, "c": {**ENTRY, "name": "pypy"}}
    assert json.loads(_read(tmp_path, json.dumps(listed))) == {"a": ENTRY}


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "it is not JSON"), ("[]", "not an object"), ("{}", "lists no CPython 3.12"),
     (json.dumps({"a": {**ENTRY, "sha256": None}}), "a has no sha256"),
     (json.dumps({"a": {**ENTRY, "url": "file:///etc/shadow"}}), "not one that a host can reach")],
)  # fmt: skip
def test_a_list_that_cannot_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        _read(tmp_path, text)
