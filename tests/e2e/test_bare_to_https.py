"""From a bare Debian host to an app over HTTPS, as root and as users with sudo."""

from __future__ import annotations

import asyncio
import gzip
import re
import ssl
from collections import Counter

import pytest

from provisioning.lab import LabHost
from tests.e2e.project import Project
from tests.e2e.roads import Road, lead_domains_to
from tests.e2e.site import Site

pytestmark = pytest.mark.lab

SUITES = ("bookworm", "trixie")


def road_of(request: pytest.FixtureRequest, suite: str) -> Road:
    return request.getfixturevalue(f"{suite}_road")


@pytest.mark.parametrize("suite", SUITES)
def test_a_bare_host_serves_the_app_over_https(request, deployed_host, lab, suite):
    road = road_of(request, suite)
    assert "packages:base" in road.provision.changed(road.host.name)
    host = deployed_host(suite)
    site = Site(lab, host)
    # The certificate is verified against the test authority by each of these requests.
    page = site.get("/")
    assert page.status == 200
    release = re.search(r"<d[td]>Release</d[td]>\s*<dd>([^<]+)", page.body.decode())
    assert release, page.body.decode()
    assert release[1] in road.deploy.output
    must_be_a_finished_site(site)


@pytest.mark.parametrize("suite", SUITES)
def test_before_the_first_deploy_visitors_get_503_with_a_page(request, suite):
    answer = road_of(request, suite).unavailable
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert b"</html>" in answer.body


def test_a_user_whose_sudo_asks_nothing_brings_two_apps_to_a_bare_host(bare_host, project, lab):
    host = bare_host("bookworm")
    lead_domains_to(lab, host, ("hello.lab", "www.hello.lab", "second.lab"))
    project.configure("[apps.hello]\n", f'[hosts.{host.name}]\nuser = "admin"\n\n[apps.hello]\n')
    project.configure(
        "[tls]\n",
        "[apps.second]\n"
        'source = "../examples/hello"\n'
        'wsgi = "app:create_app()"\n'
        'domains = ["second.lab"]\n'
        'shared = ["instance"]\n'
        'migrate = "flask --app app init-db"\n'
        'rate_limit = "off"\n'
        "secrets.SECRET_KEY = { generate = 32 }\n"
        "\n[tls]\n",
    )
    project.fab("-H", host.name, "provision").must_succeed()
    project.fab("-H", host.name, "deploy").must_succeed()
    first, second = Site(lab, host), Site(lab, host, "second.lab")
    assert first.get("/healthz").status == second.get("/healthz").status == 200
    assert b"https://second.lab/" in second.get("/").body
    must_be_a_finished_site(first)
    # Each app has its own key, its own user and its own certificate.
    keys = {host.shell(f"cat /srv/{app}/secrets.json") for app in ("hello", "second")}
    assert len(keys) == 2
    names = host.shell("ps -e -o user:20= -o comm= | grep gunicorn | sort -u").split()
    assert {"hello", "second"} <= set(names)
    shown = host.shell("openssl x509 -noout -ext subjectAltName "
                       "-in /etc/homeport/acme/live/second/fullchain.pem")  # fmt: skip
    assert "DNS:second.lab" in shown
    assert "hello" not in shown
    unchanged(project, host, "-H", host.name, "provision", "--json")


def test_every_way_to_a_certificate_works_on_one_host(provisioned_host, project, lab, tmp_path):
    host = provisioned_host("bookworm")
    project.fab("deploy", "--limit", host.name).must_succeed()
    provision = ("-H", host.name, "provision")
    acme = 'method = "acme"\nemail = "ops@hello.lab"\ndirectory_url = "lab"\n'

    project.configure(acme, 'method = "self-signed"\n')
    project.fab(*provision).must_succeed()
    certificate = served_certificate(host, "hello.lab")
    with pytest.raises(ssl.SSLCertVerificationError):
        Site(lab, host).get("/healthz")
    trusting = Site(lab, host)
    trusting.context = ssl.create_default_context(cadata=certificate)
    answer = trusting.get("/healthz")
    assert answer.status == 200
    # Browsers would be locked out for good by a certificate that they cannot trust later.
    assert "strict-transport-security" not in answer.headers
    unchanged(project, host, *provision, "--json")

    project.configure('method = "self-signed"\n', 'method = "off"\n')
    project.fab(*provision).must_succeed()
    plain = Site(lab, host).get("/", tls=False)
    assert plain.status == 200
    assert b"http://hello.lab/" in plain.body
    with pytest.raises(ConnectionRefusedError):
        Site(lab, host).get("/healthz")
    unchanged(project, host, *provision, "--json")

    own = make_certificate(tmp_path, "hello.lab", "www.hello.lab")
    project.configure(
        'method = "off"\n',
        f'method = "files"\ncertificate = "{own}/chain.pem"\nkey = "{own}/key.pem"\n',
    )
    project.fab(*provision).must_succeed()
    assert served_certificate(host, "hello.lab") == (own / "chain.pem").read_text()
    assert host.shell("stat -c %a /etc/homeport/tls/given/privkey.pem").strip() == "600"
    # What it says of itself is what a person is told.
    status = project.fab("-H", host.name, "status", "--wide").must_succeed()
    assert re.search(r"^hello +\S+ +\S+ .* 200 +200 .* (29|30) days ", status.stdout, re.MULTILINE)
    unchanged(project, host, *provision, "--json")


def must_be_a_finished_site(site: Site) -> None:
    """Check all that a visitor may expect of the example app."""
    page = site.get("/")
    assert page.status == 200
    assert b"https://hello.lab/" in page.body, "url_for(_external=True) must give https"
    assert page.headers["strict-transport-security"] == "max-age=63072000"
    assert "x-homeport-release" not in page.headers
    assert "secure" in page.headers["set-cookie"].lower()

    www = Site.__new__(Site)
    www.address, www.name, www.context = site.address, "www.hello.lab", site.context
    assert www.get("/healthz").status == 200

    must_redirect_to_https(site)
    must_serve_static_files(site)
    must_refuse_strangers(site)
    must_limit_the_rate(site)


def must_redirect_to_https(site: Site) -> None:
    for method in ("GET", "POST"):
        redirect = site.get("/some/page?with=query", tls=False, method=method)
        assert redirect.status == 308
        assert redirect.headers["location"] == "https://hello.lab/some/page?with=query"


def must_serve_static_files(site: Site) -> None:
    style = site.get("/static/style.css")
    assert style.status == 200
    assert style.headers["content-type"] == "text/css"
    assert style.headers["cache-control"].startswith("public, max-age=")
    assert style.headers["etag"]
    assert "x-request-id" not in style.headers, "the app must not see static files"
    packed = site.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert gzip.decompress(packed.body) == style.body
    again = site.get("/static/style.css", headers={"If-None-Match": style.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert site.get("/static/none.css").status == 404


def must_refuse_strangers(site: Site) -> None:
    with pytest.raises(ConnectionError):
        # nginx closes the connection without an answer (its own status 444).
        site.get("/", tls=False, headers={"Host": "elsewhere.example"})
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        site.connection(server_name="elsewhere.example")
    assert site.get("/", headers={"Host": "elsewhere.example"}).status == 421


def must_limit_the_rate(site: Site) -> None:
    statuses = asyncio.run(flood(site, "/", 800))
    assert set(statuses) == {200, 429}, statuses
    # The burst, with which a page of a hundred assets comes whole.
    assert statuses[200] >= 200


async def flood(site: Site, path: str, count: int) -> Counter[int]:
    """Send requests one after the other on some keep-alive connections."""
    statuses: Counter[int] = Counter()
    request = f"HEAD {path} HTTP/1.1\r\nHost: {site.name}\r\n\r\n".encode()

    async def client(requests: int) -> None:
        reader, writer = await asyncio.open_connection(
            site.address, 443, ssl=site.context, server_hostname=site.name
        )
        try:
            # All at once: the answers come when they come.
            writer.write(request * requests)
            for _ in range(requests):
                head = await reader.readuntil(b"\r\n\r\n")
                statuses[int(head.split(b" ", 2)[1])] += 1
        finally:
            writer.close()

    await asyncio.gather(*(client(count // 10) for _ in range(10)))
    return statuses


def unchanged(project: Project, host: LabHost, *arguments: str) -> None:
    again = project.fab(*arguments).must_succeed()
    assert again.changed(host.name) == [], again.output


def served_certificate(host: LabHost, name: str) -> str:
    """Return what a host shows to whoever asks for a name, as PEM, trusted or not."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    site = Site.__new__(Site)
    site.address, site.name, site.context = host.address, name, anyone
    connection = site.connection()
    try:
        return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))
    finally:
        connection.close()


def make_certificate(directory, *names):
    import subprocess

    alternative = ",".join(f"DNS:{name}" for name in names)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", f"/CN={names[0]}", "-addext",
         f"subjectAltName={alternative}", "-keyout", directory / "key.pem",
         "-out", directory / "chain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return directory
