"""The health path: who asks for the app's sake, and visitors, of a real nginx."""

from __future__ import annotations

import pytest

from provisioning.roles.web_servers import nginx as role
from tests.roles.staged_nginx import ELSEWHERE, IPV6, NEIGHBOUR

SITE = "https://gallery.example.com"
CLAIM = {"X-Forwarded-For": "127.0.0.1"}


def test_a_probe_is_seen_as_a_visit_over_https_to_the_sites_name(nginx, deploy):
    release = deploy(app="gallery")
    # Of the host itself, and of a network that the inventory names.
    for source in ("127.0.0.1", ELSEWHERE):
        headers = {"X-Forwarded-Proto": "http"}
        assert nginx.ask(f"{SITE}/healthz", source=source, headers=headers).status == 200
        assert release.last["X-Forwarded-Proto"] == "https"
        assert release.last["Host"] == "gallery.example.com"


def test_the_named_are_answered_under_any_name_over_http(nginx, deploy):
    release = deploy(app="gallery")
    for url in ("http://192.0.2.5/healthz", "http://other.example.com/healthz"):
        assert nginx.ask(url, source=ELSEWHERE).status == 200
        assert release.last["Host"] == "gallery.example.com"
        assert release.last["X-Forwarded-Proto"] == "https"
    asked = len(release.asked)
    for url, headers in (
        ("http://other.example.com/", {}),
        ("http://other.example.com/healthz", {"X-Forwarded-For": "198.51.100.1"}),
    ):
        with pytest.raises(ConnectionError):
            nginx.ask(url, source=ELSEWHERE, headers=headers)
    if IPV6:
        with pytest.raises(ConnectionError):
            nginx.ask("http://other.example.com/healthz", source=NEIGHBOUR)
    assert len(release.asked) == asked


def test_a_proxy_that_asks_for_somebody_else_makes_a_visit_of_it(nginx, deploy):
    deploy(app="gallery")
    mark = nginx.srv / "gallery/maintenance.conf"
    mark.write_text(role.maintenance("gallery", [])[0].blob.text)
    nginx.reload()
    try:
        assert nginx.ask(f"{SITE}/healthz", source=ELSEWHERE).status == 200
        assert nginx.ask(f"{SITE}/healthz", source=ELSEWHERE, headers=CLAIM).status == 503
    finally:
        mark.unlink()
        nginx.reload()


def test_a_redirect_to_https_behind_a_proxy_passes_the_hosts_own_question(nginx, deploy):
    release = deploy(app="behind")
    assert nginx.ask("https://behind.example.com/healthz").status == 200
    assert release.last["X-Forwarded-Proto"] == "https"
