"""Requirements as lock files: what they name is what the app runs with, checked by its hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.steps import deploy, must_run_only
from tests.e2e.wheels import Wheel, download, served

pytestmark = pytest.mark.lab


@pytest.fixture
def wheels(lab: Lab, project: Project, tmp_path: Path) -> Iterator[list[Wheel]]:
    """What the app requires on Debian 12, served where the hosts find it."""
    paths = download(project.app / "requirements.txt", tmp_path / "wheels")
    with served(lab, tmp_path / "wheels") as url:
        yield [Wheel.of(path, url) for path in paths]


def as_pylock(found: list[Wheel]) -> dict[str, str]:
    """Return the lock file. Source: the PyPA's "pylock.toml Specification"."""
    packages = [
        f'[[packages]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        f'wheels = [{{ url = "{each.url}", hashes = {{ sha256 = "{each.sha256}" }} }}]\n'
        for each in found
    ]
    return {"pylock.toml": "\n".join(['lock-version = "1.0"\ncreated-by = "a test"\n', *packages])}


def as_uv_lock(found: list[Wheel]) -> dict[str, str]:
    """Return the lock file and its project. Source: what uv itself writes."""
    packages = [
        f'[[package]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
        f'wheels = [{{ url = "{each.url}", hash = "sha256:{each.sha256}" }}]\n'
        for each in found
    ]
    needs = ", ".join(f'{{ name = "{each.name}" }}' for each in found)
    itself = (
        '[[package]]\nname = "hello"\nversion = "1.0"\nsource = { virtual = "." }\n'
        f"dependencies = [{needs}]\n"
    )
    named = ", ".join(f'"{each.name}"' for each in found)
    return {
        "uv.lock": "\n".join(['version = 1\nrequires-python = ">=3.11"\n', *packages, itself]),
        "pyproject.toml": '[project]\nname = "hello"\nversion = "1.0"\n'
        f'requires-python = ">=3.11"\ndependencies = [{named}]\n',
    }


@pytest.mark.parametrize("written", [as_pylock, as_uv_lock], ids=["pylock.toml", "uv.lock"])
def test_an_app_runs_with_what_its_lock_file_names(
    project: Project,
    provisioned_host: Callable[..., LabHost],
    wheels: list[Wheel],
    written: Callable[[list[Wheel]], dict[str, str]],
):
    host = provisioned_host()
    for name, text in written(wheels).items():
        (project.app / name).write_text(text)
    (project.app / "requirements.txt").unlink()
    project.commit("a lock file")
    listing = next(iter(written(wheels)))
    project.configure("[apps.hello]\n", f'[apps.hello]\nrequirements = "{listing}"\n')
    must_run_only(host, deploy(project, host))
    installed = host.shell("ls /srv/hello/current/venv/lib/python3*/site-packages").lower()
    for each in wheels:
        assert f"{each.name}-{each.version}.dist-info" in installed
    # One digit of one hash is wrong: nothing of it is installed.
    lock = project.app / listing
    sha256 = wheels[0].sha256
    wrong = sha256[:-1] + ("0" if sha256[-1] != "0" else "1")
    lock.write_text(lock.read_text().replace(sha256, wrong))
    project.commit("a lock file that is not true")
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4, refused.output
    assert "hash" in refused.output.lower()
