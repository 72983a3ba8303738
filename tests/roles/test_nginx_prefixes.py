"""Apps that share their domains, each below a path of its own: asked of a real nginx."""

import pytest

from provisioning.agent.answers import Owned, OwnedApp
from provisioning.commands.remove import _sites_of_its_own
from provisioning.roles import web_server
from tests.roles.samples import HELLO, compiled
from tests.roles.staged_nginx import ELSEWHERE

SITE = "https://shared.example.com"
UNAVAILABLE = b"Back in a moment"


@pytest.fixture
def three(deploy):
    """The releases of the three apps that share a domain."""
    return {name: deploy(app=name) for name in ("home", "shop", "shop-help")}


@pytest.mark.parametrize(
    ("path", "app"),
    [
        ("/", "home"),
        ("/shopping", "home"),
        ("/a?to=/shop/", "home"),
        ("/shop/", "shop"),
        ("/shop/items/1?a=b", "shop"),
        ("/%73hop/items", "shop"),
        ("/shop/healthz", "shop"),
        ("/shop/helpful", "shop"),
        ("/shop/help/", "shop-help"),
        ("/shop/help/healthz", "shop-help"),
        ("/shop/../x", "home"),
        ("/shop/help/../x", "shop"),
    ],
)
def test_the_longest_prefix_decides_and_the_path_is_passed_on_whole(nginx, three, path, app):
    assert nginx.ask(SITE + path).status == 200
    asked = {name: [each for _, each, _ in release.asked] for name, release in three.items()}
    assert asked == {**{name: [] for name in three}, app: [path]}


def test_the_app_learns_its_prefix_and_no_visitor_can_claim_another(nginx, three):
    forged = {"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil", "SCRIPT_NAME": "/evil"}
    for path, app, prefix in (
        ("/", "home", None),
        ("/shop/", "shop", "/shop"),
        ("/shop/healthz", "shop", "/shop"),
        ("/shop/help/", "shop-help", "/shop/help"),
    ):
        nginx.ask(SITE + path, headers=forged, source=ELSEWHERE)
        seen = [(k, v) for k, v in three[app].last.items() if "/evil" in v or "prefix" in k.lower()]
        assert seen == ([("X-Forwarded-Prefix", prefix)] if prefix else [])


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/shop", "https://shared.example.com/shop/"),
        ("/shop?a=b&c", "https://shared.example.com/shop/?a=b&c"),
        ("/shop/help", "https://shared.example.com/shop/help/"),
    ],
)
def test_a_prefix_without_its_slash_leads_to_it(nginx, three, path, to):
    answer = nginx.ask(SITE + path, method="POST", body=b"x")
    assert (answer.status, answer["Location"]) == (308, to)
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_static_files_lie_below_the_prefix(nginx, three):
    path = nginx.srv / "shop/static/shop/static/app.3f2a1b9c.css"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    answer = nginx.ask(f"{SITE}/shop/static/app.3f2a1b9c.css")
    assert (answer.body, answer["Content-Type"]) == (b"x", "text/css")
    assert "immutable" in answer["Cache-Control"]
    assert nginx.ask(f"{SITE}/shop/static/none.css").status == 404
    assert [release.asked for release in three.values()] == [[], [], []]
    # Elsewhere that folder is the other app's.
    assert nginx.ask(f"{SITE}/static/app.css").status == 200
    assert len(three["home"].asked) == 1


def test_each_app_has_its_own_limits_policy_and_hidden_files(nginx, three):
    big = b"x" * 2000
    assert nginx.ask(f"{SITE}/", method="POST", body=big).status == 413
    assert nginx.ask(f"{SITE}/shop/", method="POST", body=big).status == 200
    assert nginx.ask(f"{SITE}/shop/")["Content-Security-Policy"] is None
    assert nginx.ask(f"{SITE}/shop/help/")["Content-Security-Policy"].startswith("default-src")
    for path in ("/.env", "/shop/.git/config", "/shop/help/.env"):
        assert nginx.ask(SITE + path).status == 404


def test_what_befalls_one_app_leaves_the_others(nginx, deploy):
    deploy(app="shop")
    home = nginx.ask(f"{SITE}/")
    assert (home.status, UNAVAILABLE in home.body) == (503, True)
    assert nginx.ask(f"{SITE}/shop/").status == 200
    deploy(app="home")
    page = nginx.srv / "shop/maintenance.conf"
    page.write_text("deny all;\nerror_page 403 =503 /homeport-unavailable.html;\n")
    nginx.reload()
    try:
        shop = nginx.ask(f"{SITE}/shop/")
        assert (shop.status, UNAVAILABLE in shop.body) == (503, True)
        assert nginx.ask(f"{SITE}/shop/healthz").status == 200
        assert nginx.ask(f"{SITE}/").status == 200
    finally:
        page.unlink()
        nginx.reload()


def test_an_app_that_is_removed_leaves_the_site_to_the_others(nginx, three):
    conf = nginx.folder / "etc/nginx"
    for gone, path in (("home", "/"), ("shop", "/shop/")):
        files = [conf / f"apps/{gone}.conf", conf / f"homeport/sites/{gone}.conf"]
        texts = [file.read_text() for file in files]
        for file in files:
            file.unlink()
        try:
            nginx.reload()
            assert nginx.ask(f"{SITE}/shop/help/").status == 200
            before = len(three["home"].asked)
            assert nginx.ask(SITE + path).status == (404 if gone == "home" else 200)
            assert len(three["home"].asked) == before + (gone == "shop")
        finally:
            for file, text in zip(files, texts, strict=True):
                file.write_text(text)
            nginx.reload()


def test_a_site_of_which_no_app_has_the_rest_answers_404_there(nginx, deploy):
    deploy(app="below")
    site = "https://below.example.com"
    assert nginx.ask(f"{site}/a/").status == 200
    for path in ("/", "/index.html", "/b", "/healthz"):
        answer = nginx.ask(site + path)
        assert (answer.status, answer["X-Content-Type-Options"]) == (404, "nosniff")


def test_the_host_alone_learns_which_release_of_which_app_answers(nginx, deploy):
    for app, path in (("home", "/healthz"), ("shop", "/shop/healthz")):
        deploy(f"release-of-{app}", app=app)
        assert nginx.ask(SITE + path)["X-Homeport-Release"] == f"release-of-{app}"
        assert nginx.ask(SITE + path, source=ELSEWHERE)["X-Homeport-Release"] is None


# Leaving it


def owned(**apps):
    entries = {name: OwnedApp("p/production", tuple(domains)) for name, domains in apps.items()}
    return Owned(apps=entries, things={}, adopted={})


def test_the_last_app_of_a_site_takes_it_along_and_no_other_one_does():
    both = owned(home=["a.example", "b.example"], shop=["a.example", "b.example"], x=["x.example"])
    assert _sites_of_its_own("shop", both) == ()
    alone = owned(shop=["a.example", "b.example"], x=["x.example"])
    assert _sites_of_its_own("shop", alone) == ("site.a.example", "site.b.example")
    assert _sites_of_its_own("unknown", alone) == ()


def test_what_goes_with_an_app_and_with_its_site():
    (files, _) = web_server("nginx").without("shop", sites=("site.a.example",), is_last=False)
    assert {
        "apps/shop.conf",
        "homeport/sites/shop.conf",
        "homeport/passwords/shop",
        "homeport/snippets/shop.conf",
        "apps/site.a.example.conf",
        "sites-tls/site.a.example.conf",
        "homeport/client-ca/site.a.example.pem",
        "homeport/redirects/site.a.example.conf",
    } <= {*files.absent}
    (files, _) = web_server("nginx").without("shop", sites=(), is_last=False)
    assert not [path for path in files.absent if "site.a" in path]


def test_a_site_that_gets_or_loses_apps_is_named_anew_and_nothing_stays_behind(tmp_path):
    shop = HELLO.replace("apps.hello", "apps.shop") + 'prefix = "/shop/"\n'
    shared = compiled(tmp_path / "shared", HELLO + shop)
    alone = compiled(tmp_path / "alone", HELLO)
    site, timer = "site.hello.example.com", "service:homeport-renewal@{}.timer"
    assert "sites-tls/hello.conf" in shared["file-set:nginx-tls"].absent
    assert f"sites-tls/{site}.conf" in alone["file-set:nginx-tls"].absent
    assert f"homeport/sites/{site}.conf" in alone["file-set:nginx"].absent
    assert "homeport/sites/hello.conf" in shared["file-set:nginx"].files
    for resources, runs, stopped in ((shared, site, "hello"), (alone, "hello", site)):
        assert resources[timer.format(runs)].running
        assert not resources[timer.format(stopped)].running
        assert f"certificate:{stopped}" not in resources
