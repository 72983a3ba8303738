"""Each check: what it says of what was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.answers import (
    FileAccess,
    FileSystem,
    Listener,
    Logs,
    Renewal,
    SecretTraits,
    Updates,
)
from provisioning.agent.machine.http import Answer
from provisioning.doctor import checks
from provisioning.doctor.checks.apps import log_files
from provisioning.doctor.finding import Finding, Verdict
from provisioning.doctor.seen import (
    AppSays,
    AppSeen,
    CertificateSeen,
    Cookies,
    Drift,
    History,
    HostSeen,
    Proxied,
    RateSeen,
    SecretKey,
    SiteSeen,
)
from provisioning.inventory.models.tls import Tls
from tests.doctor.samples import APP, APP_EXAMINATION, EXAMINATION, HOST, SAYS, SEEN, SITE, STATIC

PASS, WARN, FAIL, UNSEEN = Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.UNSEEN

DOCS = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"


def says(**values: Any) -> AppSeen:
    return replace(SEEN, says=replace(SAYS, **values))


def site(**values: Any) -> AppSeen:
    return replace(SEEN, site=replace(SITE, **values))


def there(**values: Any) -> AppSeen:
    return replace(SEEN, examination=APP_EXAMINATION._replace(**values))


def behind_caddy(**values: Any) -> AppSeen:
    return replace(wanted(web_server="caddy"), site=replace(SITE, **values))


def static_of(etag: str) -> dict[str, Answer]:
    return {"/a": replace(STATIC, headers={**STATIC.headers, "etag": etag})}


def wanted(**values: Any) -> AppSeen:
    return replace(SEEN, app=APP.model_copy(update=values))


def listening(*listeners: Listener) -> AppSeen:
    return replace(SEEN, host=host(listeners=listeners))


def host(**values: Any) -> HostSeen:
    return replace(HOST, examination=EXAMINATION._replace(**values))


def page(body: str = "", status: int = 200, **headers: str) -> Answer:
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def cookie(text: str) -> AppSeen:
    return site(home=SITE.home.__class__(200, "", {}, (text,)) if SITE.home else None)


PLAIN = Proxied("http", "a", "203.0.113.77", "http://a/")
NOBODY = Proxied("https", "a", "", "https://a/")
OPEN = Listener("tcp", "0.0.0.0", 5432, "postgres", "postgres")
MINE = Listener("tcp", "::", 8000, "python3", "hello")

APPS: Mapping[str, list[tuple[AppSeen, Verdict, str]]] = {
    "app-server": [
        (there(programs=("python flask run",)), FAIL, "flask run"),
        (there(programs=("python manage.py runserver",)), FAIL, "runserver"),
        (site(home=page(server="Werkzeug/3.1 Python/3.11")), FAIL, "Werkzeug"),
    ],
    "app-socket": [
        (listening(MINE), FAIL, ":::8000"),
        (listening(MINE._replace(address="127.0.0.1")), PASS, ""),
    ],
    "certificate": [
        (site(certificates={"a": CertificateSeen("self-signed certificate")}), FAIL, "self-signed"),
        (site(certificates={"a": CertificateSeen("", 6)}), FAIL, "6 days"),
        (site(certificates={"a": CertificateSeen("", 19)}), WARN, "19 days"),
        (behind_caddy(certificates={"a": CertificateSeen("", 6)}), FAIL, "6 days"),
        (replace(SEEN, tls=Tls(method="off")), FAIL, "off"),
    ],
    "cookies": [
        (cookie("a=b; HttpOnly; SameSite=Lax"), FAIL, "lacks Secure"),
        (cookie("a=b; secure; httponly"), FAIL, "lacks SameSite"),
        (cookie("a=Secure; HttpOnly; SameSite=Lax"), FAIL, "lacks Secure"),
        (cookie("csrftoken=b; Secure; SameSite=Lax"), PASS, ""),
        (says(cookies=Cookies("session", False, True, "Lax")), FAIL, "session"),
        (says(cookies=Cookies("session", True, True, "None")), FAIL, "session"),
    ],
    "debug-mode": [
        (says(debug=True), FAIL, "debug mode is on"),
        (says(leaks=True), FAIL, "shows its inside"),
        (site(missing=page("<title>x // Werkzeug Debugger</title>")), FAIL, "a missing page"),
        (site(home=page("Traceback (most recent call last)")), FAIL, "/ shows"),
        (says(debug=None), UNSEEN, "framework"),
    ],
    "django-deploy-check": [
        (says(framework="django", warnings=("security.W004: HSTS",)), WARN, "W004"),
        (says(framework="django", warnings=()), PASS, ""),
        (says(framework="django", warnings=None), UNSEEN, ""),
    ],
    "exposed-files": [(site(exposed=("/.env",)), FAIL, "/.env")],
    "forwarded-headers": [
        (says(proxied=PLAIN), FAIL, "begin with http:"),
        (says(proxied=NOBODY), FAIL, "nobody"),
        (replace(says(proxied=NOBODY), sets_client=True), PASS, ""),
        (says(proxied=NOBODY, framework="django"), PASS, ""),
        (site(forged=page(location="https://forged.invalid/", status=302)), FAIL, "X-Forwarded"),
        (site(forged=page("<a href='//forged.invalid/x'>")), FAIL, "X-Forwarded"),
    ],
    "health": [
        (there(health="500"), FAIL, "500"),
        (site(health=page(status=503)), FAIL, "503"),
        (site(health_ms=1500), WARN, "1500 ms"),
    ],
    "honest-health": [
        (says(health_without_database=200), WARN, "answers 200"),
        (says(health_without_database=0), PASS, "fails"),
        (says(error="it cannot be imported", health_without_database=None), UNSEEN, "imported"),
    ],
    "hsts": [
        (site(home=page()), WARN, "no such header"),
        (site(home=page(strict_transport_security="max-age=300")), WARN, "0 days"),
    ],
    "https": [
        (site(plain={"a.test": page("hello")}), FAIL, "answers 200"),
        (site(plain={"a.test": page(status=308, location="https://b.test/")}), FAIL, "b.test"),
        (site(plain={"a.test": page(status=302, location="https://a.test/")}), FAIL, "302"),
    ],
    "log-files": [(says(log_files=("/srv/hello/shared/app.log",)), WARN, "app.log")],
    "rate-limit": [
        (site(rate=RateSeen(100, 0)), FAIL, "100 requests"),
        (wanted(rate_limit=None), WARN, ""),
        (site(rate=RateSeen(reason="a burst of 9000")), UNSEEN, "9000"),
        (site(rate=RateSeen(400, 0, "it answers 9 requests a second")), UNSEEN, "9 requests"),
        (behind_caddy(), WARN, "no rate limits"),
    ],
    "renewal": [
        (there(renewal=None), FAIL, "no timer"),
        (there(renewal=Renewal("inactive", "")), FAIL, "inactive"),
        (there(renewal=Renewal("active", "exit-code")), FAIL, "exit-code"),
        (there(renewal=Renewal("active", "")), PASS, "yet to come"),
        (replace(SEEN, dry_run="certbot ended"), FAIL, "certbot ended"),
        (replace(SEEN, dry_run=""), PASS, "as a test went well"),
        (behind_caddy(), PASS, "caddy.service renews it itself"),
        (behind_caddy(certificates={"a.test": CertificateSeen("refused")}), FAIL, "a.test"),
        (behind_caddy(certificates={}), FAIL, "any name"),
    ],
    "rollback": [
        (there(damaged=("x",), whole=()), WARN, "a part of x"),
        (there(whole=()), PASS, "the first"),
    ],
    "sandbox": [
        (there(user=""), FAIL, "root"),
        (there(exposure=3.0), WARN, "3.0"),
        (there(exposure=8.2), FAIL, "8.2"),
        (there(exposure=None), UNSEEN, ""),
        (there(code=FileAccess("hello", "hello", "0755")), FAIL, "hello:hello"),
        (there(code=FileAccess("root", "hello", "0775")), FAIL, "0775"),
    ],
    "secret-key": [
        (says(secret_key=SecretKey(0, 0, "")), WARN, "no key"),
        (says(secret_key=SecretKey(10, 8, "SECRET_KEY")), FAIL, "10 characters"),
        (says(secret_key=SecretKey(40, 1, "SECRET_KEY")), FAIL, "1 of them"),
        (says(secret_key=SecretKey(43, 30, "")), FAIL, "any variable"),
        (says(secret_key=None), UNSEEN, ""),
    ],
    "secrets-in-files": [
        (there(access={"/srv/x": FileAccess("root", "hello", "0644")}), FAIL, "0644"),
        (there(access={"/srv/x": FileAccess("hello", "hello", "0600")}), FAIL, "hello:hello"),
        (there(access={"/srv/x": FileAccess("root", "hello", "0640")}), PASS, ""),
        (there(unit_variables=("DB_PASSWORD",)), FAIL, "DB_PASSWORD"),
        (wanted(env={"API_TOKEN": "x"}), FAIL, "API_TOKEN"),
    ],
    "secrets-in-source": [
        (there(secrets={"KEY": SecretTraits(40, 20, "0", ("a.py",))}), FAIL, "a.py"),
        (replace(SEEN, history=History({"KEY": ("a.py in 123",)}, 5)), FAIL, "a.py in 123"),
        (replace(SEEN, history=History(error="not in git")), PASS, "not in git"),
    ],
    "static-files": [
        (site(static={"/a": page(status=404)}), FAIL, "404"),
        (site(static={"/a": page(etag='"1-2"')}), WARN, "no caching header"),
        (site(static=static_of('"1.5-2-3"')), WARN, "not the web server"),
        (behind_caddy(static=static_of('"t6l4ab1c"')), PASS, "1 tried"),
        (behind_caddy(static=static_of('"6a1b-2c"')), WARN, "not the web server"),
        (wanted(static={}), WARN, "the app itself serves"),
    ],
}  # fmt: skip

GIB = 1 << 30

HOSTS: Mapping[str, list[tuple[HostSeen, Verdict, str]]] = {
    "clock": [
        (host(clock="no"), FAIL, "not synchronised"),
        (host(clock=""), UNSEEN, ""),
        (host(clock="no", container="docker"), PASS, ""),
    ],
    "disk": [
        (host(file_systems=(FileSystem("/srv", 4, 50),)), FAIL, "4 % of /srv"),
        (host(file_systems=(FileSystem("/srv", 14, 50),)), WARN, "14 %"),
        (host(file_systems=(FileSystem("/srv", 50, 3),)), FAIL, "inodes of /srv"),
        (host(file_systems=()), UNSEEN, ""),
    ],
    "failed-units": [(host(failed_units=("a.service",)), FAIL, "a.service")],
    "logs": [
        (host(logs=Logs(True, 0, True, {"/var/log/a": GIB})), FAIL, "/var/log/a has 1024 MB"),
        (host(logs=Logs(False, 0, True, {})), WARN, "reboot"),
        (host(logs=Logs(True, 0, False, {})), WARN, "logrotate"),
    ],
    "memory": [
        (host(available_mb=50), FAIL, "50 of 2000"),
        (host(available_mb=150), WARN, "150"),
        (host(memory_mb=0), UNSEEN, ""),
    ],
    "open-ports": [
        (host(listeners=(OPEN,)), FAIL, "postgres on 0.0.0.0:5432/tcp"),
        (host(listeners=(OPEN._replace(address="::1"),)), PASS, ""),
        (host(listeners=(Listener("tcp", "::", 22, "sshd", "hello"),)), FAIL, ":22"),
        (host(listeners=(Listener("udp", "::", 161, "snmpd", "root"),)), FAIL, "161/udp"),
        (replace(host(listeners=(Listener("tcp", "::", 2222, "sshd", "root"),)), ssh_port=2222),
         PASS, "2222"),
    ],
    "provision-check": [
        (replace(HOST, drift=Drift(("file:/a", "file:/b"))), FAIL, "2 differ: file:/a"),
        (replace(HOST, drift=Drift(error="refused")), FAIL, "refused"),
        (replace(HOST, drift=None), UNSEEN, ""),
        (host(managed=False), UNSEEN, "not provisioned"),
    ],
    "updates": [
        (host(updates=Updates((), ("openssl",), 9e9, True, False)), FAIL, "openssl"),
        (host(updates=Updates((), (), 9e9, False, False)), WARN, "automatically"),
        (host(updates=Updates((), (), 9e9, True, True)), WARN, "reboot"),
        (host(updates=Updates((), (), 0.0, True, False)), WARN, "older"),
        (host(updates=None), UNSEEN, ""),
    ],
}  # fmt: skip


def _judge(name: str, seen: object) -> Finding | None:
    [check] = [each for each in (*checks.of_apps(), *checks.of_hosts()) if each.name == name]
    return check.judge(seen)


def test_a_host_at_which_nothing_is_wrong_passes_every_check() -> None:
    found = {each.name: each.judge(SEEN) for each in checks.of_apps()}
    found |= {each.name: each.judge(HOST) for each in checks.of_hosts()}
    assert {name: each for name, each in found.items() if each and each.verdict is not PASS} == {}
    assert [name for name, each in found.items() if each is None] == ["django-deploy-check"]


@pytest.mark.parametrize(
    ("name", "seen", "verdict", "words"),
    [
        pytest.param(name, *case, id=f"{name}-{number}")
        for name, cases in (*APPS.items(), *HOSTS.items())
        for number, case in enumerate(cases)
    ],
)
def test_what_is_wrong_is_found(name: str, seen: object, verdict: Verdict, words: str) -> None:
    found = _judge(name, seen)
    assert found is not None
    assert found.verdict is verdict, found
    assert words in found.evidence
    assert bool(found.mend) == (verdict in (WARN, FAIL)) or verdict is UNSEEN


def test_evidence_has_an_end_whatever_a_host_calls_its_things() -> None:
    found = _judge("failed-units", host(failed_units=("x" * 100_000,)))
    assert found is not None
    assert len(found.evidence) + len(found.mend) < 1000


def test_every_check_is_tried_here_and_stands_in_the_documentation() -> None:
    names = {each.name for each in (*checks.of_apps(), *checks.of_hosts())}
    assert names == APPS.keys() | HOSTS.keys()
    tables = DOCS.read_text().partition("## The checks of an app")[2]
    table = tables.partition("## Each line on a broken host")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == names


def test_where_homeport_is_not_it_says_so_and_never_that_all_is_well() -> None:
    """Nothing was seen: no check may pass, but for those that do not apply."""
    seen = AppSeen(
        APP, Tls(), HOST, None, AppSays(error="nothing is there"), SiteSeen(error="no"), History()
    )
    found = [each.judge(seen) for each in checks.of_apps()]
    assert {each.verdict for each in found if each} == {UNSEEN}
    assert all(each.evidence for each in found if each)


@pytest.mark.parametrize(
    ("path", "verdict"), [("data/logs/a.log", PASS), ("data/logs/x/a.log", WARN), ("a.log", WARN)]
)
def test_a_log_file_that_the_inventory_bounds_has_a_bound(path: str, verdict: Verdict) -> None:
    written = says(log_files=(f"/srv/hello/releases/x/code/{path}",))
    app = APP.model_copy(update={"log_files": ("data/logs/*.log",)})
    found = log_files.judge(replace(written, app=app))
    assert found is not None
    assert found.verdict is verdict
