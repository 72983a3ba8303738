"""Caddy's desired state: what differs from nginx's, and how one follows the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.resources import Service
from provisioning.roles import web_server
from provisioning.roles.web_servers import caddy
from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled, files_of

CADDY = HELLO + 'web_server = "caddy"\n'


def ids(tmp_path, text, facts=BOOKWORM):
    return list(compiled(tmp_path, text, facts))


def in_order(found, *wanted):
    positions = [found.index(each) for each in wanted]
    assert positions == sorted(positions), positions


def test_caddy_answers_on_port_80_before_it_asks_the_authority(tmp_path):
    found = ids(tmp_path, CADDY)
    in_order(
        found,
        "packages:caddy",
        "file-set:caddy",
        "service:caddy",
        "preflight:hello",
        "file-set:caddy-tls",
        "service:caddy-tls",
        "served-certificates:hello",
    )
    assert not [each for each in found if each.startswith(("certificate:", "packages:certbot"))]


def test_keys_that_others_bring_are_for_caddys_group_only(tmp_path):
    resources = compiled(tmp_path, CADDY + '[tls]\nmethod = "self-signed"\n')
    in_order(list(resources), "packages:caddy", "self-signed:hello", "file-set:caddy")
    assert resources["self-signed:hello"].readers == "caddy"
    nginx = compiled(tmp_path, HELLO + '[tls]\nmethod = "self-signed"\n')
    assert nginx["self-signed:hello"].readers == "root"


def test_without_https_there_is_one_port_and_no_server_on_443(tmp_path):
    resources = compiled(tmp_path, CADDY + '[tls]\nmethod = "off"\n')
    assert [each for each in resources if each.startswith("port:")] == ["port:80"]
    assert resources["file-set:caddy-tls"].files == {}
    [site] = [t for p, t in files_of(resources.values()) if p.endswith("/sites/hello.caddy")]
    assert "http://hello.example.com, http://www.hello.example.com {" in site


@pytest.mark.parametrize("method", ["acme", "self-signed", "off"])
@pytest.mark.parametrize(
    ("new", "old", "text"), [("caddy", "nginx", CADDY), ("nginx", "caddy", HELLO)]
)
def test_all_that_takes_time_happens_while_the_other_server_still_serves(
    tmp_path, method, new, old, text
):
    facts = replace(BOOKWORM, web_units=f"{old}.service")
    resources = compiled(tmp_path, f'{text}[tls]\nmethod = "{method}"\n', facts)
    found = list(resources)
    taken = found.index(f"service:{new}")
    # Nothing but the second reload and the look at the certificates is between start and end.
    between = found[taken + 1 : found.index(f"file-set:{old}-gone")]
    assert [each for each in between if not each.startswith("service:homeport-renewal")] == [
        f"service:{new}-tls",
        *(["served-certificates:hello"] if (new, method) == ("caddy", "acme") else []),
        "earlier-renewal:certbot",
    ]
    service = resources[f"service:{new}"]
    assert isinstance(service, Service)
    assert (service.instead_of, service.ports) == ((f"{old}.service",), (80, 443))
    assert resources["port:80"].until == (f"{old}.service",)
    in_order(found, f"file-set:{old}-gone", f"retired-server:{old}.service")


def test_caddy_gets_its_certificates_before_nginx_ends(tmp_path):
    facts = replace(TRIXIE, web_units="nginx.service")
    resources = compiled(tmp_path, CADDY, facts)
    in_order(
        list(resources),
        "file-set:nginx-challenges",
        "service:nginx-challenges",
        "command:caddy-in-advance",
        "service:caddy",
    )
    [text] = resources["file-set:nginx-challenges"].files.values()
    # No app can listen below 1024, and answer an authority in Caddy's place.
    assert b"proxy_pass http://127.0.0.1:580;" in text.data
    assert int(caddy.CHALLENGES.rpartition(":")[2]) < 1023


def test_an_nginx_that_serves_others_is_not_stopped(tmp_path):
    facts = replace(
        BOOKWORM, web_units="nginx.service", nginx_beside="sites-enabled/zz-homeport.conf"
    )
    resources = compiled(tmp_path, CADDY, facts)
    assert not [each for each in resources if "nginx" in each]
    # Its port is then taken, which stops the run before it changes anything.
    assert resources["port:80"].until == ()


def test_a_host_keeps_the_server_that_it_has(tmp_path):
    plain = ids(tmp_path, CADDY)
    assert ids(tmp_path, CADDY, replace(BOOKWORM, web_units="caddy.service")) == plain


@pytest.mark.parametrize(
    ("directory", "folder"),
    [
        # As certmagic names them; the first two lay on hosts.
        ("https://10.77.3.1:14000/dir", "10.77.3.1-14000-dir"),
        (
            "https://acme-staging-v02.api.letsencrypt.org/directory",
            "acme-staging-v02.api.letsencrypt.org-directory",
        ),
        ("https://acme.example.com/a/b/", "acme.example.com-a-b"),
        ("https://acme.example.com", "acme.example.com"),
    ],
)
def test_where_caddy_keeps_certificates(directory, folder):
    assert caddy._authority_folder(directory) == folder


def test_maintenance_lets_the_host_itself_through(tmp_path):
    resources = web_server("caddy").maintenance("hello", ["203.0.113.7/32"])
    texts = dict(files_of(resources))
    assert (
        "not remote_ip 127.0.0.0/8 ::1/128 203.0.113.7/32"
        in texts["/etc/caddy/homeport/maintenance/hello.caddy"]
    )
    assert "/srv/hello/maintenance.conf" in texts
    off = [each.id for each in web_server("caddy").maintenance("hello", None)]
    assert off == [
        "absent:/etc/caddy/homeport/maintenance/hello.caddy",
        "service:caddy-maintenance-hello",
        "absent:/srv/hello/maintenance.conf",
    ]


def test_an_app_has_its_own_choice_of_headers(tmp_path):
    text = CADDY + (
        'static = { "/static/" = "static" }\nheaders = { X-Frame-Options = "DENY" }\n'
        'static_headers = { Access-Control-Allow-Origin = "*" }\n'
    )
    resources = compiled(tmp_path, text)
    made = "".join(dict(files_of([resources["file-set:caddy"]])).values())
    assert made.count('header ?X-Frame-Options "DENY"') == 2  # the app's pages, and its health path
    assert made.count('header X-Frame-Options "DENY"') == 1
    assert made.count('header Access-Control-Allow-Origin "*"') == 1
