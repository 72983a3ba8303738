"""Projects as people have them: workspaces, several indexes, local packages, Python versions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.steps import deploy, deploy_change, must_run_only
from tests.e2e.wheels import Wheel, download, make, served

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

PROJECT = """
[project]
name = "hello"
version = "4.2"
requires-python = ">=3.11"
dependencies = ["mylib", "lib"]
scripts = {{ hello-check = "app:create_app" }}
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["app"]
[tool.uv.workspace]
members = ["packages/*"]
[tool.uv.sources]
lib = {{ workspace = true }}
mylib = {{ index = "own" }}
[[tool.uv.index]]
name = "own"
url = "{url}/simple"
explicit = true
"""

LIB = """
[project]
name = "lib"
version = "0.7"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel]
packages = ["lib"]
"""

VERSIONS = (
    "import importlib.metadata as m, lib; "
    "print(m.version('hello'), m.version('lib'), m.version('mylib'))"
)


def _lock(found: list[Wheel], own: Wheel, url: str) -> str:
    """Return a uv.lock. Source: what uv itself writes."""
    packages = [
        f'[[package]]\nname = "{each.name}"\nversion = "{each.version}"\n'
        f'source = {{ registry = "{index}" }}\n'
        f'wheels = [{{ url = "{each.url}", hash = "sha256:{each.sha256}" }}]\n'
        for each, index in [
            (own, f"{url}/simple"),
            *((w, "https://pypi.org/simple") for w in found),
        ]
    ]
    needs = ", ".join(f'{{ name = "{each.name}" }}' for each in (own, *found))
    return "\n".join(
        ['version = 1\nrequires-python = ">=3.11"\n[manifest]\nmembers = ["hello", "lib"]\n',
         *packages,
         '[[package]]\nname = "lib"\nversion = "0.7"\nsource = { editable = "packages/lib" }\n',
         '[[package]]\nname = "hello"\nversion = "4.2"\nsource = { editable = "." }\n'
         f'dependencies = [{needs}, {{ name = "lib" }}]\n']
    )  # fmt: skip


def _virtualenv(host: LabHost) -> str:
    return host.shell("readlink -f /srv/hello/current/venv").strip()


def _write(project: Project, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = project.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project.commit("dependencies")


@pytest.mark.parametrize(("suite", "python"), [("bookworm", "3.11"), ("trixie", "3.13")])
def test_a_workspace_with_an_index_of_its_own_is_installed_as_uv_does_it(
    lab: Lab,
    project: Project,
    provisioned_host: Callable[..., LabHost],
    tmp_path: Path,
    suite: str,
    python: str,
) -> None:
    host = provisioned_host(suite)
    paths = download(project.app / "requirements.txt", tmp_path / "wheels", python=python)
    own = make(tmp_path / "wheels", "mylib", "2.0+cpu")
    with served(lab, tmp_path / "wheels") as url:
        lock = _lock([Wheel.of(path, url) for path in paths], Wheel.of(own, url), url)
        _write(project, {
            "uv.lock": lock, "pyproject.toml": PROJECT.format(url=url),
            "packages/lib/pyproject.toml": LIB, "packages/lib/lib/__init__.py": "",
        })  # fmt: skip
        project.configure("[apps.hello]\n", '[apps.hello]\nrequirements = "uv.lock"\n')
        must_run_only(host, deploy(project, host))
        program = "/srv/hello/current/venv/bin/python"
        assert host.shell(f'{program} -I -c "{VERSIONS}"').split() == ["4.2", "0.7", "2.0+cpu"]
        assert host.shell("ls /srv/hello/current/venv/bin/hello-check")
        left = host.shell("ls /srv/hello/current/venv; ls /var/lib/homeport")
        assert not {"requirements", "uv.lock", "build"} & set(left.split())
        first = _virtualenv(host)
        deploy_change(project, host)
        second = _virtualenv(host)
        assert first != second
        # Without itself it needs none of its own for a change of the code.
        project.configure("[apps.hello]\n", "[apps.hello]\ninstall_project = false\n")
        deploy(project, host)
        third = _virtualenv(host)
        deploy_change(project, host)
        assert _virtualenv(host) == third
        assert host.shell(f"ls {third}/bin").split().count("hello-check") == 0


def test_packages_of_the_source_travel_and_are_built_there(
    project: Project, provisioned_host: Callable[..., LabHost]
) -> None:
    host = provisioned_host()
    make(project.app / "wheels", "onlyhere", "1.5")
    make(project.app / "more", "byname", "2.5")
    text = (project.app / "requirements.txt").read_text()
    plain = "\n".join(
        line.split("\\")[0] for line in text.splitlines() if "--hash" not in line
    )  # fmt: skip
    lines = "onlyhere\n--find-links ./wheels\n./more/byname-2.5-py3-none-any.whl\n-e ./lib[x]\n"
    _write(project, {"lib/pyproject.toml": LIB, "lib/lib/__init__.py": "VALUE = 7\n"})
    (project.app / "requirements.txt").write_bytes(f"{plain}\n{lines}".encode("utf-16"))
    project.commit("local packages, in the encoding of PowerShell")
    must_run_only(host, deploy(project, host))
    python = "/srv/hello/current/venv/bin/python"
    shown = host.shell(
        f'{python} -I -c "import importlib.metadata as m, lib; print(lib.VALUE, '
        "m.version('onlyhere'), m.version('byname'))\""
    )
    assert shown.split() == ["7", "1.5", "2.5"]


# How uv gets credentials: the line in the requirements, and the build's variables.
WAYS = {
    "variables in a file": (
        "--extra-index-url http://${{INDEX_USER}}:${{INDEX_TOKEN}}@{place}/simple",
        'INDEX_USER = {{ env = "OPERATORS_USER" }}\nINDEX_TOKEN = {{ env = "OPERATORS_TOKEN" }}\n',
    ),
    "a named index": (
        "",
        'UV_INDEX = {{ env = "OPERATORS_INDEX" }}\n'
        'UV_INDEX_OWN_USERNAME = {{ env = "OPERATORS_USER" }}\n'
        'UV_INDEX_OWN_PASSWORD = {{ env = "OPERATORS_TOKEN" }}\n',
    ),
    "a netrc file": (
        "--extra-index-url http://{place}/simple",
        'NETRC = {{ env = "OPERATORS_NETRC" }}\n',
    ),
}

EVERYWHERE = "/srv /var /run /tmp /etc /root /home /opt /usr/local /dev/shm"


@pytest.mark.parametrize("way", WAYS)
def test_credentials_of_a_private_index_are_the_builds_alone(
    lab: Lab, project: Project, provisioned_host: Callable[..., LabHost], tmp_path: Path, way: str
) -> None:
    host = provisioned_host()
    wheel = make(tmp_path / "index" / "files", "mylib", "2.0")
    sha256 = Wheel.of(wheel, "").sha256
    page = tmp_path / "index" / "simple" / "mylib" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="/files/{wheel.name}#sha256={sha256}">{wheel.name}</a>')
    listing = project.app / "requirements.txt"
    with served(lab, tmp_path / "index", login="ann:canary-7c1f") as url:
        place = url.removeprefix("http://")
        line, variables = (each.format(place=place) for each in WAYS[way])
        listing.write_text(f"{line}\n{listing.read_text()}\nmylib==2.0 --hash=sha256:{sha256}\n")
        project.commit("a private index")
        project.configure(
            "[apps.hello.env]\n", f"[apps.hello.build_secrets]\n{variables}[apps.hello.env]\n"
        )
        project.env |= {"OPERATORS_USER": "ann", "OPERATORS_INDEX": f"own={url}/simple"}
        for token in ("wrong-canary", "canary-7c1f"):
            project.env["OPERATORS_TOKEN"] = token
            project.env["OPERATORS_NETRC"] = (
                f"machine {place.partition(':')[0]}\nlogin ann\npassword {token}\n"
            )
            result = project.fab("-H", host.name, "deploy")
            assert "canary" not in result.output, result.output
            if token == "wrong-canary":
                assert result.code == 4, result.output
                assert "build_secrets" in result.output
        result.must_succeed()
    assert "mylib-2.0.dist-info" in host.shell(
        "ls /srv/hello/current/venv/lib/python3*/site-packages"
    )
    # Neither in files, in what is compressed or encoded there, nor in the journal or a process.
    words = "canary-7c1f|wrong-canary|" + base64.b64encode(b"ann:canary-7c1f").decode()[:-2]
    found = host.shell(
        f"journalctl --no-pager | grep -cE '{words}' || true; "
        f"grep -rlaE '{words}' {EVERYWHERE} || true; "
        "grep -laE 'NETRC=|UV_INDEX_OWN|INDEX_TOKEN' /proc/[0-9]*/environ || true"
    )
    assert found.split() == ["0"], found


def test_what_cannot_be_met_is_refused_before_anything_is_built(
    project: Project, deployed_host: Callable[..., LabHost]
) -> None:
    host = deployed_host()
    before = host.shell("ls /srv/hello/venvs; readlink /srv/hello/live.sock")
    _write(project, {
        "pyproject.toml": '[project]\nname = "hello"\nversion = "1"\n'
        'requires-python = ">=3.12"\ndependencies = ["flask"]\n',
    })  # fmt: skip
    project.configure("[apps.hello]\n", '[apps.hello]\nrequirements = "pyproject.toml"\n')
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4, refused.output
    assert f"{host.name}: Debian 12, Python 3.11" in refused.output
    assert "Debian 13 has Python 3.13" in refused.output
    assert host.shell("ls /srv/hello/venvs; readlink /srv/hello/live.sock") == before


def test_a_server_that_is_too_old_is_refused_by_its_version(
    project: Project, deployed_host: Callable[..., LabHost]
) -> None:
    host = deployed_host()
    before = host.shell("ls /srv/hello/venvs; readlink /srv/hello/live.sock")
    _write(project, {"requirements.txt": "flask\ngunicorn==20.1.0\n"})
    refused = project.fab("-H", host.name, "deploy")
    assert refused.code == 4, refused.output
    assert "gunicorn 20.1.0 is too old" in refused.output
    assert "raise gunicorn in requirements.txt" in refused.output
    assert host.shell("ls /srv/hello/venvs; readlink /srv/hello/live.sock") == before
