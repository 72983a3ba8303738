"""What is seen of a host and an app at which nothing is wrong."""

from __future__ import annotations

import time

from provisioning.agent.answers import (
    AppExamination,
    Examination,
    FileAccess,
    FileSystem,
    Listener,
    Logs,
    Renewal,
    SecretTraits,
    Updates,
)
from provisioning.agent.machine.http import Answer
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
from provisioning.inventory.models.app import App
from provisioning.inventory.models.tls import Tls

LIVE, OLDER = "20260102T030405.000Z-abc1234", "20250102T030405.000Z-0000001"

APP = App(
    name="hello",
    source=".",
    wsgi="app:app",
    domains=["hello.test"],
    static={"/static/": "app/static"},
)

APP_EXAMINATION = AppExamination(
    live=LIVE,
    whole=(OLDER,),
    damaged=(),
    health="200",
    health_ms=5,
    exposure=1.1,
    user="hello",
    programs=("python",) * 3,
    unit_variables=("PATH", "PYTHONUNBUFFERED"),
    variables=("SECRET_KEY",),
    secrets={"SECRET_KEY": SecretTraits(43, 30, "0" * 64, ())},
    access={"/srv/hello/secrets.json": FileAccess("root", "root", "0600")},
    code=FileAccess("root", "root", "0755"),
    static=("/static/a.css",),
    sources=("app.py",),
    renewal=Renewal("active", "success"),
)

EXAMINATION = Examination(
    container="",
    managed=True,
    clock="yes",
    memory_mb=2000,
    available_mb=1000,
    file_systems=(FileSystem("/", 50, 60), FileSystem("/boot", 70, None)),
    listeners=(
        Listener("tcp", "0.0.0.0", 22, "sshd", "root"),
        Listener("tcp", "::", 443, "web", "root"),
        Listener("tcp", "127.0.0.1", 5432, "postgres", "postgres"),
        Listener("udp", "0.0.0.0", 68, "dhclient", "root"),
    ),
    failed_units=(),
    updates=Updates(("tzdata",), (), time.time(), True, False),
    logs=Logs(True, 1 << 20, True, {}),
    apps={"hello": APP_EXAMINATION},
)

HOST = HostSeen("web1", 22, EXAMINATION, Drift())

STATIC = Answer(200, "a", {"cache-control": "public, max-age=3600", "etag": '"6a1b-2c"'})

SITE = SiteSeen(
    plain={"hello.test": Answer(308, "", {"location": "https://hello.test/"})},
    home=Answer(
        200,
        "<p>Hello</p>",
        {"strict-transport-security": "max-age=63072000", "content-type": "text/html"},
        ("__Host-hello=x; Secure; HttpOnly; Path=/; SameSite=Lax",),
    ),
    health=Answer(200, "ok", {}),
    health_ms=20,
    missing=Answer(404, "<p>not found</p>", {"content-type": "text/html"}),
    forged=Answer(200, "<p>Hello</p>", {}),
    static={"/static/a.css": STATIC},
    certificates={"hello.test": CertificateSeen("", 80)},
    rate=RateSeen(64, 3),
)

SAYS = AppSays(
    framework="flask",
    debug=False,
    leaks=False,
    secret_key=SecretKey(43, 30, "SECRET_KEY"),
    cookies=Cookies("__Host-hello", True, True, "Lax"),
    proxied=Proxied("https", "hello.test", "203.0.113.77", "https://hello.test/"),
    static_url="/static",
    health=200,
    health_without_database=503,
)

SEEN = AppSeen(APP, Tls(), HOST, APP_EXAMINATION, SAYS, SITE, History(searched=10))
