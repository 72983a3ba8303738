"""Which files make a release, and which requirements."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.agent.apps.releases import RELEASE_ID
from provisioning.agent.resource import decode, encode
from provisioning.agent.resources import TYPES
from provisioning.agent.runs.wire import Decoder, pack
from provisioning.deploy.artifact import Artifact, build_artifact
from provisioning.deploy.missing_files import MissingFiles, check_missing
from provisioning.errors import ConfigurationError
from provisioning.protocol.plan import make_plan
from provisioning.resources import Release


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "hello"
    path.mkdir()
    (path / "app.py").write_text("app = 1\n")
    (path / "requirements.txt").write_text("flask\n")
    return path


def _git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments],
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _commit(directory: Path) -> str:
    _git(directory, "init", "-q")
    _git(directory, "add", "-A")
    _git(directory, "commit", "-q", "-m", "x")
    return _git(directory, "rev-parse", "HEAD")


def _build(source: Path, requirements: str = "requirements.txt") -> Artifact:
    return build_artifact(source, requirements, now=1_700_000_000)


def test_what_git_tracks_is_deployed_and_nothing_else(source: Path) -> None:
    (source / ".gitignore").write_text("*.log\n")
    commit = _commit(source)
    (source / "untracked.py").write_text("x")
    (source / "x.log").write_text("x")
    artifact = _build(source)
    assert sorted(artifact.files) == [".gitignore", "app.py", "requirements.txt"]
    assert artifact.files["app.py"] == b"app = 1\n"
    assert artifact.commit == commit
    assert artifact.release == f"20231114T221320.000Z-{commit[:7]}"
    assert not artifact.dirty


def test_two_releases_of_one_second_are_told_apart(source: Path) -> None:
    first, second = (
        build_artifact(source, "requirements.txt", now=now).release
        for now in (1_700_000_000.25, 1_700_000_000.5)
    )
    assert (first, second) == ("20231114T221320.250Z-nocommit", "20231114T221320.500Z-nocommit")
    assert RELEASE_ID.fullmatch(first)


@pytest.mark.parametrize(
    ("change", "dirty"),
    [
        (lambda source: (source / "app.py").write_text("app = 2\n"), True),
        (lambda source: (source / "app.py").unlink(), True),
        (lambda source: (source / "app.py").chmod(0o755), True),
        (lambda source: (source / "untracked").write_text("x"), False),
        (lambda source: (source.parent / "beside").write_text("x"), False),
    ],
    ids=["edited", "deleted", "another mode", "untracked", "elsewhere"],
)
def test_a_working_tree_with_changes_is_called_dirty(
    source: Path, change: Callable[[Path], object], dirty: bool
) -> None:
    _commit(source)
    change(source)
    assert _build(source).dirty is dirty


def test_what_git_neither_tracks_nor_ignores_is_named(source: Path) -> None:
    (source / ".gitignore").write_text("*.log\n")
    _commit(source)
    for path in ("new.py", "folder/a.py", "folder/b.py", "app.log", "built/x.js", "odd \u00e4.txt"):
        (source / path).parent.mkdir(exist_ok=True)
        (source / path).write_text("x")
    (source / "app.py").write_text("changed")
    artifact = build_artifact(source, "requirements.txt", include=["built"])
    assert artifact.untracked == ("folder/", "new.py", "odd \u00e4.txt")
    assert artifact.dirty


def test_what_is_untracked_elsewhere_in_the_repository_is_none_of_the_apps(source: Path) -> None:
    _commit(source.parent)
    (source.parent / "elsewhere.py").write_text("x")
    (source / "new.py").write_text("x")
    assert _build(source).untracked == ("new.py",)


def test_a_file_that_was_deleted_and_not_committed_is_left_out(source: Path) -> None:
    _commit(source)
    (source / "app.py").unlink()
    assert sorted(_build(source).files) == ["requirements.txt"]


def test_a_new_file_that_was_added_but_not_committed_is_deployed(source: Path) -> None:
    _commit(source)
    (source / "new.py").write_text("x")
    _git(source, "add", "new.py")
    artifact = _build(source)
    assert "new.py" in artifact.files
    assert artifact.dirty


def test_a_folder_of_a_repository_is_a_source_of_its_own(source: Path) -> None:
    (source.parent / "other.py").write_text("x")
    commit = _commit(source.parent)
    (source.parent / "other.py").write_text("changed")
    artifact = _build(source)
    assert sorted(artifact.files) == ["app.py", "requirements.txt"]
    assert artifact.commit == commit
    assert not artifact.dirty, "what changed is not of this app"


def test_what_is_to_be_included_is_deployed_though_git_does_not_track_it(source: Path) -> None:
    (source / ".gitignore").write_text("dist/\n*.map\n")
    _commit(source)
    for name in ("static/dist/app.js", "static/dist/deep/app.css", "static/x", "app.map"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("built")
    (source / "static/dist/latest.js").symlink_to("app.js")
    (source / "static/dist/deep/app.css").chmod(0o755)
    artifact = build_artifact(
        source, "requirements.txt", include=("static/dist", "app.map", "app.py"), now=0
    )
    assert sorted(artifact.files) == [
        ".gitignore", "app.map", "app.py", "requirements.txt",
        "static/dist/app.js", "static/dist/deep/app.css",
    ]  # fmt: skip
    assert artifact.links == {"static/dist/latest.js": "app.js"}
    assert artifact.executables == ("static/dist/deep/app.css",)
    assert not artifact.dirty


def test_what_is_to_be_included_must_be_there(source: Path) -> None:
    _commit(source)
    with pytest.raises(ConfigurationError, match=r"cannot include .*/dist: there is no such") as no:
        build_artifact(source, "requirements.txt", include=("dist",))
    assert "before-build hook" in no.value.hint


def test_without_git_everything_is_deployed_but_what_is_ignored(source: Path) -> None:
    (source / ".gitignore").write_text("*.log\nbuild/\n")
    for name in (
        "x.log",
        ".env",
        "build/out",
        ".venv/bin/python",
        "pkg/__pycache__/a.pyc",
        "pkg/a.py",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    artifact = _build(source)
    assert sorted(artifact.files) == [".gitignore", "app.py", "pkg/a.py", "requirements.txt"]
    assert artifact.release == "20231114T221320.000Z-nocommit"
    assert artifact.commit == ""
    assert not artifact.dirty
    assert not (source / ".git").exists()


def test_where_git_is_not_installed_the_usual_leftovers_stay_behind(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (source / "deep").mkdir()
    (source / "deep" / "a.py").write_text("x")
    (source / "shortcut").symlink_to("deep")
    (source / ".venv" / "bin").mkdir(parents=True)
    (source / ".venv" / "bin" / "python").write_text("x")
    (source / ".env").write_text("SECRET=1")
    artifact = _build(source)
    assert sorted(artifact.files) == ["app.py", "deep/a.py", "requirements.txt"]
    assert artifact.links == {"shortcut": "deep"}


def test_the_files_of_submodules_are_deployed(source: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "lib.py").write_text("x")
    _commit(library)
    _git(source, "init", "-q")
    _git(
        source,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(library),
        "vendored",
    )
    _commit(source)
    assert _build(source).files["vendored/lib.py"] == b"x"


def test_a_repository_that_git_does_not_trust_is_not_deployed_whole(source: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    _commit(source)
    (source / "local-secret").write_text("x")
    for path in (source, *source.rglob("*")):
        os.lchown(path, 12345, 12345)
    with pytest.raises(ConfigurationError, match="does not trust") as caught:
        _build(source)
    assert "safe.directory" in caught.value.hint


def test_a_hook_of_another_repository_does_not_mislead(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = _commit(source)
    other = tmp_path / "other"
    other.mkdir()
    (other / "x").write_text("x")
    _commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert _build(source).commit == commit


@pytest.mark.parametrize("tracked", [True, False], ids=["git", "no git"])
def test_links_and_executables_stay_what_they_are(source: Path, tracked: bool) -> None:
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o755)
    (source / "deep").mkdir()
    (source / "deep" / "a.py").write_text("x")
    (source / "to-file").symlink_to("app.py")
    (source / "to-folder").symlink_to("deep")
    (source / "to-nowhere").symlink_to("/nowhere")
    if tracked:
        _commit(source)
    artifact = _build(source)
    assert artifact.executables == ("run",)
    assert artifact.links == {
        "to-file": "app.py",
        "to-folder": "deep",
        "to-nowhere": "/nowhere",
    }
    assert sorted(artifact.files) == ["app.py", "deep/a.py", "requirements.txt", "run"]


NAMES = [
    "with space",
    "ünïcode",
    "new\nline",
    "quote'\"",
    "-dash",
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
]


@pytest.mark.parametrize("tracked", [True, False], ids=["git", "no git"])
def test_any_file_name_reaches_the_host(source: Path, tracked: bool) -> None:
    for name in NAMES:
        (source / name).write_text(name, errors="surrogateescape")
    if tracked:
        _commit(source)
    artifact = _build(source)
    assert set(NAMES) < set(artifact.files)
    release = Release(
        app="hello", release=artifact.release, files=artifact.files, runtime="", python="",
        env="{}", proposed="{}",
    )  # fmt: skip
    decoder = Decoder()
    decoder.feed(pack(encode(make_plan([release]).resources[0])))
    (message,) = decoder
    assert isinstance(message, dict)
    arrived = decode(TYPES, message)
    assert isinstance(arrived, Release)
    assert set(arrived.files) == set(artifact.files)


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there are no files in it") as caught:
        _build(tmp_path)
    assert caught.value.hint.startswith("git add what belongs to the app, or correct")


def test_hashes_are_noticed(source: Path) -> None:
    assert not _build(source).requirements.require_hashes
    (source / "requirements.txt").write_text("flask==3 \\\n    --hash=sha256:abc\n")
    assert _build(source).requirements.require_hashes


def test_what_python_has_compiled_is_left_out_and_told(source: Path) -> None:
    """Each host compiles its own; a file or link of that name would be in its way."""
    for path in ("__pycache__/app.cpython-311.pyc", "pkg/__pycache__/note.txt", "old.pyc"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text("x")
    (source / "deep").mkdir()
    (source / "deep" / "__pycache__").symlink_to("/tmp")
    _git(source, "init", "-q")
    _git(source, "add", "--force", ".")
    _git(source, "commit", "-q", "-m", "all of it")
    artifact = _build(source)
    assert "old.pyc" in artifact.files
    assert sorted(artifact.compiled) == [
        "__pycache__/app.cpython-311.pyc", "deep/__pycache__", "pkg/__pycache__/note.txt",
    ]  # fmt: skip
    assert not [path for path in (*artifact.files, *artifact.links) if "__pycache__" in path]


POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def test_pointers_of_git_lfs_are_no_files(source: Path) -> None:
    (source / "logo.png").write_text(POINTER)
    (source / "about-lfs.md").write_text(f"# LFS\n{POINTER}")
    (source / "large.txt").write_text(POINTER + "x" * 1024)
    assert _build(source).missing == MissingFiles(pointers=("logo.png",))
    _commit(source)
    assert _build(source).missing == MissingFiles(pointers=("logo.png",))


def test_what_is_tracked_and_not_checked_out_is_missing(source: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "lib.py").write_text("x = 1\n")
    _commit(lib)
    for name in ("a.html", "b.html", "c.html"):
        (source / name).write_text(name)
    _commit(source)
    _git(
        source,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(lib),
        "vendor/lib",
    )
    _git(source, "commit", "-q", "-m", "y")
    assert _build(source).missing == MissingFiles()
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "-q", str(source), str(clone))
    _git(clone, "update-index", "--skip-worktree", "a.html")
    (clone / "a.html").unlink()
    (clone / "b.html").unlink()
    _git(clone, "rm", "-q", "c.html")
    artifact = _build(clone)
    assert artifact.missing == MissingFiles(
        submodules=("vendor/lib",), skipped=("a.html",), deleted=("b.html",)
    )
    assert artifact.dirty
    # The app may be a folder of its repository.
    below = tmp_path / "mono"
    (below / "site").mkdir(parents=True)
    (below / "site" / "app.py").write_text("x = 1\n")
    (below / "site" / "requirements.txt").write_text("flask\n")
    (below / "site" / "old.txt").write_text("x")
    _commit(below)
    (below / "site" / "old.txt").unlink()
    assert _build(below / "site").missing == MissingFiles(deleted=("old.txt",))


def test_a_checkout_that_lacks_files_is_refused_with_each_and_its_mend() -> None:
    lacking = MissingFiles(pointers=("logo.png",), submodules=("vendor/lib",), skipped=("a.html",))
    with pytest.raises(ConfigurationError) as refused:
        check_missing("hello", lacking, allowed=False)
    assert refused.value.message == "cannot deploy hello: the checkout is not complete"
    assert refused.value.output.splitlines() == [
        "a pointer of Git LFS, not the file: logo.png",
        "submodule, not checked out: vendor/lib",
        "tracked, not checked out: a.html",
    ]
    for mend in ("git lfs pull", "git submodule update", "--no-skip-worktree", "--allow-missing"):
        assert mend in refused.value.hint
    assert check_missing("hello", lacking, allowed=True) == refused.value.output.splitlines()


def test_what_was_deleted_is_said() -> None:
    notes = check_missing("hello", MissingFiles(deleted=("a", "b")), allowed=False)
    assert notes == ["not deployed, because it was deleted: a, b"]
    assert check_missing("hello", MissingFiles(), allowed=False) == []


def test_a_package_of_the_source_is_what_git_tracks_of_it(source: Path) -> None:
    _commit(source)
    (source / "lib").mkdir()
    (source / "lib" / "pyproject.toml").write_text("[project]\n")
    (source / "lib" / "run.sh").write_text("exit\n")
    (source / "lib" / "link").symlink_to("run.sh")
    (source / "requirements.txt").write_text("./lib\n")
    with pytest.raises(ConfigurationError, match="git tracks no file there") as caught:
        _build(source)
    assert "git add" in caught.value.hint
    _git(source, "add", "lib")
    artifact = _build(source)
    assert sorted(artifact.packages) == ["lib/pyproject.toml", "lib/run.sh"]
    assert artifact.package_links == {"lib/link": "run.sh"}
