"""Limits of single paths, streams of WSGI apps, and paths with a dot: of a real nginx."""

from __future__ import annotations

import pytest

from tests.roles.samples import HELLO, compiled
from tests.roles.staged_nginx import ELSEWHERE
from tests.roles.test_nginx_answers import statuses_of

SITE = "https://gallery.example.com"


@pytest.mark.parametrize(("path", "most"), [("/login", 3), ("/api/x", 2)])
def test_a_path_has_a_rate_of_its_own(nginx, deploy, path, most):
    release = deploy(app="gallery")
    statuses = [nginx.ask(SITE + path, source=ELSEWHERE).status for _ in range(most + 5)]
    assert statuses[:most] == [200] * most
    # A slow machine may take a minute, in which some more are allowed.
    assert statuses.count(429) >= 2
    assert len(release.asked) == statuses.count(200)
    assert nginx.ask(f"{SITE}/login/other", source=ELSEWHERE).status == 200


def test_a_page_with_a_hundred_assets_comes_whole_from_the_app(nginx, deploy):
    deploy(app="defaults")
    # At a rate that adds nothing meanwhile: `burst` is the default.
    url = "https://defaults.example.com/asset.js"
    assert statuses_of(nginx, url, 110, source=ELSEWHERE) == [200] * 110
    flood = statuses_of(nginx, url, 200, source=ELSEWHERE)
    assert 85 <= flood.count(200) <= 95
    assert flood.count(200) + flood.count(429) == 200


def test_files_and_answers_below_a_dot_are_for_visitors_only_where_the_inventory_says_so(
    nginx, deploy
):
    deploy(app="gallery")
    for name in (".well/x.txt", ".git/config"):
        nginx.put_static(name, app="gallery")
    found = {
        path: nginx.ask(SITE + path).status
        for path in ("/static/.well/x.txt", "/static/.git/config", "/files/.env.example",
                     "/files/.env.examples", "/files/.env", "/.git/config")
    }  # fmt: skip
    assert [path for path, status in found.items() if status == 200] == [
        "/static/.well/x.txt",
        "/files/.env.example",
    ]
    assert set(found.values()) == {200, 404}


def test_only_named_paths_of_a_wsgi_app_are_streams(tmp_path):
    files = compiled(tmp_path, HELLO + 'streams = ["/events", "/ws/"]\n')["file-set:nginx"].files
    text = {path: blob.data.decode() for path, blob in files.items()}
    named = text["homeport/sites/hello.conf"].partition("map $uri $homeport_strm_hello {")[2]
    assert named.partition("}")[0].split() == [
        '"/events"', '"1";', '"~^/ws/"', '"1";', "default", '"";',
    ]  # fmt: skip
    streams = text["apps/hello.conf"].partition("location @homeport_streams_hello {")[2]
    assert "proxy_read_timeout 3600s;" in streams
    assert "proxy_buffering off;" in streams
