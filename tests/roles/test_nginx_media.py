"""What an app has written, served by a real nginx: nothing runs, and no link leads out."""

from __future__ import annotations

import os

import pytest

from tests.roles.staged_nginx import ELSEWHERE

SITE = "https://gallery.example.com"


@pytest.fixture
def uploads(nginx):
    """A folder of uploads, next to what nobody may see."""
    folder = nginx.srv / "gallery" / "shared" / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "secret.txt").write_text("canary")
    return folder


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("a.png", "image/png", None),
        ("A.JPG", "image/jpeg", None),
        ("a.mp4", "video/mp4", None),
        ("a.pdf", "application/pdf", None),
        ("a.txt", "text/plain", None),
        ("a.svg", "image/svg+xml", "attachment"),
        ("a.html", "application/octet-stream", "attachment"),
        ("a.xml", "application/octet-stream", "attachment"),
        ("a.js", "application/octet-stream", "attachment"),
        ("a.css", "application/octet-stream", "attachment"),
        ("a", "application/octet-stream", "attachment"),
    ],
)
def test_what_could_run_is_downloaded(nginx, deploy, uploads, name, kind, disposition):
    deploy(app="gallery")
    (uploads / name).write_text("0123456789")
    answer = nginx.ask(f"{SITE}/media/{name}", source=ELSEWHERE)
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert (answer["Content-Type"], answer["Content-Disposition"]) == (kind, disposition)
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_range_of_it_is_answered_with_the_range_whatever_the_client_unpacks(
    nginx, deploy, uploads
):
    deploy(app="gallery")
    (uploads / "long.txt").write_text("0123456789" * 1000)
    headers = {"Range": "bytes=3-5", "Accept-Encoding": "gzip"}
    answer = nginx.ask(f"{SITE}/media/long.txt", headers=headers)
    assert (answer.status, answer.body) == (206, b"345")


def test_no_link_is_followed(nginx, deploy, uploads):
    deploy(app="gallery")
    (uploads / "in.txt").write_text("in")
    (uploads / "folder").mkdir(exist_ok=True)
    for name, target in (
        ("passwd", "/etc/passwd"),
        ("out", "../secret.txt"),
        ("up", ".."),
        ("near", "in.txt"),
        ("etc", "/etc"),
    ):
        if not os.path.lexists(uploads / name):
            (uploads / name).symlink_to(target)
    for path in ("passwd", "out", "up/secret.txt", "near", "etc/passwd"):
        assert nginx.ask(f"{SITE}/media/{path}").status in (403, 404), path
    # What leads out of the URL is another path of the app's.
    for path in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt"):
        assert nginx.ask(f"{SITE}/media/{path}").body != b"canary"
    for path in ("folder/", ""):
        assert nginx.ask(f"{SITE}/media/{path}").status == 403
    # The folder itself is the app's as well.
    uploads.rename(uploads.with_name("aside"))
    uploads.symlink_to("/etc")
    try:
        assert nginx.ask(f"{SITE}/media/passwd").status in (403, 404)
    finally:
        uploads.unlink()
        uploads.with_name("aside").rename(uploads)
    assert nginx.ask(f"{SITE}/media/in.txt").body == b"in"


def test_an_internal_folder_opens_for_what_the_app_sends_there(nginx, deploy):
    release = deploy(app="gallery")
    folder = nginx.srv / "gallery" / "shared" / "private"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bill.pdf").write_text("paper")
    assert nginx.ask(f"{SITE}/papers/bill.pdf").status == 404
    release.answer_headers = {
        "X-Accel-Redirect": "/papers/bill.pdf",
        "Content-Type": "application/pdf",
        "Content-Disposition": 'inline; filename="b.pdf"',
    }
    answer = nginx.ask(f"{SITE}/bills/1")
    assert (answer.status, answer.body) == (200, b"paper")
    assert answer["Content-Disposition"] == 'inline; filename="b.pdf"'
    assert answer["Content-Type"] == "application/pdf"


def test_no_app_sends_visitors_into_another_ones_part_of_a_site(nginx, deploy):
    release = deploy(app="home")
    nginx.put_static("../shop/static/a.css", app="shop")
    assert nginx.ask("https://shared.example.com/shop/static/a.css").status == 200
    release.answer_headers = {"X-Accel-Redirect": "/shop/static/a.css"}
    assert nginx.ask("https://shared.example.com/").body == b"r1 0"
