"""`fab init --container`: a Dockerfile to own, and an inventory of an app in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.inventory import load
from provisioning.scaffold import initialise

FLASK = "from flask import Flask\n\n\ndef create_app():\n    return Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def _lines(directory: Path) -> list[str]:
    return (directory / "Dockerfile").read_text().splitlines()


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (FLASK, '"app:create_app()"]'),
        (FASTAPI, '"--fd", "3", "--proxy-headers", "--forwarded-allow-ips", "*", "app:app"]'),
        ("", '"app:app"]'),
    ],
)
def test_the_dockerfile_starts_the_app_that_is_there(
    tmp_path: Path, source: str, command: str
) -> None:
    (tmp_path / "app.py").write_text(source)
    (tmp_path / "requirements.txt").write_text("flask\n")
    written = initialise(tmp_path, container=True)
    assert ("Dockerfile", "written") in [(each.path, each.state) for each in written]
    lines = _lines(tmp_path)
    assert lines[-1].startswith("CMD [")
    assert lines[-1].endswith(command)
    # What is required is installed before the code comes, and nobody is root.
    copy, code = lines.index("COPY requirements.txt ./"), lines.index("COPY . .")
    assert copy < code < lines.index("USER app")
    (app,) = load(tmp_path, environ={}).apps.values()
    assert (app.runtime, app.dockerfile) == ("container", "Dockerfile")


def test_a_dockerfile_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    written = initialise(tmp_path, container=True, force=True)
    assert ("Dockerfile", "kept") in [(each.path, each.state) for each in written]
    assert _lines(tmp_path) == ["FROM mine"]


def test_without_it_no_dockerfile_is_written(tmp_path: Path) -> None:
    initialise(tmp_path)
    assert not (tmp_path / "Dockerfile").exists()
