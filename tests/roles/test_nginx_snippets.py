"""A person's own directives in an app's server: what is refused, and what nginx does with them."""

import pytest

from provisioning.errors import ConfigurationError
from provisioning.render import annotate
from provisioning.roles import read_given, web_server
from provisioning.roles.site import Given, Snippet
from provisioning.roles.web_servers.directives import BadSyntaxError, whole_directives
from tests.roles.samples import HELLO, compiled, inventory
from tests.roles.staged_nginx import StagedNginx, missing
from tests.umask import usual_umask

KEY = 'snippet = "../deploy/extra.conf"\n'
GOOD = """\
# Legacy addresses.
location = /old { return 301 /new; }
location ~ "^/p{2}/(?<rest>[^}]*)$" {
    add_header X-Own "a; b } c" always;
    return 200 "quoted { ${rest}";
}
rewrite ^/blog/(.*)$ /news/$1 last;
error_page 404 /missing;"""


def mistakes(text):
    return list(web_server("nginx").snippet_mistakes(Snippet("extra.conf", text)))


@pytest.mark.parametrize(
    "text", ["", "# only a comment", GOOD, "location /a { location /a/b { return 204; } }\n"]
)
def test_whole_directives_pass(text):
    assert mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("gzip on;\n}\nserver { listen 81;", 2, 'this "}" closes a block that was not opened'),
        ("location /a {\n} }", 2, 'this "}" closes a block that was not opened here'),
        ("gzip on;\n\nlocation /a {\n gzip off;\n", 3, 'the block "location" is not closed'),
        ("gzip on", 1, '"gzip" does not end with ";"'),
        ("location /a { gzip on }", 1, '"gzip" does not end with ";" before this "}"'),
        ("\nset $a 'x;\n", 2, "a quote is not closed"),
        ("gzip on;\n;", 2, 'there is no directive before this ";"'),
        ("{ }", 1, 'there is no directive before this "{"'),
        ("gzip on; \\", 1, "nothing follows a backslash"),
    ],
)
def test_what_would_leave_the_server_is_told_with_its_line(text, line, what):
    (told,) = mistakes(text)
    assert told.startswith(f"extra.conf:{line}: ")
    assert what in told


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("listen 81;", "listen cannot be set: Homeport decides where its sites listen"),
        ("server_name a.example;", "write the name into domains or redirect"),
        ("ssl_protocols TLSv1;", "[tls] and Homeport decide"),
        ("client_max_body_size 1g;", "set max_body"),
        ("real_ip_header X;", "set trusted_proxies"),
        ('auth_basic "x";', "set basic_auth"),
        ("return 200;", "it would answer everything"),
        ("deny all;", "it would keep deploys from the health path"),
        ("add_header X-A b;", "it has no effect"),
        ("proxy_set_header X-A b;", "it has no effect"),
        ("error_page 404 502 /x;", "Homeport shows its page"),
        ("include /etc/nginx/other.conf;", "what it includes would not be checked"),
        ("location /a { include x; }", "what it includes would not be checked"),
        ("content_by_lua_block { }", "use *_by_lua_file"),
    ],
)
def test_what_would_fight_homeport_is_refused_with_a_reason(text, what):
    (told,) = mistakes(f"gzip on;\n{text}")
    assert told.startswith("extra.conf:2: ")
    assert what in told


def test_in_a_location_of_ones_own_most_of_it_may_stand():
    assert mistakes("location /a { return 200; add_header X-A b; deny all; auth_basic x; }") == []


def test_all_mistakes_are_told_at_once_each_with_its_line():
    told = mistakes("listen 81;\nreturn 200;\nlocation /a {")
    assert [each.split(":")[1] for each in told] == ["1", "2", "3"]


def test_the_reader_says_what_stands_in_which_block():
    each = list(whole_directives("location /a {\n  gzip on;\n}\nset $a b;", "x"))
    assert [(d.name, d.line, [name for name, _ in d.blocks]) for d in each] == [
        ("location", 1, []),
        ("gzip", 2, ["location"]),
        ("set", 4, []),
    ]
    with pytest.raises(BadSyntaxError):
        list(whole_directives("}", "x"))


# The file


def read(tmp_path, text):
    made = inventory(tmp_path, HELLO + KEY)
    if text is not None:
        (tmp_path / "deploy").mkdir()
        (tmp_path / "deploy/extra.conf").write_text(text)
    return read_given(made, made.apps.values(), warn=print)["hello"]


def test_it_is_read_beside_the_inventory_and_refused_before_any_host_is_asked(tmp_path):
    with pytest.raises(ConfigurationError, match="1 mistake") as refused:
        read(tmp_path, "gzip on;\n}\n")
    assert "../deploy/extra.conf:2: this" in refused.value.output


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file") as refused:
        read(tmp_path, None)
    assert "apps.hello.snippet" in refused.value.hint


def test_it_is_on_the_host_line_by_line_and_messages_lead_to_the_persons_file(tmp_path):
    given = read(tmp_path, GOOD)
    resources = compiled(tmp_path / "made", HELLO + KEY, given={"hello": given})
    text = resources["file-set:nginx"].files["homeport/snippets/hello.conf"].data.decode()
    assert text.startswith(GOOD + "\n# A copy of ../deploy/extra.conf")
    path = "/etc/nginx/homeport/snippets/hello.conf"
    said = annotate(f"unknown directive in {path}:2", {path: text})
    assert said == f"unknown directive in {path}:2 (from ../deploy/extra.conf:2)"
    without = compiled(tmp_path / "without", HELLO)["file-set:nginx"]
    assert "homeport/snippets/hello.conf" in without.absent


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_nginx_answers_by_it_at_the_root_and_below_a_prefix(tmp_path):
    shop = HELLO.replace("apps.hello", "apps.shop") + 'prefix = "/shop/"\n[tls]\nmethod = "off"\n'
    given = {
        "hello": Given(snippet=Snippet("x", GOOD)),
        "shop": Given(snippet=Snippet("y", "location = /shop/old { return 301 /shop/new; }\n")),
    }
    with usual_umask():
        staged = StagedNginx(compiled(tmp_path / "p", HELLO + shop, given=given).values(), tmp_path)
    with staged:
        site = "http://hello.example.com"
        assert staged.ask(f"{site}/old")["Location"] == f"{site}/new"
        assert staged.ask(f"{site}/shop/old")["Location"] == f"{site}/shop/new"
        own = staged.ask(f"{site}/pp/x")
        assert (own["X-Own"], own.body) == ("a; b } c", b"quoted { x")
        assert staged.ask(f"{site}/").status == 503
