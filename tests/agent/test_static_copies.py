"""Copies of static files that are compressed with brotli, by a program that stands in for it."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from pathlib import Path

import pytest

from provisioning.agent import events
from provisioning.agent.apps import static_copies
from provisioning.agent.apps.manifest import MANIFEST
from provisioning.agent.apps.static_copies import original_of
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.system import System
from provisioning.agent.resources import static_copies as resource
from provisioning.resources import Pruned, StaticCopies, StaticFiles
from tests.agent.runs import Host

OLD, NEW = "20260102T030405.000Z-abc1234", "20260103T030405.000Z-def5678"
STYLE, OTHER_STYLE = "a { color: red }\n" * 100, "a { color: blue }\n" * 100

PROGRAM = """#!/usr/bin/python3 -IS
import os, sys, time, zlib
data = sys.stdin.buffer.read()
if b"endless" in data:
    time.sleep(60)
if b"refused" in data or os.geteuid() == 0:
    sys.exit("it is refused")
# How it was asked, so that a test can see it.
asked = " ".join(sys.argv[1:3]).encode()
sys.stdout.buffer.write(b"br" + zlib.compress(data, 9) + asked)
"""


@pytest.fixture
def pool(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the web server looks, of an app whose old release is live."""
    program = root / "brotli"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    # The user who compresses comes to it.
    root.chmod(0o755)
    monkeypatch.setattr(static_copies, "PROGRAM", str(program))
    monkeypatch.setattr(resource, "PROGRAM", str(program))
    for release, style in ((OLD, STYLE), (NEW, OTHER_STYLE)):
        make_release(release, {"style.css": style, "same.txt": "the same\n" * 1000})
    make_live(OLD)
    return Path(AppLayout("root").static, "static")


def make_release(release: str, files: dict[str, str]) -> None:
    static = Path(AppLayout("root").code(release), "static")
    static.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (static / name).write_text(text)
    manifest = {
        "static": {"/static/": "static"},
        "files": {f"static/{path.name}": "" for path in static.iterdir()},
    }
    Path(AppLayout("root").release(release), MANIFEST).write_text(json.dumps(manifest))


def make_live(release: str) -> None:
    link = Path(AppLayout("root").live_socket)
    link.unlink(missing_ok=True)
    link.symlink_to(AppLayout("root").socket(release))


def publish(host: Host, release: str) -> None:
    """Do with static files what a deploy does."""
    assert not host.run([StaticFiles("root", release)]).done.failed
    make_live(release)
    assert not host.run([StaticFiles("root", release, replace=True)]).done.failed


def compress(host: Host) -> int:
    """Return how many copies were wanted; a second run must find that all is as it should be."""
    (wanted,) = [each.change for each in host.check([StaticCopies("root")]).finished]
    assert not host.run([StaticCopies("root")]).done.failed
    assert host.run([StaticCopies("root")]).changes == {}
    return int(wanted["to compress"][0] or 0) if wanted else 0


def text_of(copy: Path) -> str:
    data = copy.read_bytes()
    assert data.startswith(b"br")
    return zlib.decompressobj().decompress(data[2:]).decode()


def test_copies_are_made_of_what_is_live_by_somebody_without_rights(pool: Path, host: Host) -> None:
    publish(host, OLD)
    assert compress(host) == 2
    assert text_of(pool / "style.css.br") == STYLE
    about = (pool / "style.css.br").stat()
    assert (about.st_mode & 0o777, about.st_uid) == (0o644, 0)


def test_no_copy_outlives_what_it_is_a_copy_of(pool: Path, host: Host) -> None:
    publish(host, OLD)
    compress(host)
    publish(host, NEW)
    assert not (pool / "style.css.br").exists()
    assert (pool / "same.txt.br").exists()
    assert compress(host) == 1
    assert text_of(pool / "style.css.br") == OTHER_STYLE
    publish(host, OLD)
    assert compress(host) == 1
    assert text_of(pool / "style.css.br") == STYLE


def test_until_the_switch_the_live_files_keep_their_copies(pool: Path, host: Host) -> None:
    publish(host, OLD)
    compress(host)
    host.run([StaticFiles("root", NEW)])
    assert text_of(pool / "style.css.br") == (pool / "style.css").read_text() == STYLE


def test_a_copy_that_came_with_the_release_is_its_own(pool: Path, host: Host) -> None:
    make_release(NEW, {"style.css.br": "by its own build"})
    publish(host, NEW)
    assert compress(host) == 1
    assert (pool / "style.css.br").read_text() == "by its own build"
    # The next one brings none.
    publish(host, OLD)
    assert compress(host) == 1
    assert text_of(pool / "style.css.br") == STYLE


def test_only_what_is_worth_it_is_compressed(pool: Path, host: Host) -> None:
    noise = os.urandom(4000).hex()
    make_release(
        OLD,
        {"small.css": "a {}", "picture.png": STYLE, "big.txt": "x" * (8 << 20) + "y"},
    )
    noisy = Path(AppLayout("root").code(OLD), "static", "noise.txt")
    noisy.write_bytes(bytes.fromhex(noise))
    make_release(OLD, {})
    publish(host, OLD)
    assert not (pool / "noise.txt.gz").exists()
    assert compress(host) == 3
    copies = {each.name for each in pool.iterdir() if each.suffix == ".br"}
    assert copies == {"style.css.br", "same.txt.br"}


@pytest.mark.parametrize("trouble", ["refused", "endless"])
def test_a_file_that_cannot_be_compressed_is_named_and_not_tried_again(
    pool: Path, host: Host, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(static_copies, "BROTLI_TIMEOUT_S", 0.5)
    make_release(OLD, {"odd.txt": f"{trouble}\n" * 1000})
    publish(host, OLD)
    outcome = host.run([StaticCopies("root")])
    assert not outcome.done.failed
    (told,) = [each for each in outcome.events if isinstance(each, events.Noted)]
    assert "odd.txt has no brotli copy" in told.text
    assert not (pool / "odd.txt.br").exists()
    assert (pool / "style.css.br").exists()
    assert host.run([StaticCopies("root")]).changes == {}
    # Another content is another matter.
    make_release(OLD, {"odd.txt": "well\n" * 1000})
    publish(host, OLD)
    assert compress(host) == 1


def test_what_takes_long_is_compressed_fast(
    pool: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_release(OLD, {"large.js": "x = 1;\n" * 400_000})
    publish(host, OLD)
    compress(host)
    assert (pool / "style.css.br").read_bytes().endswith(b"--quality=11 --lgwin=16")
    assert (pool / "large.js.br").read_bytes().endswith(b"--quality=5 --lgwin=22")
    monkeypatch.setattr(resource, "BEST_WITHIN_S", -1)
    (pool / "style.css.br").unlink()
    compress(host)
    assert (pool / "style.css.br").read_bytes().endswith(b"--quality=5 --lgwin=16")


def test_without_the_program_there_are_no_copies(pool: Path, host: Host) -> None:
    publish(host, OLD)
    Path(resource.PROGRAM).unlink()
    assert compress(host) == 0
    assert not list(pool.glob("*.br"))


def test_copies_go_with_the_last_release_that_has_the_file(pool: Path, host: Host) -> None:
    make_release(OLD, {"gone.txt": "gone\n" * 1000})
    publish(host, OLD)
    compress(host)
    assert (pool / "gone.txt.br").exists()
    publish(host, NEW)
    shutil.rmtree(AppLayout("root").release(OLD))
    Pruned("root", 1).apply(System(), {})
    assert {each.name for each in pool.iterdir()} >= {"style.css", "same.txt.br"}
    assert not list(pool.glob("gone.txt*"))


@pytest.mark.parametrize(
    ("path", "original"), [("a.css.br", "a.css"), ("a.css.gz", "a.css"), ("a.css", "a.css")]
)
def test_a_copy_is_told_from_its_file_by_its_name(path: str, original: str) -> None:
    assert original_of(path) == original
