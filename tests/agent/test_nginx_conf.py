"""nginx's configuration as others have written it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping

import pytest

from provisioning.agent.machine import dpkg
from provisioning.agent.nginx.conf import Configuration, Directive
from provisioning.agent.nginx.facts import nginx_facts
from tests.fakes.system import WrittenSystem

OURS = "# Made by Homeport from templates/nginx/x.j2; an edit by hand is undone.\n"
MAIN = "/etc/nginx/nginx.conf"
DEBIANS = (
    "http {\n    include /etc/nginx/conf.d/*.conf;\n    include /etc/nginx/sites-enabled/*;\n}\n"
)
NGINX_ORGS = "user nginx;\nhttp {\n    include /etc/nginx/conf.d/*.conf;\n}\n"
WELCOME = "server { listen 80 default_server; listen [::]:80 default_server; }\n"
DEFAULT = "/etc/nginx/sites-available/default"
BOTH = ("sites-enabled/zz-homeport.conf", "conf.d/zz-homeport.conf")


class Seen(Configuration):
    """A configuration that keeps all its directives."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.seen: list[Directive] = []
        super().__init__(WrittenSystem(files))

    def _take(self, each: Directive) -> None:
        self.seen.append(each)
        super()._take(each)


def packaged(main: str) -> dict[str, str]:
    """Return nginx's files and that they are as its package has them."""

    def digest(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    status = (
        "Package: nginx-common\nStatus: install ok installed\nConffiles:\n"
        f" {MAIN} {digest(main)}\n {DEFAULT} {digest(WELCOME)}\nVersion: 1\n"
    )
    return {MAIN: main, DEFAULT: WELCOME, dpkg.STATUS_FILE: status}


def test_words_are_read_as_nginx_reads_them() -> None:
    text = r"""
# a { comment
a "b; { c" 'd }' e${f}g
  h;
location ~ "^/\d{3}$" { i "\"j"; } # }
content_by_lua_block { local x = { "{}" }; ngx.say("k;") }
l#m;
"""
    found = [(each.name, each.args, each.line) for each in Seen({MAIN: text}).seen]
    assert found == [
        ("a", ("b; { c", "d }", "e${f}g", "h"), 3),
        ("location", ("~", r"^/\d{3}$"), 5),
        ("i", (r"\"j",), 5),
        ("content_by_lua_block", (), 6),
        ("l#m", (), 7),
    ]


def test_includes_are_followed_in_order_and_ours_are_passed_over() -> None:
    files = {
        MAIN: "http { include mime.types; include sites-*/*; server { include /x/inner; } }",
        "/etc/nginx/mime.types": "types { }",
        "/etc/nginx/sites-enabled/b": "b 1;",
        "/etc/nginx/sites-enabled/a": "-> ../sites-available/a",
        "/etc/nginx/sites-enabled/ours": OURS + "c 1;",
        "/etc/nginx/sites-enabled/.hidden": "d 1;",
        "/etc/nginx/sites-available/a": "a 1;\ninclude /etc/nginx/sites-available/a;",
        "/x/inner": "listen 81;\nlisten 443;",
    }
    found = Seen(files)
    names = [each.name for each in found.seen]
    assert names[:4] == ["http", "include", "types", "include"]
    assert next(each for each in names if len(each) == 1) == "a"
    assert "b" in names
    assert not {"c", "d"} & set(names)
    [server] = found.servers
    assert [(each.port, each.where) for each in server.listens] == [(443, "/x/inner:2")]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("80", [("", 80, False)]),
        ("*:80", [("", 80, False)]),
        ("0.0.0.0:443", [("", 443, False)]),
        ("[::]:443", [("", 443, True)]),
        ("[::]", [("", 80, True)]),
        ("[2001:db8::1]:80", [("[2001:db8::1]", 80, True)]),
        ("192.0.2.1", [("192.0.2.1", 80, False)]),
        ("192.0.2.1:443", [("192.0.2.1", 443, False)]),
        ("localhost", [("localhost", 80, False)]),
        ("localhost:80", [("localhost", 80, False)]),
        ("79-500", [("", 80, False), ("", 443, False)]),
        ("*:440-450", [("", 443, False)]),
        ("8080", []),
        ("unix:/run/x.sock", []),
        ("$port", [("$port", 80, False)]),
    ],
)
def test_where_a_server_listens(written: str, found: list) -> None:
    [server] = Configuration(
        WrittenSystem({MAIN: f"http {{ server {{ listen {written}; }} }}"})
    ).servers
    assert [(each.address, each.port, each.ipv6) for each in server.listens] == found


def test_a_server_that_says_nothing_listens_on_port_80() -> None:
    found = Configuration(WrittenSystem({MAIN: "http { server { } } stream { server { } }"}))
    assert [[each.port for each in server.listens] for server in found.servers] == [[80], []]


def test_no_text_breaks_it() -> None:
    random.seed(7)
    parts = ["http", "server", "{", "}", ";", '"', "'", "\\", "$", "#", "\n", " ", "listen", "80"]
    parts += ["include", "*", "/etc/nginx/*", "a_by_lua_block", "[", "é"]
    for _ in range(2000):
        text = " ".join(random.choices(parts, k=30)) + random.choice(parts)
        found = Configuration(WrittenSystem({MAIN: text, "/etc/nginx/conf.d/x": text}))
        # What it makes of such a text is its own affair; but no number in there is another port.
        assert {each.port for server in found.servers for each in server.listens} <= {80}, text


@pytest.mark.parametrize(
    ("what", "files", "facts"),
    [
        ("bare", {}, ("", "")),
        ("ours", {MAIN: OURS + "http { server { listen 80; } }"}, ("", "")),
        (
            "by a template of a person's own",
            {MAIN: "http { include /etc/nginx/sites-tls/*.conf; }"},
            ("", ""),
        ),
        (
            "just installed",
            {
                **packaged(DEBIANS),
                "/etc/nginx/sites-enabled/default": f"-> {DEFAULT}",
                "/var/www/html/index.nginx-debian.html": "Welcome",
            },
            ("", ""),
        ),
        (
            "a first run of ours was cut off",
            {
                **packaged(DEBIANS),
                "/etc/nginx/conf.d/limits.conf": OURS,
                "/etc/nginx/sites-enabled/hello.conf": OURS + "server { listen 80; }",
                "/etc/nginx/conf.d/README": "mine",
            },
            ("", ""),
        ),
        (
            "pages of a person's in the default site",
            {
                **packaged(DEBIANS),
                "/etc/nginx/sites-enabled/default": f"-> {DEFAULT}",
                "/var/www/html/index.html": "mine",
            },
            (BOTH[0], "80 80v6"),
        ),
        (
            "a site",
            {
                **packaged(DEBIANS),
                "/etc/nginx/sites-enabled/blog": "server { listen 443 ssl; listen 127.0.0.1:80; }",
            },
            (BOTH[0], "443"),
        ),
        (
            "a setting",
            {**packaged(DEBIANS), "/etc/nginx/conf.d/gzip.conf": "gzip off;"},
            (BOTH[0], ""),
        ),
        ("a nginx.conf of a person's own", {MAIN: DEBIANS + "# mine"}, (BOTH[0], "")),
        (
            "nginx.org's",
            {**packaged(NGINX_ORGS), "/etc/nginx/conf.d/default.conf": "server { listen 80; }"},
            (BOTH[1], "80"),
        ),
        ("no directory", {MAIN: "http { server { listen [::]:80; } }"}, ("nowhere", "80v6")),
        (
            "in a server only",
            {MAIN: "http { server { include /etc/nginx/conf.d/*.conf; } }"},
            ("nowhere", "80"),
        ),
        (
            "sites first, ours among them",
            {
                MAIN: "http { include sites-enabled/*.conf; include conf.d/*.conf; }",
                "/etc/nginx/sites-enabled/zz-homeport.conf": OURS,
                "/etc/nginx/homeport/sites/hello.conf": OURS + "server { listen 443; }",
            },
            (BOTH[1], ""),
        ),
    ],
)
def test_whose_nginx_it_is(what: str, files: dict[str, str], facts: tuple[str, str]) -> None:
    assert nginx_facts(WrittenSystem(files)) == facts
