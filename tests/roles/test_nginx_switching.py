"""Which site and which release answers: asked of a real nginx."""

import ssl

import pytest

from provisioning.roles.web_servers import nginx as role
from tests.roles.staged_nginx import ELSEWHERE, tls

SITE = "https://hello.example.com"


# Names and protocols


def test_http_leads_to_the_same_host_over_https_with_the_method_kept(nginx):
    answer = nginx.ask("http://www.hello.example.com/a?b=c", method="POST", body=b"x")
    assert (answer.status, answer["Location"]) == (308, "https://www.hello.example.com/a?b=c")
    assert answer["Strict-Transport-Security"] is None


@pytest.mark.parametrize("name", ["www.behind.example.com", "behind.example.org"])
def test_a_name_that_redirects_leads_to_the_main_one_by_way_of_https(nginx, deploy, name):
    release = deploy(app="behind")
    there = nginx.ask(f"http://{name}/a%20b/?c=d&e=%2F", method="POST", body=b"x")
    assert (there.status, there["Location"]) == (308, f"https://{name}/a%20b/?c=d&e=%2F")
    main = nginx.ask(there["Location"], method="POST", body=b"x")
    assert (main.status, main["Location"]) == (308, "https://behind.example.com/a%20b/?c=d&e=%2F")
    assert main["X-Content-Type-Options"] == "nosniff"
    assert release.asked == []
    # A name of another site over this one's connection gets neither.
    assert nginx.ask("https://other.example.com/", name=name).status == 421


def test_an_unknown_host_on_port_80_is_hung_up_on(nginx):
    with pytest.raises(ConnectionError):
        nginx.ask("http://other.example.com/")


def test_an_unknown_tls_name_is_refused_without_a_certificate(nginx):
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        nginx.ask("https://other.example.com/")


def test_a_foreign_host_over_a_known_tls_name_is_misdirected(nginx, deploy):
    release = deploy()
    answer = nginx.ask("https://other.example.com/", name="hello.example.com")
    assert answer.status == 421
    assert release.asked == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_http2_is_spoken_over_both_tls_versions(nginx, version):
    connection = nginx.connect(443)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(connection, server_hostname="hello.example.com") as encrypted:
        assert encrypted.selected_alpn_protocol() == "h2"


# Before a release, and in maintenance


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_before_the_first_release_the_site_answers_503_with_a_plain_page(nginx, method):
    answer = nginx.ask(f"{SITE}/", method=method, body=b"x" if method == "POST" else None)
    assert answer.status == 503
    assert b"Back in a moment" in answer.body
    assert answer["Content-Type"] == "text/html"
    assert (answer["Retry-After"], answer["Cache-Control"]) == ("30", "no-store")
    assert "style-src 'sha256-" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_the_page_is_no_address_of_its_own(nginx, deploy):
    deploy()
    assert nginx.ask(f"{SITE}/homeport-unavailable.html").status == 404


@pytest.fixture
def maintenance(nginx):
    """Write what turns visitors away, or nothing, and have nginx load it."""
    path = nginx.srv / "hello/maintenance.conf"

    def set_to(allowed):
        path.unlink(missing_ok=True)
        if allowed is not None:
            file, _ = role.maintenance("hello", allowed)
            path.write_text(file.blob.text)
        nginx.reload()

    yield set_to
    set_to(None)


def test_in_maintenance_visitors_get_the_page_while_static_files_answer(nginx, deploy, maintenance):
    release = deploy()
    nginx.put_static("site.css")
    maintenance([])
    asked = len(release.asked)
    answer = nginx.ask(f"{SITE}/", source=ELSEWHERE)
    assert answer.status == 503
    assert b"Back in a moment" in answer.body
    assert (answer["Retry-After"], answer["Cache-Control"]) == ("30", "no-store")
    assert nginx.ask(f"{SITE}/form", method="POST", body=b"x", source=ELSEWHERE).status == 503
    assert len(release.asked) == asked
    assert nginx.ask(f"{SITE}/healthz", source=ELSEWHERE).status == 503
    assert nginx.ask(f"{SITE}/healthz").status == 200
    assert nginx.ask(f"{SITE}/static/site.css", source=ELSEWHERE).status == 200
    # The host itself is always let through, and another app is another matter.
    assert nginx.ask(f"{SITE}/").status == 200
    maintenance(None)
    assert nginx.ask(f"{SITE}/", source=ELSEWHERE).status == 200


def test_in_maintenance_some_networks_get_the_app_as_it_is(nginx, deploy, maintenance):
    release = deploy()
    maintenance(["192.0.2.0/24"])
    assert nginx.ask(f"{SITE}/", source=ELSEWHERE).body == b"r1 0"
    # What a visitor claims does not open the door.
    maintenance(["198.51.100.7/32"])
    claim = {"X-Forwarded-For": "198.51.100.7", "X-Real-IP": "198.51.100.7"}
    assert nginx.ask(f"{SITE}/", headers=claim, source=ELSEWHERE).status == 503
    release.stop()
    # An app that is down shows the same page to those who are let through.
    assert nginx.ask(f"{SITE}/").status == 503


# Switching releases


def test_renaming_the_link_switches_releases_for_the_next_request(nginx, deploy):
    deploy("r1")
    assert nginx.ask(f"{SITE}/").body == b"r1 0"
    deploy("r2")
    assert nginx.ask(f"{SITE}/").body == b"r2 0"


def test_every_request_connects_anew_even_on_one_kept_connection(nginx, deploy):
    first = deploy("r1")
    with tls(nginx.connect(443), "hello.example.com") as connection:
        for name in ("r1", "r2"):
            if name == "r2":
                deploy("r2")
            connection.sendall(b"GET / HTTP/1.1\r\nHost: hello.example.com\r\n\r\n")
            received = b""
            while not received.endswith(b" 0"):
                received += connection.recv(65536)
            assert received.endswith(f"{name} 0".encode())
    assert first.last["Connection"] == "close"


def test_a_release_that_does_not_listen_is_unavailable_and_one_that_breaks_off_is_an_error(
    nginx, deploy
):
    release = deploy()
    release.hang_up_on = ["POST"]
    for status in (502, 503):
        answer = nginx.ask(f"{SITE}/", method="POST", body=b"x")
        assert answer.status == status
        assert b"Back in a moment" in answer.body
        release.stop()


def test_a_broken_connection_is_tried_once_more_for_get_and_never_for_post(nginx, deploy):
    release = deploy()
    release.hang_up_on = ["GET", "POST"]
    assert nginx.ask(f"{SITE}/").status == 200
    assert nginx.ask(f"{SITE}/", method="POST", body=b"x").status == 502
    assert [asked[0] for asked in release.asked] == ["GET", "GET", "POST"]


def test_only_the_host_itself_is_told_which_release_answered(nginx, deploy):
    deploy("r7")
    assert nginx.ask(f"{SITE}/")["X-Homeport-Release"] == "r7"
    assert nginx.ask(f"{SITE}/", source=ELSEWHERE)["X-Homeport-Release"] is None


def test_nobody_is_taken_for_the_host_by_claiming_so(nginx, deploy):
    deploy("r7", "behind")
    answer = nginx.ask(
        "https://behind.example.com/", headers={"X-Forwarded-For": "127.0.0.1"}, source=ELSEWHERE
    )
    assert answer["X-Homeport-Release"] is None
