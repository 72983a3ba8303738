import json
import ssl

import pytest

from tests.roles.samples import HELLO, compiled
from tests.roles.staged_nginx import ELSEWHERE, Release, StagedNginx, missing, tls

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SITE = "https://hello.example.com"
INVENTORY = (
    HELLO
    + """
static = { "/static/" = "app/static" }
csp = "strict"
max_body = "64k"
rate_limit = "60r/m"
burst = 20

[apps.behind]
source = "../hello"
wsgi = "app:app"
domains = ["behind.example.com"]
rate_limit = "off"
trusted_proxies = ["192.0.2.0/24"]

[tls]
method = "self-signed"
"""
)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    resources = compiled(folder / "project", INVENTORY).values()
    with StagedNginx(resources, folder) as staged:
        yield staged


@pytest.fixture
def deploy(nginx):
    """Make a release the live one, as a deploy does."""
    started = []

    def deployed(name="r1", app="hello"):
        release = Release(nginx.srv / app / "run" / f"{name}.sock", name)
        started.append(release)
        point(nginx, app, name)
        return release

    yield deployed
    for release in started:
        release.stop()
    for link in nginx.srv.glob("*/live.sock"):
        link.unlink()


def point(nginx, app, name):
    part = nginx.srv / app / "live.sock.part"
    part.symlink_to(f"/srv/{app}/run/{name}.sock")
    part.replace(nginx.srv / app / "live.sock")


def static(nginx, name, content=b"x"):
    path = nginx.srv / "hello/static/static" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# Names and protocols


def test_http_leads_to_the_same_host_over_https_with_the_method_kept(nginx):
    answer = nginx.ask("http://www.hello.example.com/a?b=c", method="POST", body=b"x")
    assert (answer.status, answer["Location"]) == (308, "https://www.hello.example.com/a?b=c")
    assert answer["Strict-Transport-Security"] is None


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


def test_in_maintenance_visitors_get_the_page_while_health_and_static_files_answer(nginx, deploy):
    deploy()
    static(nginx, "site.css")
    flag = nginx.srv / "hello/maintenance"
    flag.touch()
    try:
        assert nginx.ask(f"{SITE}/").status == 503
        assert nginx.ask(f"{SITE}/healthz").status == 200
        assert nginx.ask(f"{SITE}/static/site.css").status == 200
    finally:
        flag.unlink()
    assert nginx.ask(f"{SITE}/").status == 200


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


# What the app sees


def test_what_a_client_claims_about_itself_is_overwritten(nginx, deploy):
    release = deploy()
    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Ssl": "off",
        "X-Forwarded-Protocol": "http",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Proxy": "http://evil.example",
    }
    nginx.ask(f"{SITE}/", headers=claims, source=ELSEWHERE)
    seen = {name: value for name, value in release.last.items() if name in claims}
    assert seen == {
        "X-Forwarded-For": ELSEWHERE,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "hello.example.com",
        "X-Real-IP": ELSEWHERE,
    }
    assert release.last["Host"] == "hello.example.com"


def test_a_trusted_proxy_is_believed_and_nobody_else(nginx, deploy):
    release = deploy(app="behind")
    claim = {"X-Forwarded-For": "198.51.100.7"}
    nginx.ask("https://behind.example.com/", headers=claim, source=ELSEWHERE)
    assert release.last["X-Forwarded-For"] == "198.51.100.7"
    nginx.ask("https://behind.example.com/", headers=claim)
    assert release.last["X-Forwarded-For"] == "127.0.0.1"


def test_a_websocket_is_passed_on_and_no_other_upgrade(nginx, deploy):
    release = deploy()
    nginx.ask(f"{SITE}/", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (release.last["Connection"], release.last["Upgrade"]) == ("upgrade", "websocket")
    nginx.ask(f"{SITE}/", headers={"Connection": "Upgrade", "Upgrade": "h2c"})
    assert (release.last["Connection"], release.last.get("Upgrade")) == ("close", None)


# Headers


def test_security_headers_are_added_where_the_app_sends_none(nginx, deploy):
    deploy()
    answer = nginx.ask(f"{SITE}/")
    assert answer["Strict-Transport-Security"] is None  # self-signed: browsers warn anyway
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Server"] == "nginx"


def test_what_the_app_sends_itself_wins_and_stands_once(nginx, deploy):
    own = {
        "Content-Security-Policy": "default-src 'self'",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "unsafe-none",
        "Permissions-Policy": "geolocation=(self)",
    }
    deploy().answer_headers = own
    answer = nginx.ask(f"{SITE}/")
    assert {name: answer[name] for name in own} == own


def test_an_app_that_only_reports_is_not_given_a_policy_that_forbids(nginx, deploy):
    deploy().answer_headers = {"Content-Security-Policy-Report-Only": "default-src 'self'"}
    answer = nginx.ask(f"{SITE}/")
    assert answer["Content-Security-Policy"] is None


def test_report_only_is_the_default_policy(nginx, deploy):
    deploy(app="behind")
    answer = nginx.ask("https://behind.example.com/")
    assert answer["Content-Security-Policy"] is None
    assert answer["Content-Security-Policy-Report-Only"].startswith("default-src 'none'")


# Static files


@pytest.mark.parametrize(
    ("name", "cached"),
    [
        ("app.3f2a1b9c.css", "public, max-age=31536000, immutable"),
        ("app-0123456789abcdef.min.js", "public, max-age=31536000, immutable"),
        ("app.css", "public, max-age=3600, must-revalidate"),
        ("bootstrap.deadbeef.css", "public, max-age=3600, must-revalidate"),
        ("jquery-3.7.1.js", "public, max-age=3600, must-revalidate"),
    ],
)
def test_a_static_file_is_kept_for_ever_only_when_its_name_carries_a_digest(nginx, name, cached):
    static(nginx, name)
    answer = nginx.ask(f"{SITE}/static/{name}")
    assert (answer.status, answer["Cache-Control"]) == (200, cached)
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_missing_static_file_is_not_cached_and_does_not_ask_the_app(nginx, deploy):
    release = deploy()
    answer = nginx.ask(f"{SITE}/static/none.css")
    assert (answer.status, answer["Cache-Control"]) == (404, None)
    assert release.asked == []


def test_a_compressed_neighbour_is_served_to_those_who_take_it(nginx):
    static(nginx, "big.js", b"plain")
    static(nginx, "big.js.gz", b"compressed")
    answer = nginx.ask(f"{SITE}/static/big.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.body, answer["Content-Encoding"]) == (b"compressed", "gzip")
    assert nginx.ask(f"{SITE}/static/big.js").body == b"plain"


@pytest.mark.parametrize(
    "path", ["/static../secrets.json", "/static/../secrets.json", "/static/%2e%2e/secrets.json"]
)
def test_no_path_leads_out_of_the_static_files(nginx, deploy, path):
    deploy()
    (nginx.srv / "hello/static/secrets.json").write_text("secret")
    (nginx.srv / "hello/secrets.json").write_text("secret")
    assert b"secret" not in nginx.ask(SITE + path).body


@pytest.mark.parametrize("path", ["/.git/config", "/static/.git/config", "/a/.env"])
def test_dotfiles_are_not_there(nginx, deploy, path):
    release = deploy()
    static(nginx, ".git/config")
    assert nginx.ask(SITE + path).status == 404
    assert release.asked == []


def test_static_files_take_no_post(nginx):
    static(nginx, "app.css")
    assert nginx.ask(f"{SITE}/static/app.css", method="POST", body=b"x").status == 405


# Limits


def test_a_body_beyond_the_limit_is_refused_before_the_app_sees_it(nginx, deploy):
    release = deploy()
    assert nginx.ask(f"{SITE}/", method="POST", body=b"x" * 65536).body == b"r1 65536"
    assert nginx.ask(f"{SITE}/", method="POST", body=b"x" * 65537).status == 413
    assert len(release.asked) == 1


def test_whoever_asks_too_fast_gets_429_and_is_told_when_to_come_back(nginx, deploy):
    deploy()
    # An address that no other test asks from: the count is kept for each.
    answers = [nginx.ask(f"{SITE}/", source="127.0.0.9") for _ in range(25)]
    limited = [answer for answer in answers if answer.status == 429]
    assert [answer.status for answer in answers[:21]] == [200] * 21
    assert len(limited) >= 3
    assert limited[0]["Retry-After"] == "1"
    assert limited[0]["X-Content-Type-Options"] == "nosniff"
    static(nginx, "app.css")
    assert nginx.ask(f"{SITE}/static/app.css", source="127.0.0.9").status == 200
    assert nginx.ask(f"{SITE}/healthz", source="127.0.0.9").status == 200


# The log


def test_a_request_is_one_json_line_without_its_query(nginx, deploy):
    deploy("r9")
    nginx.ask(f"{SITE}/path?token=canary", headers={"User-Agent": 'a "quoted" agent'})
    entry = json.loads(nginx.log[-1])
    assert (entry["site"], entry["path"], entry["status"]) == ("hello.example.com", "/path", "200")
    assert (entry["release"], entry["client"], entry["tls"]) == ("r9", "127.0.0.1", "TLSv1.3")
    assert entry["user_agent"] == 'a "quoted" agent'
    assert "canary" not in nginx.log[-1]


def test_health_static_files_and_unknown_hosts_are_not_logged(nginx, deploy):
    deploy()
    static(nginx, "app.css")
    before = len(nginx.log)
    nginx.ask(f"{SITE}/healthz")
    nginx.ask(f"{SITE}/static/app.css")
    with pytest.raises(ConnectionError):
        nginx.ask("http://other.example.com/")
    assert len(nginx.log) == before
