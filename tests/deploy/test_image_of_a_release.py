"""Which image a release gets: one for each set of files, and what it is built with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.deploy.artifact import Artifact, build_artifact
from provisioning.deploy.deployment import Deployment
from provisioning.deploy.runtimes import container
from provisioning.deploy.steps import build
from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app import App
from provisioning.resources import Image
from tests.roles.samples import BOOKWORM


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    (tmp_path / "app.py").write_text("app = None\n")
    return build_artifact(tmp_path, "")


def _deployment(artifact: Artifact, *, replaces: bool = False, **options: Any) -> Deployment:
    app = App(name="hello", source=".", runtime="container", domains=["hello.test"], **options)
    return Deployment(app, artifact, {}, {}, https=False, by="x", replace=replaces)


def _made(artifact: Artifact, **options: Any) -> Image:
    [made] = container.prepare(_deployment(artifact, **options), BOOKWORM).resources
    assert isinstance(made, Image)
    return made


def test_another_one_is_made_only_for_what_makes_a_difference(artifact: Artifact) -> None:
    first = _made(artifact).path
    assert first.startswith("/srv/hello/images/")
    assert _made(replace(artifact, release="20260102T030405.000Z-abc1234")).path == first
    assert _made(artifact, build_hosts=["a.example"]).path == first
    others = [
        _made(replace(artifact, files={**artifact.files, "app.py": b"x"})).path,
        _made(replace(artifact, executables=("app.py",))).path,
        _made(artifact, base_images={"x": "/x.tar"}).path,
        _made(artifact, replaces=True).path,
    ]
    assert len({first, *others}) == 5


def test_a_replacement_believes_nothing_of_before(artifact: Artifact) -> None:
    assert not _made(artifact).fresh
    assert _made(artifact, replaces=True).fresh


def test_without_its_dockerfile_nothing_is_asked_of_any_host(artifact: Artifact) -> None:
    with pytest.raises(ConfigurationError, match="other/Dockerfile is not deployed"):
        _made(artifact, dockerfile="other/Dockerfile")


def test_its_units_take_from_the_image_what_only_the_host_knows(artifact: Artifact) -> None:
    deployment = _deployment(
        artifact, shared=["uploads"], processes={"worker": {"run": "bin/work --fast"}}
    )
    plan = {each.kind: each for each in build(deployment, BOOKWORM)}
    release: Any = plan["release"]
    assert "virtualenv" not in plan
    web = release.units[f"hello@{artifact.release}.service"].text
    worker = release.units[f"hello.worker.1@{artifact.release}.service"].text
    for unit in (web, worker):
        assert "\nRootDirectory=/srv/hello/images/@HOMEPORT:IMAGE@/rootfs\n" in unit
        # Otherwise root would run a program of the image.
        assert "\nRootDirectoryStartOnly=yes\n" in unit
        assert "\nBindPaths=/srv/hello/shared/uploads:@HOMEPORT:DIRECTORY@/uploads\n" in unit
    assert "\nExecStart=@HOMEPORT:COMMAND@\n" in web
    assert '\nExecStart="@HOMEPORT:DIRECTORY@/bin/work" "--fast"\n' in worker
