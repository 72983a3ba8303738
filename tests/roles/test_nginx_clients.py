"""Certificates that visitors show: asked of a real nginx."""

import http.client
import shutil
import ssl
import subprocess

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles import read_given
from provisioning.roles.site import Given
from tests.roles.samples import HELLO, compiled, inventory
from tests.roles.staged_nginx import Release, StagedNginx, missing
from tests.umask import usual_umask

TEXT = """
[apps.hello]
source = "../hello"
wsgi = "app:app"
domains = ["hello.example.com"]
static = { "/static/" = "static" }
client_ca = "ca.pem"

[apps.open]
source = "../hello"
wsgi = "app:app"
domains = ["open.example.com"]
client_ca = "ca.pem"
client_verify = "optional"

[apps.other]
source = "../hello"
wsgi = "app:app"
domains = ["other.example.com"]

[tls]
method = "self-signed"
"""
FORGED = {
    "SSL-Client-Verify": "SUCCESS",
    "SSL-Client-Subject-DN": "CN=root",
    "SSL-Client-Issuer-DN": "CN=root",
    "SSL-Client-Serial": "01",
    "X-SSL-Client-S-DN": "CN=root",
    "Client-Cert": ":x:",
}
SENT = list(FORGED)[:4]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder with two authorities, and a certificate for one visitor of each."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("people")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for ca, person in (("ca", "ada"), ("strange", "eve")):
        openssl(folder, "req", "-x509", *key, "-days", "2", "-subj", f"/CN={ca}",
                "-keyout", f"{ca}.key", "-out", f"{ca}.pem")  # fmt: skip
        openssl(folder, "req", *key, "-subj", f"/O=Example/CN={person}",
                "-keyout", f"{person}.key", "-out", f"{person}.csr")  # fmt: skip
        openssl(folder, "x509", "-req", "-in", f"{person}.csr", "-CA", f"{ca}.pem",
                "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2",
                "-out", f"{person}.pem")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def asking(people, tmp_path_factory):
    """An nginx with sites that require a certificate, take one, and know nothing of it."""
    if missing():
        pytest.skip(missing())
    folder = tmp_path_factory.mktemp("nginx")
    given = dict.fromkeys(("hello", "open"), Given(client_ca=(people / "ca.pem").read_text()))
    with usual_umask():
        staged = StagedNginx(compiled(folder / "p", TEXT, given=given).values(), folder)
    with staged:
        yield staged


@pytest.fixture
def ask(asking, people):
    """Ask a site as somebody; return the status, and the headers that the app has seen."""
    releases = {}
    for app in ("hello", "open", "other"):
        releases[app] = Release(asking.srv / app / "live.sock")

    def asked(app, person="", path="/", host=""):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if person:
            context.load_cert_chain(people / f"{person}.pem", people / f"{person}.key")
        name = f"{app}.example.com"
        connection = http.client.HTTPConnection(name)
        connection.sock = context.wrap_socket(asking.connect(443), server_hostname=name)
        with connection.sock:
            connection.request("GET", path, headers={**FORGED, "Host": host or name})
            status = connection.getresponse().status
        seen = releases[app].asked
        return status, seen[-1][2] if seen else {}

    yield asked
    for release in releases.values():
        release.stop()
        release.path.unlink()


@pytest.mark.parametrize("app", ["hello", "open"])
def test_the_app_learns_who_shows_a_certificate(ask, app):
    status, seen = ask(app, "ada")
    assert status == 200
    assert seen["SSL-Client-Verify"] == "SUCCESS"
    assert seen["SSL-Client-Subject-DN"] == "CN=ada,O=Example"
    assert seen["SSL-Client-Issuer-DN"] == "CN=ca"
    assert len(seen["SSL-Client-Serial"]) > 8
    assert not {"X-SSL-Client-S-DN", "Client-Cert"} & seen.keys()


def test_without_one_there_is_no_way_in_where_it_is_required(ask, asking):
    for path in ("/", "/a/b", "/static/app.css"):
        assert ask("hello", path=path) == (403, {})


def test_without_one_the_app_decides_where_it_is_optional(ask):
    status, seen = ask("open")
    assert status == 200
    assert {name: seen.get(name) for name in SENT} == {
        **dict.fromkeys(SENT), "SSL-Client-Verify": "NONE"
    }  # fmt: skip


@pytest.mark.parametrize("app", ["hello", "open"])
def test_one_of_another_authority_is_no_certificate(ask, app):
    assert ask(app, "eve") == (400, {})


def test_the_health_path_asks_for_none(ask):
    status, seen = ask("hello", path="/healthz")
    assert (status, seen["SSL-Client-Verify"]) == (200, "NONE")


def test_other_sites_know_nothing_of_it_and_are_no_way_around_it(ask):
    status, seen = ask("other", "ada")
    assert status == 200
    assert not FORGED.keys() & seen.keys()
    assert ask("other", host="hello.example.com")[0] == 421


# The files


def test_it_goes_with_the_server_that_names_it(tmp_path):
    keys = 'client_ca = "ca.pem"\n'
    made = compiled(tmp_path, HELLO + keys, given={"hello": Given(client_ca="PEM\n")})
    files = made["file-set:nginx-tls"].files
    assert files["homeport/client-ca/hello.pem"].data == b"PEM\n"
    assert b"ssl_verify_client optional;" in files["homeport/tls-asking.conf"].data
    without = compiled(tmp_path / "without", HELLO)["file-set:nginx-tls"]
    assert {"homeport/client-ca/hello.pem", "homeport/tls-asking.conf"} <= {*without.absent}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing", "it holds no certificate as PEM"),
        ("-----BEGIN PRIVATE KEY-----", "it has a private key, which must not be on hosts"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_authoritys_certificate_is_refused(tmp_path, text, reason):
    made = inventory(tmp_path, HELLO + 'client_ca = "ca.pem"\n')
    if text is not None:
        (tmp_path / "inventory/ca.pem").write_text(text)
    with pytest.raises(ConfigurationError, match=reason):
        read_given(made, made.apps.values(), warn=print)
