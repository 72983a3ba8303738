"""What others serve is in the way of ours, or is not."""

from __future__ import annotations

import pytest

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.accounts import Account
from provisioning.resources import Neighbours
from tests.agent.test_nginx_conf import MAIN, OURS
from tests.fakes.system import WrittenSystem

ENTRY = "sites-enabled/zz-homeport.conf"
SITE = "/etc/nginx/sites-enabled/theirs"
HTTP = "http {\n include /etc/nginx/sites-enabled/*;\n}\n"
FREE = "server { listen 80 default_server; listen 443 ssl default_server; }"


USERS = {
    name: Account(name, 7, group=name, groups=groups)
    for name, groups in {"nginx": (), "member": ("www-data",), "www-data": ()}.items()
}


def in_the_way(site: str = FREE, main: str = HTTP, **values: str) -> str:
    made = Neighbours("nginx", {"hello.test": "homeport/sites/hello.conf"}, (80, 443), **values)  # type: ignore[arg-type]
    return str(made.actual(WrittenSystem({MAIN: main, SITE: site}, USERS))["in_the_way"] or "")


@pytest.mark.parametrize(
    "site",
    [
        FREE,
        "server { server_name *.test ~hello.test; }",
        "server { listen 8080; server_name hello.test; }",
        "server { listen unix:/run/x; server_name hello.test; }",
        "server { listen 192.0.2.1:8080; listen [::1]:80; }",
        "server { listen 443; ssl on; }",
        "server { listen [::]:80 ipv6only=on; }",
        OURS + "server { server_name hello.test; }",
    ],
)
def test_what_leaves_room(site: str) -> None:
    assert in_the_way(site) == ""
    assert in_the_way(site, entry=ENTRY) == ""


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ("server {\n server_name a\n Hello.test; }", f"{SITE}:2: server_name hello.test"),
        ("server { listen 443 ssl; server_name .hello.test; }", "server_name .hello.test"),
        ("server { listen localhost:80; }", "listens on localhost, port 80"),
        ("server { listen 192.0.2.1:443 ssl; }", "listens on 192.0.2.1, port 443"),
        ("server { listen 80 proxy_protocol; }", "PROXY protocol"),
        ("server { listen [::]:80 ipv6only=off; }", "IPv6 socket"),
        ("server { listen 443; }", "443 without ssl"),
    ],
)
def test_what_is_in_the_way_is_named_with_its_line(site: str, words: str) -> None:
    assert words in in_the_way(site)
    assert words in in_the_way(site, entry=ENTRY)


@pytest.mark.parametrize("block", ["stream", "mail"])
def test_other_protocols_on_our_ports(block: str) -> None:
    main = f"{block} {{\n server {{ listen 443; }}\n}}\n" + HTTP
    assert f"{MAIN}:2: {block} listens on port 443" in in_the_way(main=main)


@pytest.mark.parametrize(
    ("user", "words"),
    [("nginx", f"{MAIN}:1: nginx's workers run as nginx"), ("member", ""), ("www-data", "")],
)
def test_workers_must_reach_the_apps(user: str, words: str) -> None:
    found = in_the_way(main=f"user {user};\n{HTTP}", entry=ENTRY)
    assert (words in found) if words else (found == "")


@pytest.mark.parametrize(
    ("includes", "is_after"),
    [
        ("include sites-enabled/*; server { listen 80; }", True),
        ("server { listen 80; } include sites-enabled/*;", False),
        ("include sites-enabled/*; server { listen 80 default_server; }", False),
        ("server { listen 80; } include sites-enabled/*; server { listen 80; }", False),
        ("include conf.d/*; include sites-enabled/*; server { listen 80; }", True),
    ],
)
def test_the_first_server_of_theirs_stays_the_first(includes: str, is_after: bool) -> None:
    found = in_the_way("", f"http {{ {includes} }}", entry=ENTRY)
    assert ("comes after Homeport's" in found) is is_after


def test_nowhere_to_come_in_is_said_with_the_line_of_http() -> None:
    found = in_the_way(main="\nhttp { }", entry="nowhere")
    assert found.startswith(f"{MAIN}:2: http includes neither")


def test_all_that_is_in_the_way_is_said_at_once() -> None:
    site = "server { listen 127.0.0.1:80; listen 443; server_name hello.test; }"
    made = Neighbours("nginx", {"hello.test": "homeport/sites/hello.conf"}, (80, 443))
    system = WrittenSystem({MAIN: HTTP, SITE: site}, USERS)
    with pytest.raises(AgentError, match="3 things are in the way; nothing was changed") as error:
        made.apply(system, {"in_the_way": (made.actual(system)["in_the_way"], None)})
    assert len(error.value.output.splitlines()) == 3
