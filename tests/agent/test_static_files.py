"""Static files of a new release: ready before the switch, in place after it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from provisioning.agent.apps.manifest import MANIFEST
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.resources import StaticFiles
from tests.agent.runs import Host

OLD, NEW = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"
STYLE, OTHER_STYLE = "a { color: red }\n" * 100, "a { color: blue }\n" * 100


@pytest.fixture
def pool(root: Path) -> Path:
    """Return where the web server looks, of an app with two releases."""
    layout = AppLayout("root")
    for release, style in ((OLD, STYLE), (NEW, OTHER_STYLE)):
        static = Path(layout.code(release), "static")
        static.mkdir(parents=True)
        (static / "style.css").write_text(style)
        (static / "same.txt").write_text("the same\n")
        (static / f"only-{release}.txt").write_text("one's own\n")
        # Small enough in one of them not to be compressed.
        (static / "news.txt").write_text("none" if release == NEW else "news\n" * 1000)
        # The app's own idea of how it is compressed.
        (static / "app.js").write_text(f"// {release}\n" * 100)
        (static / "app.js.gz").write_text(f"compressed by {release}'s own build")
        _write_manifest(release)
    return Path(layout.static)


def _write_manifest(release: str, folder: str = "static") -> None:
    """Write what is told of a release: a web server publishes the files that it names."""
    code = Path(AppLayout("root").code(release))
    files = {str(path.relative_to(code)): "" for path in code.rglob("*") if path.is_file()}
    manifest = json.dumps({"static": {"/static/": folder}, "files": files})
    (code.parent / MANIFEST).write_text(manifest)


def _files(release: str, *, replace: bool = False) -> StaticFiles:
    return StaticFiles("root", release, replace=replace)


def _content(pool: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in (pool / "static").iterdir()}


def test_what_differs_is_ready_before_the_switch_and_seen_after_it(pool: Path, host: Host) -> None:
    host.run([_files(OLD), _files(OLD, replace=True)])
    before = _content(pool)
    assert gzip.decompress(before["style.css.gz"]).decode() == before["style.css"].decode() == STYLE
    assert before["app.js.gz"] == f"compressed by {OLD}'s own build".encode()

    host.run([_files(NEW)])
    ready = _content(pool)
    assert {name: ready[name] for name in before} == before
    assert {*ready} - {*before} == {
        f"only-{NEW}.txt", ".style.css.homeport-new", ".style.css.gz.homeport-new",
        ".app.js.homeport-new", ".app.js.gz.homeport-new", ".news.txt.homeport-new",
    }  # fmt: skip
    assert host.run([_files(NEW)]).changes == {}

    host.run([_files(NEW, replace=True)])
    after = _content(pool)
    assert {*after} == {*before, f"only-{NEW}.txt"} - {"news.txt.gz"}
    assert gzip.decompress(after["style.css.gz"]).decode() == OTHER_STYLE
    assert after["style.css"].decode() == OTHER_STYLE
    assert after["app.js.gz"] == f"compressed by {NEW}'s own build".encode()
    assert host.run([_files(NEW, replace=True)]).changes == {}


def test_a_disk_that_is_full_after_the_switch_is_in_nobodys_way(
    pool: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run([_files(OLD), _files(NEW)])
    monkeypatch.setattr(System, "write_beside", _no_room)
    assert not host.run([_files(NEW, replace=True)]).done.failed
    assert _content(pool)["style.css"].decode() == OTHER_STYLE


def test_a_disk_that_fills_up_leaves_nothing_half_written(
    pool: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.run([_files(OLD)])
    before = _content(pool)
    write = System.write_beside

    def write_but_style(system: System, path: str, data: bytes, **options: str) -> None:
        if path.endswith("style.css"):
            _no_room()
        write(system, path, data, **options)

    monkeypatch.setattr(System, "write_beside", write_but_style)
    assert host.run([_files(NEW, replace=True)]).done.failed
    after = _content(pool)
    assert not [name for name in after if name.endswith(".homeport-new")]
    assert after["style.css.gz"] == before["style.css.gz"]


def test_files_are_replaced_without_having_been_made_ready(pool: Path, host: Host) -> None:
    host.run([_files(OLD)])
    host.run([_files(NEW, replace=True)])
    after = _content(pool)
    assert gzip.decompress(after["style.css.gz"]).decode() == OTHER_STYLE
    assert not [name for name in after if name.endswith(".homeport-new")]


def _no_room(*arguments: object, **options: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_was_not_deployed_is_not_published_however_it_came_there(
    pool: Path, host: Host
) -> None:
    code = Path(AppLayout("root").code(NEW))
    (code / "static" / "note.txt").write_text("somebody's")
    (code / "static" / "link.txt").symlink_to("/etc/hostname")
    assert not host.run([_files(NEW, replace=True)]).done.failed
    assert not {"note.txt", "link.txt"} & {*_content(pool)}


def test_a_release_says_itself_which_of_its_folders_are_static(pool: Path, host: Host) -> None:
    release = Path(AppLayout("root").release(NEW))
    (release / "code" / "static").rename(release / "code" / "web")
    _write_manifest(NEW, "web")
    host.run([_files(OLD, replace=True)])
    host.run([_files(NEW), _files(NEW, replace=True)])
    assert (pool / "static" / "style.css").read_text() == OTHER_STYLE
    host.run([_files(OLD), _files(OLD, replace=True)])
    assert (pool / "static" / "style.css").read_text() == STYLE
