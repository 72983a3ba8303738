"""What the app and the visitor get to see: asked of a real nginx."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.roles.staged_nginx import ELSEWHERE, HOUSEHOLD, IPV6, NEIGHBOUR, tls

SITE = "https://hello.example.com"
PATIENCE_S = 60

CLAIMS = [
    "X-Remote-User",
    "Remote-User",
    "Remote-Groups",
    "Remote-Email",
    "Remote-Name",
    "X-Authenticated-User",
    "X-WebAuth-User",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Access-Token",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-authentik-username",
    "X-authentik-groups",
    "Tailscale-User-Login",
    "Cf-Access-Authenticated-User-Email",
    "X-Amzn-Oidc-Identity",
    "X-Goog-Authenticated-User-Email",
    "X-MS-Client-Principal",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-URI",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Scheme",
    "X-Script-Name",
    "Front-End-Https",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Cluster-Client-IP",
    "X-Forwarded",
    "Forwarded-For",
    "Client-IP",
    "SSL-Client-Cert",
    "SSL-Client-Verify",
    "SSL-Client-Subject-DN",
    "X-SSL-Client-Cert",
    "X-SSL-Client-Verify",
    "X-SSL-Client-S-DN",
    "X-SSL-Client-CN",
    "Client-Cert",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X-ARR-ClientCert",
]
"""Words of proxies of other kinds: oauth2-proxy, Authelia, authentik, CDNs, TLS gateways."""


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


@pytest.mark.parametrize("app", ["hello", "behind"])
def test_what_a_proxy_would_say_of_a_client_never_reaches_the_app_from_a_visitor(
    nginx, deploy, app
):
    """Behind a trusted proxy neither: a CDN passes on what it does not know."""
    release = deploy(app=app)
    claims = dict.fromkeys(CLAIMS, "admin")
    answer = nginx.ask(f"https://{app}.example.com/", headers=claims, source=ELSEWHERE)
    assert answer.status == 200
    seen = {name.lower() for name in release.last}
    assert [name for name in CLAIMS if name.lower() in seen] == []


def test_what_is_the_apps_own_affair_reaches_it(nginx, deploy):
    release = deploy()
    own = {"X-HTTP-Method-Override": "PUT", "Authorization": "Bearer x", "X-CSRFToken": "y"}
    nginx.ask(f"{SITE}/", headers=own, source=ELSEWHERE)
    assert {name: release.last.get(name) for name in own} == own


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


STREAMS = (
    {"Accept": "text/event-stream"},
    {"Accept": "application/json, text/event-stream"},
    {"Connection": "Upgrade", "Upgrade": "websocket"},
)
"""Requests that an ASGI app may leave without a byte for long: nginx passes them on apart."""


@pytest.mark.parametrize("headers", STREAMS)
def test_a_stream_reaches_an_asgi_app_as_it_was_asked_for(nginx, deploy, headers):
    release = deploy(app="talk")
    answer = nginx.ask(
        "https://talk.example.com/a%2Fb?c=d",
        method="POST",
        body=b"12345",
        headers={**headers, "X-Forwarded-For": "6.6.6.6"},
        source=ELSEWHERE,
    )
    assert (answer.status, answer.body) == (200, b"r1 5")
    assert release.asked[-1][:2] == ("POST", "/a%2Fb?c=d")
    assert release.last["X-Forwarded-For"] == ELSEWHERE
    assert release.last["Connection"] == headers.get("Connection", "close").lower()
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("headers", STREAMS)
def test_streams_are_counted_and_turned_away_like_requests(nginx, deploy, headers):
    release = deploy(app="talk")
    url = "https://talk.example.com/"
    statuses = [nginx.ask(url, headers=headers).status for _ in range(25)]
    assert 429 in statuses
    release.stop()
    answer = nginx.ask(url, headers=headers, source=ELSEWHERE)
    assert answer.status == 503
    assert b"</html>" in answer.body


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


def test_an_apps_own_choice_of_headers_takes_the_place_of_the_default(nginx, deploy):
    release = deploy(app="embed")
    answer = nginx.ask("https://embed.example.com/")
    assert answer["Permissions-Policy"] is None
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Access-Control-Allow-Origin"] is None
    # The app's word comes first, as ever; and elsewhere all is as before.
    release.answer_headers = {"X-Robots-Tag": "none", "Permissions-Policy": "camera=(self)"}
    answer = nginx.ask("https://embed.example.com/")
    assert (answer["X-Robots-Tag"], answer["Permissions-Policy"]) == ("none", "camera=(self)")
    deploy()
    assert nginx.ask(f"{SITE}/")["X-Robots-Tag"] is None


def test_static_files_have_a_choice_of_their_own(nginx):
    nginx.put_static("app.css", app="embed")
    answer = nginx.ask("https://embed.example.com/static/app.css")
    assert answer.status == 200
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Permissions-Policy"] is None
    assert answer["X-Content-Type-Options"] == "nosniff"


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
    nginx.put_static(name)
    answer = nginx.ask(f"{SITE}/static/{name}")
    assert (answer.status, answer["Cache-Control"]) == (200, cached)
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pdf.worker.mjs", "text/javascript"),
        ("site.webmanifest", "application/manifest+json"),
        ("app.css", "text/css"),
        ("app.wasm", "application/wasm"),
        ("font.woff2", "font/woff2"),
        ("photo.avif", "image/avif"),
        ("unknown.xyzzy", "application/octet-stream"),
    ],
)
def test_a_static_file_has_the_type_that_browsers_insist_on(nginx, name, kind):
    nginx.put_static(name)
    assert nginx.ask(f"{SITE}/static/{name}")["Content-Type"].partition(";")[0] == kind


def test_a_missing_static_file_is_not_cached_and_does_not_ask_the_app(nginx, deploy):
    release = deploy()
    answer = nginx.ask(f"{SITE}/static/none.css")
    assert (answer.status, answer["Cache-Control"]) == (404, None)
    assert release.asked == []


def test_a_compressed_neighbour_is_served_to_those_who_take_it(nginx):
    nginx.put_static("big.js", b"plain")
    nginx.put_static("big.js.gz", b"compressed")
    answer = nginx.ask(f"{SITE}/static/big.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.body, answer["Content-Encoding"]) == (b"compressed", "gzip")
    plain = nginx.ask(f"{SITE}/static/big.js")
    assert (plain.body, plain["Content-Encoding"]) == (b"plain", None)
    # A cache in between keeps both, and either is of the type of its name.
    for each in (answer, plain):
        assert (each["Vary"], each["Content-Type"]) == ("Accept-Encoding", "application/javascript")


@pytest.mark.parametrize(
    "path", ["/static../secrets.json", "/static/../secrets.json", "/static/%2e%2e/secrets.json"]
)
def test_no_path_leads_out_of_the_static_files(nginx, deploy, path):
    deploy()
    nginx.put_static("site.css", b"public")
    assert nginx.ask(f"{SITE}/static/site.css").body == b"public"
    (nginx.srv / "hello/static/secrets.json").write_text("secret")
    (nginx.srv / "hello/secrets.json").write_text("secret")
    assert b"secret" not in nginx.ask(SITE + path).body


@pytest.mark.parametrize("path", ["/.git/config", "/static/.git/config", "/a/.env"])
def test_dotfiles_are_not_there(nginx, deploy, path):
    release = deploy()
    nginx.put_static(".git/config")
    assert nginx.ask(SITE + path).status == 404
    assert release.asked == []


def test_static_files_take_no_post(nginx):
    nginx.put_static("app.css")
    assert nginx.ask(f"{SITE}/static/app.css", method="POST", body=b"x").status == 405


# Limits


def test_a_body_beyond_the_limit_is_refused_before_the_app_sees_it(nginx, deploy):
    release = deploy()
    assert nginx.ask(f"{SITE}/", method="POST", body=b"x" * 65536).body == b"r1 65536"
    assert nginx.ask(f"{SITE}/", method="POST", body=b"x" * 65537).status == 413
    assert len(release.asked) == 1


def test_whoever_asks_too_fast_gets_429_and_is_told_when_to_come_back(nginx, deploy):
    deploy(app="limited")
    site = "https://limited.example.com"
    answers = [nginx.ask(f"{site}/") for _ in range(40)]
    statuses = [answer.status for answer in answers]
    # A slow machine may take a minute, in which one more is allowed.
    assert statuses[:21] == [200] * 21
    assert statuses.count(429) >= 10
    limited = answers[statuses.index(429)]
    assert limited["Retry-After"] == "1"
    assert limited["X-Content-Type-Options"] == "nosniff"
    nginx.put_static("app.css", app="limited")
    assert nginx.ask(f"{site}/static/app.css").status == 200
    # Each visitor is counted alone.
    assert nginx.ask(f"{site}/", source=ELSEWHERE).status == 200


@pytest.mark.skipif(not IPV6, reason="needs IPv6")
def test_one_households_ipv6_addresses_count_as_one_visitor(nginx, deploy):
    deploy(app="limited")
    site = "https://limited.example.com"
    statuses = [nginx.ask(f"{site}/", source=address).status for address in HOUSEHOLD * 20]
    assert statuses[:21] == [200] * 21
    assert statuses.count(429) >= 10
    assert nginx.ask(f"{site}/", source=NEIGHBOUR).status == 200


def statuses_of(nginx, url, number, *, source="127.0.0.1", headers=None):
    """Ask so often for a URL, over ten connections side by side: faster than any limit here."""
    name, _, path = url.removeprefix("https://").partition("/")

    def asked(_):
        found = []
        connection = http.client.HTTPConnection(name)
        with tls(nginx.connect(443, source), name) as connection.sock:
            for _ in range(number // 10):
                connection.request("GET", f"/{path}", headers=headers or {})
                answer = connection.getresponse()
                answer.read()
                found.append(answer.status)
        return found

    with ThreadPoolExecutor(10) as threads:
        return [status for found in threads.map(asked, range(10)) for status in found]


def test_whoever_asks_too_fast_for_the_health_path_is_refused_there_too(nginx, deploy):
    release = deploy(app="limited")
    url = "https://limited.example.com/healthz"
    before = refused(nginx)
    statuses = statuses_of(nginx, url, 200, source=ELSEWHERE)
    assert set(statuses) == {200, 429}
    # As at any other path: a burst of 20, and in the meantime perhaps one more.
    assert 15 <= statuses.count(200) <= 23
    assert nginx.ask("https://limited.example.com/", source=ELSEWHERE).status == 429
    assert len(release.asked) == statuses.count(200)
    assert await_refused(nginx, before + statuses.count(429)) == before + statuses.count(429)
    # The host itself asks there after each switch, and is neither counted nor refused.
    assert statuses_of(nginx, url, 60) == [200] * 60


def test_nobody_becomes_the_host_by_saying_so(nginx, deploy):
    deploy(app="behind-limited")
    claim = {"X-Forwarded-For": "127.0.0.1"}
    url = "https://behind-limited.example.com/healthz"
    assert 429 in statuses_of(nginx, url, 200, source=ELSEWHERE, headers=claim)


def test_an_app_without_a_rate_limit_has_none_at_its_health_path_either(nginx, deploy):
    deploy()
    assert statuses_of(nginx, f"{SITE}/healthz", 200, source=ELSEWHERE) == [200] * 200


@pytest.mark.skipif(not IPV6, reason="needs IPv6")
def test_the_host_itself_is_not_limited_over_ipv6_either(nginx, deploy):
    deploy(app="limited")
    url = "https://limited.example.com/healthz"
    assert statuses_of(nginx, url, 60, source="::1") == [200] * 60
    assert 429 in statuses_of(nginx, url, 200, source=NEIGHBOUR)


def refused(nginx):
    return sum('"path":"/healthz"' in line and '"status":"429"' in line for line in nginx.log)


def await_refused(nginx, number):
    """Return how many refusals of the health path are logged, once there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := refused(nginx)) < number and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


# The log


def test_a_request_is_one_json_line_without_its_query(nginx, deploy):
    deploy("r9")
    nginx.ask(f"{SITE}/path?token=canary", headers={"User-Agent": 'a "quoted" agent'})
    # It is written after the answer, and another worker may be at what an earlier test asked for.
    deadline = time.monotonic() + PATIENCE_S
    while not (found := [each for each in map(json.loads, nginx.log) if each["path"] == "/path"]):
        assert time.monotonic() < deadline, "it is never logged"
        time.sleep(0.01)
    entry = found[-1]
    assert (entry["site"], entry["path"], entry["status"]) == ("hello.example.com", "/path", "200")
    assert (entry["release"], entry["client"], entry["tls"]) == ("r9", "127.0.0.1", "TLSv1.3")
    assert entry["user_agent"] == 'a "quoted" agent'
    assert not any("canary" in line for line in nginx.log)


def test_health_static_files_and_unknown_hosts_are_not_logged(nginx, deploy):
    deploy()
    nginx.put_static("app.css")
    before = len(nginx.log)
    nginx.ask(f"{SITE}/healthz")
    nginx.ask(f"{SITE}/static/app.css")
    with pytest.raises(ConnectionError):
        nginx.ask("http://other.example.com/")
    assert len(nginx.log) == before
