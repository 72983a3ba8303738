"""A virtual environment: what its build is told, and what becomes of it when it fails.

That it is built is seen on real hosts; here something else stands in for the build's sandbox.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.apps.trusted import must_be_apps_to_run
from provisioning.agent.builds import build as builds
from provisioning.agent.builds.build import Build, BuildFailedError, folder_of, staged, unit_of
from provisioning.agent.builds.index import PYPI
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.resources import virtualenv
from provisioning.resources import Virtualenv
from tests.agent.runs import Host
from tests.agent.samples import PYTHON

GUNICORN = "gunicorn==27.0.1 --hash=sha256:abc"


class Builder:
    """Stands in for the sandbox: makes an environment where a build would leave it."""

    def __init__(self, result: Path) -> None:
        self.result = result
        self.builds: list[Build] = []
        self.steps: list[Mapping[str, Any]] = []
        self.then: Callable[[], object] = lambda: None

    def run(self, build: Build, system: System, steps: Sequence[Mapping[str, Any]]) -> None:
        self.builds.append(build)
        self.steps = list(steps)
        (self.result / "bin").mkdir(parents=True)
        (self.result / "bin" / "python").symlink_to(PYTHON)
        (self.result / "bin" / "python3").symlink_to("python")
        (self.result / "pyvenv.cfg").write_text(f"home = {Path(PYTHON).parent}\n")
        for path in (self.result, *self.result.rglob("*")):
            os.chown(path, 12345, 12345, follow_symlinks=False)
        self.then()


@pytest.fixture
def builder(root: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    made = Builder(root / "result")
    monkeypatch.setattr(Build, "result", property(lambda self: str(made.result)))
    monkeypatch.setattr(Build, "run", lambda self, system, steps: made.run(self, system, steps))
    # That of the tests may be anywhere.
    monkeypatch.setattr(virtualenv, "must_be_apps_to_run", lambda program, what: None)
    monkeypatch.setattr(builds, "end", lambda system, path: None)
    Path(AppLayout("root").venvs).mkdir(parents=True)
    return made


def _venv(**options: Any) -> Virtualenv:
    given: dict[str, Any] = {
        "files": {"requirements.txt": "flask\n"}, "owner": "root", "python": PYTHON, **options
    }  # fmt: skip
    return Virtualenv(f"{AppLayout('root').venvs}/v", **given)


def test_what_was_built_becomes_roots_and_is_whole(builder: Builder, host: Host) -> None:
    assert not host.run([_venv()]).done.failed
    path = Path(_venv().path)
    assert sorted(each.name for each in path.iterdir()) == [".ready", "bin", "pyvenv.cfg"]
    assert {each.lstat().st_uid for each in (path, *path.rglob("*"))} == {0}
    assert not builder.result.exists()
    assert sorted(each.name for each in path.parent.iterdir()) == ["v"]
    assert host.run([_venv()]).changes == {}
    assert len(builder.builds) == 1


@pytest.mark.parametrize(
    "change",
    [{"files": {"requirements.txt": "flask==3\n"}}, {"extra": {"gunicorn": GUNICORN}},
     {"files": {"pylock.toml": "x"}, "listing": "pylock.toml"}],
)  # fmt: skip
def test_another_recipe_is_built_anew(builder: Builder, host: Host, change: dict[str, Any]) -> None:
    host.run([_venv()])
    assert host.run([_venv(**change)]).changes
    assert len(builder.builds) == 2
    # What it may reach, and who asks, makes no other environment.
    assert host.run([_venv(**change, hosts=("a.example",))]).changes == {}


def _fail(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("how", ["a step", "the disk", "tampering"])
def test_of_a_build_that_failed_nothing_is_left(builder: Builder, host: Host, how: str) -> None:
    builder.then = {
        "a step": _fail(BuildFailedError("cannot build it", output="gcc: not found",
                                         refused_hosts=())),
        "the disk": _fail(OSError(28, "No space left on device")),
        "tampering": lambda: os.mkfifo(builder.result / "pipe"),
    }[how]  # fmt: skip
    failure = host.run([_venv()]).failure
    expected = {
        "a step": "cannot build it", "the disk": "No space left", "tampering": "was refused: pipe",
    }[how]  # fmt: skip
    assert expected in failure.message
    if how == "a step":
        assert "`packages`" in failure.hint
    assert list(Path(_venv().path).parent.iterdir()) == []
    assert not builder.result.exists()
    builder.then = lambda: None
    assert not host.run([_venv()]).done.failed


def test_hosts_that_were_refused_are_named_with_what_to_do(builder: Builder, host: Host) -> None:
    names = ("static.crates.io:443", "git.example.com:22")
    builder.then = _fail(BuildFailedError("cannot build it", output="x", refused_hosts=names))
    failure = host.run([_venv()]).failure
    assert "static.crates.io:443, git.example.com:22" in failure.hint
    assert "`build_hosts`" in failure.hint


def test_a_build_may_reach_the_index_and_what_is_named(builder: Builder, host: Host) -> None:
    files = {"requirements.txt": "-r more.txt\n", "more.txt": "x @ https://a.example.com/x.whl\n"}
    host.run([_venv(files=files, hosts=("Static.Crates.IO", "git.example.com:8443"))])
    (build,) = builder.builds
    found = set(build.hosts)
    assert {*PYPI, "a.example.com:443", "static.crates.io:443", "git.example.com:8443"} <= found


def test_an_interpreter_that_others_can_change_is_not_used(
    builder: Builder, host: Host, root: Path
) -> None:
    python = root / "python"
    python.touch(0o777)
    python.chmod(0o777)
    failure = host.run([_venv(python=str(python))]).failure
    assert "users other than root can change" in failure.message
    assert builder.builds == []


def test_an_interpreter_that_no_app_can_run_is_not_used(root: Path) -> None:
    python = root / "closed" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    # Whatever is above the test's own directory.
    closed = next(
        each for each in (*reversed(root.parents), root, python.parent.parent, python.parent)
        if not each.stat().st_mode & 0o001 or each == python.parent
    )  # fmt: skip
    python.parent.chmod(0o700)
    with pytest.raises(AgentError, match=f"apps cannot enter {closed}, where ") as caught:
        must_be_apps_to_run(str(python), "the interpreter")
    assert "below /opt or /usr/local" in caught.value.hint


def test_debians_own_is_there_for_all() -> None:
    must_be_apps_to_run("/usr/bin/env", "the interpreter")
    with pytest.raises(AgentError, match="apps cannot enter /root,"):
        must_be_apps_to_run("/root/bin/python", "the interpreter")


def test_an_interpreter_that_is_not_there_is_named_with_the_way_out(
    builder: Builder, host: Host
) -> None:
    failure = host.run([_venv(python="/usr/bin/python3.99")]).failure
    assert failure.message.endswith("does not exist: /usr/bin/python3.99")
    assert "uv downloads it" in failure.hint


def test_each_app_has_a_user_and_folders_of_its_own() -> None:
    made = [Build(f"/srv/{app}/venvs/v", app, ()) for app in ("one", "two", "homeport", "")]
    for name in ("_user", "cache", "result", "unit"):
        assert len({getattr(build, name) for build in made}) == len(made), name
    # Source: systemd.exec(5), User=.
    assert all(len(build._user) <= 31 for build in made)
    assert folder_of("homeport") != folder_of("")
    assert unit_of("/srv/one/venvs/v") == made[0].unit


def test_the_servers_requirements_are_installed_with_hashes_and_without_others(
    builder: Builder, host: Host
) -> None:
    host.run([_venv(extra={"gunicorn": GUNICORN})])
    last = builder.steps[-1]
    assert last["lacking"] == {"gunicorn": GUNICORN}
    assert {"--require-hashes", "--no-deps"} <= set(last["argv"])
    (install,) = [step for step in builder.steps[:-1] if "install" in step.get("argv", ())]
    assert "--require-hashes" not in install["argv"]
    host.run([_venv(require_hashes=True)])
    assert "--require-hashes" in builder.steps[-1]["argv"]


def test_what_a_build_is_made_from_is_roots_and_gone_afterwards(
    builder: Builder, host: Host, root: Path
) -> None:
    """The build reads it through a mount; also what a release here has already is not sent."""
    seen: dict[str, tuple[str, int]] = {}

    def look() -> None:
        top = Path(staged())
        for path in sorted(top.rglob("*")):
            if path.is_symlink():
                seen[path.relative_to(top).as_posix()] = (str(path.readlink()), 0)
            elif path.is_file():
                mode = path.stat().st_mode & 0o7777
                seen[path.relative_to(top).as_posix()] = (path.read_text(), mode)

    builder.then = look
    packages = {"pyproject.toml": "[project]", "src/run.sh": "exit"}
    venv = _venv(packages=packages, executables=("src/run.sh",), links={"src/x": "run.sh"})
    assert not host.run([venv]).done.failed
    assert seen == {
        "requirements.txt": ("flask\n", 0o644), "pyproject.toml": ("[project]", 0o644),
        "src/run.sh": ("exit", 0o755), "src/x": ("run.sh", 0),
    }  # fmt: skip
    assert not Path(staged()).exists()
    assert sorted(each.name for each in Path(venv.path).iterdir()) == [
        ".ready", "bin", "pyvenv.cfg",
    ]  # fmt: skip


def test_secrets_are_the_builds_and_make_no_other_environment(builder: Builder, host: Host) -> None:
    secrets = json.dumps({"UV_DEFAULT_INDEX": "https://ann:canary@own.example/simple", "A": "b/c"})
    output = "cannot reach https://ann:canary@own.example/simple with b%2Fc"
    builder.then = _fail(BuildFailedError("cannot build it", output=output, refused_hosts=()))
    failure = host.run([_venv(secrets=secrets)]).failure
    assert failure.output == "cannot reach *** with ***"
    (build,) = builder.builds
    assert build.secrets["A"] == "b/c"
    assert "A" not in build.env
    assert "canary" not in repr(build)
    # The index is the one that the secret names.
    assert "own.example:443" in build.hosts
    assert not set(PYPI) & set(build.hosts)
    builder.then = lambda: None
    assert host.run([_venv(secrets=secrets)]).changes
    assert host.run([_venv(secrets='{"A": "another"}')]).changes == {}


@pytest.mark.parametrize(
    "change",
    [{"packages": {"a.py": ""}}, {"links": {"a": "b"}}, {"extras": ("pg",)}, {"groups": ("prod",)},
     {"member": "lib"}, {"install_project": False}],
)  # fmt: skip
def test_another_choice_is_another_recipe(
    builder: Builder, host: Host, change: dict[str, Any]
) -> None:
    host.run([_venv()])
    assert host.run([_venv(**change)]).changes
    assert host.run([_venv(**change)]).changes == {}


def test_uv_itself_is_installed_by_hashes_alone(builder: Builder, host: Host) -> None:
    host.run([_venv(uv="", owner="", require_hashes=True)])
    assert "--require-hashes" in builder.steps[-1]["argv"]
    assert builder.steps[0]["argv"][0] == PYTHON
