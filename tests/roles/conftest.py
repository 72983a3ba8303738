"""A running nginx, for the tests that ask it."""

from dataclasses import replace

import pytest

from provisioning.roles.site import Given
from provisioning.secrets import Secret
from tests.roles.samples import BOOKWORM, HELLO, compiled
from tests.roles.staged_nginx import IPV6, Release, StagedNginx, missing
from tests.umask import usual_umask

INVENTORY = (
    HELLO
    + """
static = { "/static/" = "app/static" }
csp = "strict"
max_body = "64k"
rate_limit = "off"

[apps.limited]
source = "../hello"
wsgi = "app:app"
domains = ["limited.example.com"]
static = { "/static/" = "app/static" }
rate_limit = "1r/m"
burst = 20

[apps.behind]
source = "../hello"
wsgi = "app:app"
domains = ["behind.example.com"]
redirect = ["www.behind.example.com", "behind.example.org"]
rate_limit = "off"
trusted_proxies = ["192.0.2.0/24"]

[apps.behind-limited]
source = "../hello"
wsgi = "app:app"
domains = ["behind-limited.example.com"]
trusted_proxies = ["192.0.2.0/24"]
rate_limit = "1r/m"
burst = 20

[apps.talk]
source = "../hello"
asgi = "app:app"
domains = ["talk.example.com"]
rate_limit = "1r/m"
burst = 20

[apps.chat]
source = "../hello"
asgi = "app:app"
domains = ["rooms.example.com"]
prefix = "/chat/"
rate_limit = "off"
max_body = "1k"
basic_auth = { editor = { env = "A" }, "a@b.example" = { env = "B" } }
basic_auth_except = ["/hooks/", "/ping"]

[apps.home]
source = "../home"
wsgi = "app:app"
domains = ["shared.example.com"]
rate_limit = "off"
max_body = "1k"

[apps.shop]
source = "../shop"
wsgi = "app:app"
domains = ["shared.example.com"]
prefix = "/shop/"
static = { "/static/" = "static" }
rate_limit = "off"
max_body = "64k"

[apps.shop-help]
source = "../help"
wsgi = "app:app"
domains = ["shared.example.com"]
prefix = "/shop/help/"
rate_limit = "off"
csp = "strict"

[apps.below]
source = "../below"
wsgi = "app:app"
domains = ["below.example.com"]
prefix = "/a/"
rate_limit = "off"

[apps.private]
source = "../private"
wsgi = "app:app"
domains = ["private.example.com"]
static = { "/static/" = "static", "/public/" = "public" }
rate_limit = "off"
basic_auth = { editor = { env = "A" }, "a@b.example" = { env = "B" } }
basic_auth_except = ["/hooks/", "/ping", "/public/"]

[apps.embed]
source = "../embed"
wsgi = "app:app"
domains = ["embed.example.com"]
static = { "/static/" = "static" }
rate_limit = "off"
headers.Permissions-Policy = "off"
headers.Cross-Origin-Opener-Policy = "unsafe-none"
headers.X-Robots-Tag = "noindex"
static_headers.cross-origin-resource-policy = "cross-origin"
static_headers.Access-Control-Allow-Origin = "*"

[apps.defaults]
source = "../defaults"
wsgi = "app:app"
domains = ["defaults.example.com"]
rate_limit = "1r/m"

[apps.gallery]
source = "../gallery"
wsgi = "app:app"
domains = ["gallery.example.com"]
shared = ["uploads", "private"]
static = { "/static/" = "static" }
media = { "/media/" = "uploads", "/papers/" = { folder = "private", internal = true } }
rate_limit = "off"
limits = { "/login" = "3r/m", "/api/" = "2r/m" }
streams = ["/events"]
dot_paths = ["/static/.well/", "/files/.env.example"]
health_from = ["192.0.2.5"]
health_any_host = true

[apps.private-below]
source = "../private"
wsgi = "app:app"
domains = ["private.example.com"]
prefix = "/below/"
rate_limit = "off"

[tls]
method = "self-signed"
"""
)
PASSWORDS = {"editor": Secret("open sesame:x"), "a@b.example": Secret("p" * 70)}


@pytest.fixture(scope="session")
def nginx(tmp_path_factory):
    """One nginx with a few sites, over HTTPS, and no release yet."""
    if missing():
        pytest.skip(missing())
    folder = tmp_path_factory.mktemp("nginx")
    facts, given = (
        replace(BOOKWORM, ipv6=IPV6),
        dict.fromkeys(("private", "chat"), Given(PASSWORDS)),
    )
    resources = compiled(folder / "project", INVENTORY, facts, given=given).values()
    with usual_umask():
        staged = StagedNginx(resources, folder)
    with staged:
        yield staged


@pytest.fixture(autouse=True)
def hosts_umask():
    """Let nginx's workers read what a test puts there, and talk to its releases."""
    with usual_umask():
        yield


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
