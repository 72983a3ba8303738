from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import Duration, Rate, Size, load
from provisioning.secrets import CommandSource, EnvSource, FileSource, GenerateSource

if TYPE_CHECKING:
    from tests.inventory.conftest import Inventories

AppWith = Callable[[str], Any]


def test_the_smallest_inventory_gets_every_default(inventories: Inventories) -> None:
    inventory = inventories.load(inventories.smallest)
    host, app = inventory.hosts["web1"], inventory.apps["hello"]
    assert inventory.environment == "production"
    assert (host.name, host.address, host.user, host.port) == ("web1", "web1", None, None)
    assert (app.name, app.workers, app.threads, app.max_requests) == ("hello", 0, 4, 2000)
    assert (app.server, app.web_server, app.health) == ("gunicorn", "nginx", "/healthz")
    assert app.requirements == "requirements.txt"
    assert app.max_body == Size("10m", 10 * 1024**2)
    assert app.rate_limit == Rate("20r/s", 1200)
    assert (app.keep_releases, app.drain_timeout_s) == (5, 30)
    assert (inventory.tls.method, inventory.tls.email) == ("acme", None)
    assert inventory.ssh.connect_timeout_s == 10


def test_values_are_typed(app_with: AppWith) -> None:
    app = app_with("""
max_body = "1G"
memory_max = "512m"
rate_limit = "off"
hsts = "off"
static_max_age = "365d"
static = { "/static/" = "app/static/", "/media/files/" = "media" }
trusted_proxies = ["192.0.2.0/24", "2001:db8::1"]
shared = ["instance"]
[apps.hello.secrets]
A = { env = "X" }
B = { command = "pass show x" }
C = { command = "pass show y", timeout_s = 5 }
D = { file = "~/x" }
E = { generate = 32 }
""")
    assert app.max_body.size_bytes == 1024**3
    assert app.memory_max == Size("512m", 512 * 1024**2)
    assert app.rate_limit is None
    assert app.hsts is None
    assert app.static_max_age == Duration("365d", 365 * 86400)
    assert app.static == {"/static/": "app/static", "/media/files/": "media"}
    assert app.trusted_proxies == ("192.0.2.0/24", "2001:db8::1/128")
    assert app.secrets == {
        "A": EnvSource("X"),
        "B": CommandSource("pass show x", 60),
        "C": CommandSource("pass show y", 5),
        "D": FileSource("~/x"),
        "E": GenerateSource(32),
    }


def test_an_inventory_cannot_be_changed(app_with: AppWith) -> None:
    app = app_with("")
    with pytest.raises(ValueError, match="frozen"):
        app.workers = 4
    assert app.workers == 0


def test_all_mistakes_are_reported_at_once_each_with_its_line(inventories: Inventories) -> None:
    assert inventories.mistakes("""\
workers = 3
[hosts.web1]
adress = "203.0.113.10"
port = "22"
[hosts."bad name"]
[hosts.web3]
groups = ["web"]

[apps.hello]
source = ".."
worker = 3
hosts = [
  "web3",
  "wep",
]
domains = ["https://hello.example.com"]
[apps.hello.env]
PORT = 8000
[apps.two]
source = ".."
wsgi = "app:app"
domains = ["two.example.com"]
hosts = [ "webb" ]
server = "gunicor"
[tls]
method = "acm"
[ssl]
""") == [
        "1: workers: unknown key; it belongs in [apps.<name>]",
        "3: hosts.web1.adress: unknown key; did you mean address?",
        '4: hosts.web1.port: must be a whole number, not "22"',
        "5: hosts.bad name: the name must be letters, digits, dots and hyphens, such as web1, "
        'not "bad name"',
        '9: apps.hello: wsgi or asgi is missing: what to serve, such as wsgi = "app:app" for Flask '
        'or asgi = "app:app" for FastAPI',
        "11: apps.hello.worker: unknown key; did you mean workers?",
        '14: apps.hello.hosts: there is no host or group "wep"; did you mean web?',
        '16: apps.hello.domains: must be a bare name such as "www.example.com", '
        'not "https://hello.example.com"',
        "18: apps.hello.env.PORT: must be a text in quotes",
        '23: apps.two.hosts: there is no host or group "webb"; did you mean web?',
        '24: apps.two.server: there is no "gunicor"; did you mean gunicorn?',
        '26: tls.method: must be one of acme, files, self-signed, off, not "acm"; '
        "did you mean acme?",
        "27: ssl: unknown key; did you mean ssh?",
    ]


def test_the_message_names_the_file_the_count_and_where_keys_are_explained(
    inventories: Inventories,
) -> None:
    inventories.write(inventories.smallest + "workers = -1\nthreads = 1000\n")
    with pytest.raises(ConfigurationError) as caught:
        load(inventories.directory, environ={})
    assert caught.value.message == "cannot use inventory/production.toml: 2 mistakes"
    assert "inventory/example.toml" in caught.value.hint
    assert str(inventories.directory) not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        ("workers = -1", "workers: must be at least 0, not -1"),
        ("workers = true", "workers: must be a whole number, not true"),
        ("workers = 2.5", "workers: must be a whole number, not 2.5"),
        ('threads = "4"', 'threads: must be a whole number, not "4"'),
        ("keep_releases = 1", "keep_releases: must be at least 2, not 1"),
        ("drain_timeout_s = 99999", "drain_timeout_s: must be at most 3600, not 99999"),
        ('migrate_compatible = "yes"', 'migrate_compatible: must be true or false, not "yes"'),
        ('packages = "htop"', 'packages: must be a list: ["htop"]'),
        ('packages = ["vim", "htop x"]', "packages: must be a Debian package such as"),
        ('packages = ["htop", "htop"]', 'packages: names "htop" twice'),
        ('build_hosts = "a.example"', 'build_hosts: must be a list: ["a.example"]'),
        ('build_hosts = ["https://a.example"]', "build_hosts: must be a host such as"),
        ('build_hosts = ["a.example:0"]', "build_hosts: must be a host such as"),
        ('build_hosts = ["a.example:443/x"]', "build_hosts: must be a host such as"),
        ('build_hosts = ["*.example"]', "build_hosts: must be a host such as"),
        ('build_hosts = ["a.b", "a.b"]', 'build_hosts: names "a.b" twice'),
        ("server = 3", "server: must be a text in quotes, not 3"),
        ('server = ["gunicorn"]', "server: must be a text in quotes, not a list"),
        ('worker_class = "gevent"', "unknown key; it belongs in [apps.<name>.gunicorn]"),
        ('gunicorn.worker_class = "gthred"', "did you mean gthread?"),
        (
            'gunicorn.worker_class = "eventlet"',
            'must be one of sync, gthread, gevent, uvicorn_worker.UvicornWorker, not "eventlet"',
        ),
        ('gunicorn.logevel = "info"', "gunicorn.logevel: unknown key; did you mean loglevel?"),
        ('gunicorn.bind = "0.0.0.0"', "gunicorn.bind: cannot be set: systemd makes the socket"),
        (
            "gunicorn.timeout = 5",
            "gunicorn.timeout: cannot be set: timeout_s in [apps.<name>] decides it",
        ),
        ("gunicorn.sendfile = 1", "gunicorn.sendfile: must be true or false, not 1"),
        ("gunicorn = 3", "gunicorn: must be a table: [apps.hello.gunicorn]"),
        (
            'threads = 2\ngunicorn.worker_class = "sync"',
            "threads: has no effect: workers of class sync have one thread",
        ),
        (
            "gunicorn.worker_connections = 5",
            "gunicorn.worker_connections: has no effect: workers of class gthread accept as many",
        ),
        ("settings = {}", "settings: unknown key"),
        ("mod_wsgi = {}", "unknown table; app servers are gunicorn, uvicorn, uwsgi, waitress"),
        ("max_requests = -1", "max_requests: must be at least 0, not -1"),
        ('network = "lokal"', "did you mean local?"),
        ('relax = ["jitt"]', "did you mean jit?"),
        ('python = "python2"', 'python: must be "python3", a version such as "3.12"'),
        ('max_body = "huge"', 'max_body: must be a size such as "10m"'),
        ("max_body = 10", "max_body: must be a text in quotes"),
        ('rate_limit = "20"', 'rate_limit: must be a rate such as "20r/s"'),
        ('hsts = "2y"', 'hsts: must be a duration such as "30s"'),
        ("hsts_preload = true", "hsts_preload: needs hsts_subdomains = true"),
        ('csp = "strikt"', 'csp: must be "strict", "report-only", "off" or a policy'),
        ('health = "healthz"', 'health: must be a path such as "/healthz"'),
        ('static = { "/" = "x" }', "static./: must be a path with a slash at both ends"),
        ('static = { "/x" = "x" }', "static./x: must be a path with a slash at both ends"),
        ('static = { "/../" = "x" }', "static./../: must be a path with a slash at both ends"),
        ('static = { "/x/" = "../x" }', 'must stay within the app\'s source; "../x" leads out'),
        ('static = "static"', 'static: must be a table, not "static"'),
        ('shared = ["/srv/x"]', 'shared: must be relative to the app\'s source, not "/srv/x"'),
        ('shared = ["a", "a/b"]', 'shared: "a/b" is already within "a"'),
        (
            'shared = ["a"]\nshared_files = ["a/b.db"]',
            'shared_files: "a/b.db" is already within "a"',
        ),
        (
            'shared = ["a.db"]\nshared_files = ["a.db"]',
            'shared_files: "a.db" is in `shared` too; remove one of them',
        ),
        ('shared = ["a"]\nstatic = { "/a/" = "a/b" }', '"a/b" is shared: the app writes there'),
        ('migrate = "flask \'x"', "migrate: is not a command: no closing quotation"),
        ('processes = { worker = "rq \'x" }', "processes.worker.run: is not a command: no closing"),
        ('processes = { worker = "+rq" }', "worker.run: must begin with the name or the path of a"),
        ('processes = { worker = "" }', "processes.worker.run: must be a command on one line"),
        ("processes = { worker = 3 }", "worker: must be a command in quotes, or a table, not 3"),
        (
            'processes = { Worker = "rq" }',
            "processes.Worker: must be at most 31 lower-case letters",
        ),
        ('processes = { a = { run = "rq", count = 0 } }', "a.count: must be at least 1, not 0"),
        ('processes = { a = { run = "rq", cuont = 2 } }', "unknown key; did you mean count?"),
        ('processes = { a = { run = "rq", workers = 2 } }', "a.workers: unknown key; known: "),
        ("processes = { a = { count = 2 } }", "processes.a.run: is missing"),
        ('timers = { nightly = "rq" }', 'timers.nightly: must be a table, not "rq"'),
        ('timers = { nightly = { run = "rq" } }', "timers.nightly.at: is missing"),
        ('timers = { a = { run = "rq", at = "noon" } }', 'a.at: must be a time such as "03:00"'),
        ("hosts = []", "hosts: the app runs on no host"),
        ('runtime = "vm"', 'runtime: there is no "vm"; known: container, virtualenv'),
        ('web_server = "apache"', 'web_server: there is no "apache"; known: caddy, nginx'),
        ('trusted_proxies = ["10.0.0.1/8"]', "trusted_proxies: must be a network such as"),
        ('name = "other"', "name: unknown key; the name is in the table's header"),
        ('email = "a@example.com"', "email: unknown key; it belongs in [tls]"),
        ("nonsense_zzz = 1", "nonsense_zzz: unknown key"),
        ('env = { "A B" = "x" }', "env.A B: must be letters, digits and underscores"),
        ('env = { HOMEPORT_RELEASE = "x" }', "names with HOMEPORT_ are set by Homeport"),
        ("secrets = { A = { generate = 8 } }", "generate must be a whole number from 16 to 1024"),
        ("secrets = { A = { generate = true } }", "generate must be a whole number"),
        ("secrets = { A = {} }", "must have exactly one of the keys env, command, file, generate"),
        ('secrets = { A = { env = "X", file = "y" } }', "must have exactly one of the keys"),
        ('secrets = { A = { comand = "x" } }', 'unknown key "comand"; did you mean command?'),
        ('secrets = { A = { env = "A B" } }', "env must be the name of an environment variable"),
        ('secrets = { A = { env = "X", timeout_s = 3 } }', "only { command = "),
        ('secrets = { A = { command = "x", timeout_s = 0 } }', "timeout_s must be a whole number"),
    ],
)
def test_a_wrong_value_of_an_app_is_told_in_one_line(
    inventories: Inventories, key: str, mistake: str
) -> None:
    told = inventories.app_mistakes(key)
    assert len(told) == 1
    assert mistake in told[0]


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        ("port = 0", "port: must be at least 1, not 0"),
        ("port = 70000", "port: must be at most 65535, not 70000"),
        ('user = "-oProxyCommand=x"', "user: must be a user's name"),
        ('address = "-oProxyCommand=x"', "address: must be a name or an address"),
        ('address = ""', "address: must be a name or an address"),
        ('groups = ["web1"]', 'groups: "web1" is a host; a group needs another name'),
        ('roles = ["monitorin"]', 'there is no role "monitorin"'),
        ("sudo_password = { generate = 32 }", 'unknown key "generate"'),
        ("sudo_password = 3", "a secret must not be in the inventory in plain text"),
    ],
)
def test_a_wrong_value_of_a_host_is_told_in_one_line(
    inventories: Inventories, key: str, mistake: str
) -> None:
    (told,) = inventories.mistakes(
        inventories.smallest.replace("[hosts.web1]", f"[hosts.web1]\n{key}")
    )
    assert told.startswith("3: hosts.web1.")
    assert mistake in told


@pytest.mark.parametrize(
    "keys",
    [
        '[apps.hello.secrets]\nSECRET_KEY = "canary-plain"',
        '[apps.hello.secrets]\nSECRET_KEY = ["canary-plain"]',
        '[apps.hello.secrets]\nSECRET_KEY = { value = "canary-plain" }',
        '[apps.hello.env]\nSECRET_KEY = "canary-plain"',
        '[apps.hello.env]\nMAIL_PASSWORD = "canary-plain"',
        '[apps.hello.env]\nDATABASE_URL = "postgres://hello:canary-plain@db/hello"',
        '[apps.hello]\nsecrets = "canary-plain"',
    ],
)
def test_a_secret_in_plain_text_is_refused_and_not_repeated(
    inventories: Inventories, keys: str
) -> None:
    if keys.startswith("[apps.hello]\n"):
        keys = keys.removeprefix("[apps.hello]\n")
    (told,) = inventories.app_mistakes(keys)
    assert "canary" not in told
    assert "plain text" in told or "unknown key" in told or "must be a table" in told


def test_what_only_looks_like_a_secret_is_allowed_in_the_environment(app_with: AppWith) -> None:
    env = {
        "CSRF_TOKEN_HEADER": "X-Token",
        "TOKEN_LIFETIME_S": "60",
        "API_TOKEN": "",
        "DATABASE_URL": "postgres://db/hello",
    }
    keys = "\n".join(f'{key} = "{value}"' for key, value in env.items())
    assert app_with(f"[apps.hello.env]\n{keys}").env == env


def test_a_variable_is_either_plain_or_secret(inventories: Inventories) -> None:
    (told,) = inventories.app_mistakes("""
env = { A = "x" }
secrets = { A = { env = "X" } }
""")
    assert told == "env.A: is also among the secrets; remove one of them"


def test_two_apps_may_not_have_one_domain_on_one_host(inventories: Inventories) -> None:
    (told,) = inventories.mistakes(
        inventories.smallest
        + """
[apps.other]
source = ".."
wsgi = "app:app"
domains = ["other.example.com", "HELLO.example.com"]
"""
    )
    assert told == (
        "12: apps.other.domains: hello.example.com belongs to the app hello on web1 already; apps "
        'may share their domains if each has a prefix of its own, such as prefix = "/shop/"'
    )


SHARING = """
[apps.shop]
source = ".."
wsgi = "shop:app"
domains = ["hello.example.com"]
prefix = "/shop/"
"""


def test_apps_with_prefixes_of_their_own_may_share_their_domains(inventories: Inventories) -> None:
    inventory = inventories.load(inventories.smallest + SHARING)
    shop = inventory.apps["shop"]
    assert (shop.at("/healthz"), shop.at("/")) == ("/shop/healthz", "/shop/")
    assert inventory.apps["hello"].at("/static/") == "/static/"


@pytest.mark.parametrize(
    ("hello", "shop", "mistake"),
    [
        ("", 'prefix = "/"', "hello.example.com belongs to the app hello on web1 already"),
        ("", 'hsts = "5m"', "apps.shop.hsts: hsts differs from that of hello, with which it"),
        ('hsts = "5m"', "", "apps.shop: hsts differs from that of hello, with which it shares"),
        ("", 'redirect = ["a.org"]', "apps.shop.redirect: redirect differs from that of hello"),
        ("", 'trusted_proxies = ["192.0.2.1"]', "trusted_proxies differs from that of hello"),
        (
            'static = { "/shop/img/" = "img" }',
            "",
            "apps.hello.static./shop/img/: /shop/img/ belongs to the app shop, whose prefix is /s",
        ),
    ],
)
def test_what_keeps_apps_from_sharing_a_domain_is_told(
    inventories: Inventories, hello: str, shop: str, mistake: str
) -> None:
    sharing = SHARING.replace('prefix = "/shop/"', "") if "prefix" in shop else SHARING
    (told,) = inventories.mistakes(f"{inventories.smallest}{hello}\n{sharing}{shop}\n")
    assert mistake in told


@pytest.mark.parametrize("prefix", ["shop", "/shop", "/.well-known/", "/a b/", "/shop//"])
def test_a_prefix_that_is_no_folder_is_told(inventories: Inventories, prefix: str) -> None:
    (told,) = inventories.mistakes(f'{inventories.smallest}prefix = "{prefix}"\n')
    assert "apps.hello.prefix: must be a path with a slash at both ends" in told


PASSWORD = 'basic_auth = { editor = { env = "A" } }\n'


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        (
            'basic_auth = { editor = "x" }',
            "basic_auth.editor: a secret must not be in the inventor",
        ),
        (
            "basic_auth = { editor = { generate = 32 } }",
            'basic_auth.editor: unknown key "generate"',
        ),
        ('basic_auth = { "a:b" = { env = "A" } }', 'must be a user\'s name such as "editor"'),
        (f'{PASSWORD}health = "/"', "basic_auth: the health path is asked without a password"),
        ('basic_auth_except = ["/a"]', "basic_auth_except: has no effect without basic_auth"),
        (f'{PASSWORD}basic_auth_except = ["/"]', "basic_auth_except: would except the whole app"),
        (f'{PASSWORD}basic_auth_except = ["/healthz"]', "the health path asks for no password any"),
        (f'{PASSWORD}basic_auth_except = ["a"]', 'must be a path such as "/healthz"'),
    ],
)
def test_what_is_wrong_with_passwords_is_told_and_never_shown(
    inventories: Inventories, keys: str, mistake: str
) -> None:
    (told,) = inventories.mistakes(f"{inventories.smallest}{keys}\n")
    assert mistake in told
    assert '"x"' not in told


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('client_verify = "optional"', "client_verify: has no effect without client_ca"),
        ('migrate_state = "x"', "migrate_state: has no effect without migrate, which it is asked "),
        ('client_ca = "a.pem"\nclient_verify = "yes"', "must be one of required, optional"),
        ('client_ca = "a.pem"\nhealth = "/"', "the health path is asked without a certificate"),
        ('client_ca = "a.pem"\n[tls]\nmethod = "off"', 'no effect with tls.method = "off"'),
    ],
)
def test_what_is_wrong_with_client_certificates_is_told(
    inventories: Inventories, keys: str, mistake: str
) -> None:
    (told,) = inventories.mistakes(f"{inventories.smallest}{keys}\n")
    assert mistake in told


def test_apps_that_share_one_of_several_domains_are_told(inventories: Inventories) -> None:
    sharing = SHARING.replace('["hello', '["other.example.com", "hello')
    (told,) = inventories.mistakes(inventories.smallest + sharing)
    assert "apps.shop.domains: domains differs from that of hello" in told


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('redirect = ["hello.example.com"]', "hello.example.com is also among the domains"),
        ('redirect = ["b.example.com", "B.example.com"]', 'names "b.example.com" twice'),
        ('redirect = ["https://b.example.com"]', "must be a bare name"),
        ('redirect = ["*.example.com"]', "*.example.com is a wildcard, which ACME gives only"),
        ('redirect = "www.example.com"', 'must be a list: ["www.example.com"]'),
    ],
)
def test_names_that_cannot_redirect_are_told(
    inventories: Inventories, keys: str, mistake: str
) -> None:
    (told,) = inventories.mistakes(f"{inventories.smallest}{keys}\n")
    assert f"apps.hello.redirect: {mistake}" in told


def test_a_name_cannot_redirect_to_a_wildcard(inventories: Inventories) -> None:
    text = inventories.smallest.replace('["hello.example.com"]', '["*.example.com"]')
    (told,) = inventories.mistakes(f'{text}redirect = ["a.org"]\n[tls]\nmethod = "off"\n')
    assert "apps.hello.redirect: leads to the first of the domains, and *.example.com is" in told


def test_a_name_that_redirects_belongs_to_one_app_on_a_host(inventories: Inventories) -> None:
    (told,) = inventories.mistakes(
        inventories.smallest
        + """
[apps.other]
source = ".."
wsgi = "app:app"
domains = ["other.example.com"]
redirect = ["hello.example.com"]
"""
    )
    assert "apps.other.redirect: hello.example.com belongs to the app hello on web1 alr" in told


def test_two_apps_may_have_one_domain_on_different_hosts(inventories: Inventories) -> None:
    inventory = inventories.load(
        inventories.smallest.replace("source", 'hosts = ["web1"]\nsource')
        + """
[hosts.web2]
[apps.other]
source = ".."
hosts = ["web2"]
wsgi = "app:app"
domains = ["hello.example.com"]
"""
    )
    assert set(inventory.apps) == {"hello", "other"}


def test_two_hosts_may_not_have_one_address_and_port(inventories: Inventories) -> None:
    hosts = '[hosts.a]\naddress = "192.0.2.1"\n[hosts.b]\naddress = "192.0.2.1"\n'
    (told,) = inventories.mistakes(hosts)
    assert told == "4: hosts.b.address: is also the address of the host a: 192.0.2.1"
    assert set(inventories.load(hosts + "port = 2222\n").hosts) == {"a", "b"}


def test_a_group_of_a_host_with_mistakes_is_still_a_group(inventories: Inventories) -> None:
    (told,) = inventories.mistakes(
        inventories.smallest.replace("[hosts.web1]", '[hosts.web1]\ngroups = ["web"]\nport = 0')
        + 'hosts = ["web"]'
    )
    assert "port" in told


def test_an_inventory_without_hosts_is_refused(inventories: Inventories) -> None:
    for text in ("", "[hosts]\n"):
        inventories.write(text)
        with pytest.raises(ConfigurationError) as caught:
            load(inventories.directory, environ={})
        assert "there is no host: a table [hosts.<name>] is missing" in caught.value.output


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("hosts = 3", "1: hosts: must be a table: [hosts]"),
        ("[hosts]\nweb1 = 3", "2: hosts.web1: must be a table: [hosts.web1]"),
        ("[[hosts]]\nx = 1", "1: hosts: must be a table: [hosts]"),
        ("tls = 1\n[hosts.web1]", "1: tls: must be a table: [tls]"),
        ("[hosts.web1]\n[apps.Hello_1]\n", "2: apps.Hello_1: the name must be at most 31"),
    ],
)
def test_what_should_be_a_table_and_is_none_is_told(
    inventories: Inventories, text: str, mistake: str
) -> None:
    assert any(told.startswith(mistake) for told in inventories.mistakes(text))


@pytest.mark.parametrize(
    ("text", "place", "row"),
    [
        ("[hosts.web1]\nport = = 22\n", ":2", "port = = 22"),
        ("[hosts.web1]\n[hosts.web1]\n", ":2", "[hosts.web1]"),
        ('a = """\nnever ends', ":2", "never ends"),
    ],
)
def test_invalid_toml_is_told_with_its_line_and_the_line_itself(
    inventories: Inventories, text: str, place: str, row: str
) -> None:
    inventories.write(text)
    with pytest.raises(ConfigurationError, match="it is not valid TOML") as caught:
        load(inventories.directory, environ={})
    assert f"inventory/production.toml{place}: " in caught.value.message
    assert caught.value.output == row


def test_a_file_that_is_not_text_is_told(inventories: Inventories) -> None:
    path = inventories.write("")
    path.write_bytes(b"[hosts.web1]\nuser = '\xff'\n")
    with pytest.raises(ConfigurationError, match=r"production.toml:2: it is not UTF-8"):
        load(inventories.directory, environ={})


def test_own_roles_are_looked_for_beside_the_fabfile(inventories: Inventories) -> None:
    text = inventories.smallest.replace(
        "[hosts.web1]", '[hosts.web1]\nroles = ["monitoring", "firewall"]'
    )
    (inventories.directory / "roles").mkdir()
    (inventories.directory / "roles" / "monitoring.py").touch()
    (told,) = inventories.mistakes(text)
    assert "no roles/firewall.py" in told
    (inventories.directory / "roles" / "firewall.py").touch()
    assert load(inventories.directory).hosts["web1"].roles == ("monitoring", "firewall")


def test_the_source_is_needed_only_when_it_is_asked_for(
    inventories: Inventories, tmp_path: Path
) -> None:
    inventory = inventories.load(inventories.smallest.replace('".."', '"../nowhere"'))
    app = inventory.apps["hello"]
    with pytest.raises(ConfigurationError, match="there is no such folder") as caught:
        inventory.source_of(app)
    assert "apps.hello.source" in caught.value.hint
    (tmp_path / "nowhere").mkdir()
    assert inventory.source_of(app) == tmp_path / "nowhere"


@pytest.mark.parametrize(
    ("domains", "mistake"),
    [
        ("[]", "domains: must not be empty"),
        ('["a.example.com", "A.example.com"]', 'domains: names "a.example.com" twice'),
        ('["*.example.com"]', "*.example.com is a wildcard, which ACME gives only by DNS"),
        ('["203.0.113.10"]', "203.0.113.10 is an address, not a name"),
        ('["localhost"]', "localhost is a name without a dot"),
    ],
)
def test_domains_that_cannot_have_a_certificate_are_told(
    inventories: Inventories, domains: str, mistake: str
) -> None:
    text = inventories.smallest.replace('["hello.example.com"]', domains)
    (told,) = inventories.mistakes(text)
    assert mistake in told
    if "names" not in mistake and "empty" not in mistake:
        # The same names are fine where no authority is asked.
        assert (
            inventories.load(f'{text}[tls]\nmethod = "self-signed"\n').tls.method == "self-signed"
        )
