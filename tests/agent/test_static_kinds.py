"""What is a file in one release and a folder in another, at the same URL."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from provisioning.agent.answers import HistoryEvent
from provisioning.agent.apps.history import History
from provisioning.agent.apps.leftovers import Leftovers
from provisioning.agent.apps.manifest import MANIFEST
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.static_sources import static_sources_of
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.resources import Pruned, StaticFiles
from tests.agent.runs import Host
from tests.agent.trees import Tree, change
from tests.fakes.system import QuietSystem

KEEP = 2
SEQUENCES, RELEASES = 30, 7


@pytest.fixture
def layout(root: Path) -> AppLayout:
    layout = AppLayout("root")
    Path(layout.static).mkdir(parents=True)
    return layout


def _id(number: int) -> str:
    return f"20260102T0304{number:02}.000Z-abc1234"


def _make(layout: AppLayout, number: int, tree: Tree, *, earlier: bool = False) -> str:
    release = _id(number)
    code = Path(layout.code(release))
    code.mkdir(parents=True)
    for path, content in tree.files.items():
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).write_text(content)
    for path, target in tree.links.items():
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).symlink_to(target)
    manifest = {
        "release": release,
        "venv": "",
        "env": "",
        "static": {"/static/": "static"},
        "files": dict.fromkeys(tree.files, ""),
        **({} if earlier else {"links": tree.links}),
    }
    (code.parent / MANIFEST).write_text(json.dumps(manifest))
    return release


def _prepare(host: Host, release: str) -> None:
    outcome = host.run([StaticFiles("root", release)])
    assert not outcome.done.failed, outcome.failure


def _switch(host: Host, layout: AppLayout, release: str) -> None:
    _prepare(host, release)
    live = Path(layout.live_socket)
    live.unlink(missing_ok=True)
    live.symlink_to(layout.socket(release))
    History("root", System()).record(HistoryEvent("live", release))
    outcome = host.run([StaticFiles("root", release, replace=True), Pruned("root", KEEP)])
    assert not outcome.done.failed, outcome.failure
    assert host.run([StaticFiles("root", release, replace=True)]).changes == {}


def _must_serve(layout: AppLayout, release: str) -> None:
    """Fail unless each URL of a release gives the file that it has there."""
    for path, source in static_sources_of(Releases("root", System()), release).items():
        at, file = Path(layout.static, path), Path(layout.code(release), source)
        assert at.is_file(), path
        assert at.read_bytes() == file.read_bytes(), path


def test_a_file_that_becomes_a_folder_and_back(layout: AppLayout, host: Host) -> None:
    text = "a { color: red }\n" * 100
    one = _make(layout, 1, Tree({"static/a": "file", "static/b/x.css": text, "static/c.css": text}))
    _switch(host, layout, one)
    two = _make(layout, 2, Tree({"static/a/y.css": text, "static/a/d/z": "z", "static/b": "file"}))
    before = {each.name for each in Path(layout.static, "static").iterdir()}
    _prepare(host, two)
    # Nothing of it is seen before the switch, and all of it is ready.
    _must_serve(layout, one)
    assert Path(layout.static, "static", ".a.homeport-new", "y.css.gz").is_file()
    assert host.run([StaticFiles("root", two)]).changes == {}
    assert before < {each.name for each in Path(layout.static, "static").iterdir()}
    for release in (two, one, two):
        _switch(host, layout, release)
        _must_serve(layout, release)
        assert Leftovers("root", QuietSystem()).temporary() == []
    assert Path(layout.static, "static", "a", "y.css.gz").is_file()


def test_what_was_made_ready_for_a_release_that_never_came_is_swept(
    layout: AppLayout, host: Host
) -> None:
    one = _make(layout, 1, Tree({"static/a": "file"}))
    _switch(host, layout, one)
    two = _make(layout, 2, Tree({"static/a/y.css": "y"}))
    three = _make(layout, 3, Tree({"static/a/z.css": "z"}))
    _prepare(host, two)
    left = Leftovers("root", QuietSystem())
    assert left.temporary() == [f"{layout.static}/static/.a.homeport-new"]
    left.sweep()
    _switch(host, layout, three)
    assert [each.name for each in Path(layout.static, "static", "a").iterdir()] == ["z.css"]


def test_folders_that_have_become_empty_are_in_nobodys_way(layout: AppLayout, host: Host) -> None:
    Path(layout.static, "static", "a", "deep").mkdir(parents=True)
    one = _make(layout, 1, Tree({"static/a": "file"}))
    _prepare(host, one)
    _must_serve(layout, one)


def test_a_name_that_is_compressed_gives_way_to_the_releases_own(
    layout: AppLayout, host: Host
) -> None:
    text = "a { color: red }\n" * 100
    one = _make(layout, 1, Tree({"static/a.css": text}))
    _switch(host, layout, one)
    two = _make(layout, 2, Tree({"static/a.css": text + "/**/", "static/a.css.gz/x": "x"}))
    for release in (two, one, two):
        _switch(host, layout, release)
        _must_serve(layout, release)


def test_a_folder_on_another_disk_stays_one(layout: AppLayout, host: Host, root: Path) -> None:
    """Somebody has put a folder of the published files elsewhere, by a link."""
    (root / "disk").mkdir()
    Path(layout.static, "static").mkdir()
    Path(layout.static, "static", "img").symlink_to(root / "disk")
    one = _make(layout, 1, Tree({"static/img/a.png": "a"}))
    _switch(host, layout, one)
    assert Path(layout.static, "static", "img").is_symlink()
    assert (root / "disk" / "a.png").read_text() == "a"


def test_what_an_earlier_homeport_published_by_a_link_is_not_pruned(
    layout: AppLayout, host: Host
) -> None:
    """Its manifests do not say which links a release has."""
    tree = Tree({"frontend/dist/app.css": "a"}, {"static": "frontend/dist"})
    for number in (1, 2, 3):
        release = _make(layout, number, tree, earlier=True)
        _switch(host, layout, release)
        _must_serve(layout, release)
        assert Path(layout.static, "static", "app.css").exists()
    assert not Path(layout.release(_id(1))).exists()


def test_nothing_is_pruned_where_nobody_can_tell_what_is_served(
    layout: AppLayout, host: Host
) -> None:
    served = Path(layout.static, "static", "a.css")
    served.parent.mkdir()
    served.write_text("a")
    out = Tree({"app.py": ""}, {"static": "/etc"})
    for number in (1, 2, 3):
        release = _make(layout, number, out, earlier=True)
        History("root", System()).record(HistoryEvent("live", release))
    Path(layout.live_socket).symlink_to(layout.socket(release))
    assert not host.run([Pruned("root", KEEP)]).done.failed
    assert served.exists()
    assert not Path(layout.release(_id(1))).exists()


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_each_release_is_served_whole_whatever_came_before(
    layout: AppLayout, host: Host, seed: int
) -> None:
    dice = random.Random(seed)
    tree = Tree({"static/a.css": "a", "static/b/c.js": "c", "brand/logo.png": "x"})
    for number in range(1, RELEASES + 1):
        # In a folder of their own, so that most of what changes is published.
        files = {f"static/{path}": content for path, content in tree.files.items()}
        links = {f"static/{path}": target for path, target in tree.links.items()}
        release = _make(layout, number, Tree(files, links))
        previous = Releases("root", System()).live
        if previous and dice.random() < 0.4:
            _prepare(host, release)
            _must_serve(layout, previous)
            if dice.random() < 0.3:
                Leftovers("root", QuietSystem()).sweep()
        _switch(host, layout, release)
        _must_serve(layout, release)
        assert Leftovers("root", QuietSystem()).temporary() == []
        back = Releases("root", System()).previous
        if back and dice.random() < 0.4:
            _switch(host, layout, back)
            _must_serve(layout, back)
        tree = change(dice, tree)
