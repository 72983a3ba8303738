"""nginx where it serves others too: nothing of ours says anything for their servers."""

from dataclasses import replace

import pytest

from provisioning.agent.layout import MARK
from provisioning.agent.nginx.conf import MAIN, Configuration
from provisioning.render import OWNED
from tests.agent.test_nginx_conf import Seen
from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled
from tests.roles.test_nginx import files

ENTRY = "sites-enabled/zz-homeport.conf"
BESIDE = replace(BOOKWORM, nginx_beside=ENTRY)
TAKEN = replace(BESIDE, nginx_taken="443 80 80v6")

FOR_ALL = {
    "include",
    "map",
    "log_format",
    "limit_conn_zone",
    "limit_req_zone",
    "upstream",
    "server",
}
"""What of ours stands outside of servers: each gives a name to something, and sets nothing."""


def seen(made):
    """Return every directive of ours, as nginx would read it within http, and its blocks."""
    texts = {f"/etc/nginx/{path}": text.partition("\n")[2] for path, text in made.items()}
    return Seen({**texts, MAIN: f"http {{ include /etc/nginx/{ENTRY}.ours; }}",
                 f"/etc/nginx/{ENTRY}.ours": texts[f"/etc/nginx/{ENTRY}"]})  # fmt: skip


@pytest.mark.parametrize("facts", [BESIDE, TAKEN, replace(TRIXIE, nginx_beside=ENTRY)])
def test_what_stands_outside_of_our_servers_only_gives_names_that_start_as_ours(tmp_path, facts):
    found = seen(files(compiled(tmp_path, HELLO + 'static = { "/s/" = "s" }\n', facts))).seen
    outside = [each for each in found if [name for name, _ in each.blocks] == ["http"]]
    assert {each.name for each in outside} == FOR_ALL
    for each in outside:
        named = {
            "map": lambda args: args[1].removeprefix("$"),
            "log_format": lambda args: args[0],
            "upstream": lambda args: args[0],
            "limit_conn_zone": lambda args: args[1].removeprefix("zone="),
            "limit_req_zone": lambda args: args[1].removeprefix("zone="),
        }.get(each.name)
        assert named is None or named(each.args).startswith("homeport"), each


def test_every_server_of_ours_says_for_itself_what_others_are_not_to_have(tmp_path):
    found = seen(files(compiled(tmp_path, HELLO, BESIDE)))
    for server in {each.blocks[:2] for each in found.seen if each.blocks[1:]}:
        if server[1][0] != "server":
            continue
        said = {each.name for each in found.seen if each.blocks == server}
        assert {"server_tokens", "access_log", "client_header_timeout", "gzip"} <= said
        listens = [each for each in found.seen if each.blocks == server and each.name == "listen"]
        if any("ssl" in each.args for each in listens):
            assert {"ssl_protocols", "ssl_ciphers", "ssl_session_cache"} <= said


def test_nginx_conf_the_unit_and_the_log_are_others(tmp_path):
    resources = compiled(tmp_path, HELLO, BESIDE)
    made = files(resources)
    assert "nginx.conf" not in made
    assert not [each for each in resources if each.startswith("unit:nginx")]
    assert resources["service:nginx"].restart_on == ()
    assert "/var/log/nginx/access.log" not in "".join(made.values())
    early = resources["neighbours:nginx"]
    assert early.files == resources["file-set:nginx"].files
    assert list(resources)[:3] == ["port:80", "port:443", "neighbours:nginx"]


def test_ours_are_the_default_only_where_nobody_listens(tmp_path):
    made = files(compiled(tmp_path, HELLO, TAKEN))
    assert "homeport/sites/00-default.conf" not in made
    # Nobody's over IPv6, so ours are not there either: see Listens.
    assert "homeport/sites/00-default-tls.conf" not in made
    assert "[::]:443" not in made["sites-tls/hello.conf"]
    assert "[::]:80" in made["homeport/sites/hello.conf"]
    # For all of the port, so for theirs too.
    assert "http2" not in made["sites-tls/hello.conf"]
    made = files(compiled(tmp_path / "6", HELLO, replace(BESIDE, nginx_taken="80v6")))
    assert "listen 80 default_server" in made["homeport/sites/00-default.conf"]
    assert "[::]:80 default_server" not in made["homeport/sites/00-default.conf"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (BESIDE, []),
        (replace(BESIDE, nginx_taken="80"), ["port 80:", "large_client_header_buffers"]),
        (TAKEN, ["port 80 and 443:", "ssl_protocols", "http2_max_concurrent_streams"]),
    ],
)
def test_what_does_not_hold_is_said(tmp_path, facts, words):
    notes = "\n".join(compiled(tmp_path, HELLO, facts)["neighbours:nginx"].notes)
    assert "without the sandbox" in notes
    assert all(word in notes for word in words)
    assert ("default server" in notes) is bool(words)
    assert ("does not answer over IPv6" in notes) is (
        facts.nginx_taken in ("80", TAKEN.nginx_taken)
    )


def test_a_later_nginx_has_protocols_for_each(tmp_path):
    facts = replace(TAKEN, nginx="1.29.2")
    assert "ssl_protocols" not in str(compiled(tmp_path, HELLO, facts)["neighbours:nginx"].notes)


def test_an_nginx_of_ours_alone_costs_no_second_list_of_its_files(tmp_path):
    early = compiled(tmp_path, HELLO)["neighbours:nginx"]
    assert (early.files, early.notes, early.entry) == ({}, (), "")
    assert early.names["www.hello.example.com"] == "homeport/sites/hello.conf"


def test_the_mark_is_what_every_file_of_ours_begins_with():
    assert MARK.decode() in OWNED
    assert issubclass(Seen, Configuration)
