"""Several hosts behind one name: each has a certificate, whichever of them the authority asks."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import DOMAINS
from tests.e2e.site import Site
from tests.suites import FIRST_TRIXIE

pytestmark = pytest.mark.lab

CERTIFICATE = "/etc/homeport/acme/live/hello/cert.pem"
DUE = "renew_before_expiry = 3000 days"
RENEW = (
    f"sed -i 's/^#* *renew_before_expiry.*/{DUE}/' /etc/homeport/acme/renewal/hello.conf;"
    "systemctl start homeport-renewal@hello.service"
)


def have_one_name(lab: Lab, project: Project, hosts: list[LabHost]) -> None:
    """Have the inventory name the hosts, and the example app's names lead to all of them."""
    tables = "".join(
        f'[hosts.{host.name}]\nuser = "root"\npeer_address = "{host.address}"\n\n' for host in hosts
    )
    project.configure("[apps.hello]\n", f"{tables}[apps.hello]\n")
    for name in DOMAINS:
        # To a host of an earlier test it leads no more.
        lab.set_domain(name, None)
    lines = "".join(f"{host.address} {name}\\n" for host in hosts for name in DOMAINS)
    for host in hosts:
        host.shell(f"printf '{lines}' >> /etc/hosts")
    the_authority_sees(lab, *hosts)


def the_authority_sees(lab: Lab, *hosts: LabHost) -> None:
    for name in DOMAINS:
        lab.acme.set_addresses(name, *(host.address for host in hosts))


def serials(hosts: list[LabHost]) -> list[str]:
    return [host.shell(f"openssl x509 -noout -serial -in {CERTIFICATE}").strip() for host in hosts]


def names(hosts: list[LabHost]) -> str:
    return ",".join(host.name for host in hosts)


def must_have_certificates_and_renew_them_alone(lab: Lab, hosts: list[LabHost]) -> None:
    first = serials(hosts)
    assert len(set(first)) == len(hosts), "each has one of its own"
    for host in hosts:
        assert Site(lab, host).get("/").status == 503
    for host in hosts:
        # The worst case: it is never the host itself that is asked.
        the_authority_sees(lab, *(other for other in hosts if other is not host))
        host.shell(RENEW)
    assert not set(first) & set(serials(hosts))
    timer = "systemctl cat homeport-renewal@hello.timer"
    assert all("RandomizedDelaySec=12h" in host.shell(timer) for host in hosts)


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_two_bare_hosts_at_once_each_get_a_certificate_and_renew_it(
    lab: Lab, project: Project, bare_host, suite
):
    hosts = [bare_host(suite), bare_host(suite)]
    have_one_name(lab, project, hosts)
    project.fab("-H", names(hosts), "provision", timeout_s=580).must_succeed()
    must_have_certificates_and_renew_them_alone(lab, hosts)
    again = project.fab("-H", names(hosts), "provision", "--json").must_succeed()
    assert [again.changed(host.name) for host in hosts] == [[], []]
    # A host that is down takes no certificate from the other.
    hosts[1].power_cut()
    the_authority_sees(lab, hosts[0])
    [before] = serials(hosts[:1])
    hosts[0].shell(RENEW)
    assert serials(hosts[:1]) != [before]


@pytest.mark.thorough
def test_five_bare_hosts_at_once_each_get_a_certificate_and_renew_it(
    lab: Lab, project: Project, bare_host
):
    hosts = [bare_host(suite) for suite in ("bookworm", "trixie") * 2]
    hosts.append(bare_host("trixie"))
    have_one_name(lab, project, hosts)
    project.fab("-H", names(hosts), "provision", timeout_s=1500).must_succeed()
    must_have_certificates_and_renew_them_alone(lab, hosts)


@pytest.mark.thorough
def test_one_of_two_alone_waits_for_the_other_and_says_what_to_do(
    lab: Lab, project: Project, provisioned_host, bare_host
):
    hosts = [provisioned_host(), bare_host("trixie")]
    have_one_name(lab, project, hosts)
    # Another name, so that a certificate is needed at all.
    project.configure('"www.hello.lab"', '"www.hello.lab", "new.hello.lab"')
    for host in hosts:
        hosts[0].shell(f"echo {host.address} new.hello.lab >> /etc/hosts")
    began = time.monotonic()
    refused = project.fab("-H", hosts[0].name, "provision", timeout_s=400)
    assert refused.code == 1
    assert time.monotonic() - began < 330
    assert f"it points to {hosts[1].address}, and port 80 there does not pass on" in refused.output
    assert "provision all its hosts at the same time" in refused.output
    assert Site(lab, hosts[0]).get("/").status == 503, "its site goes on with what it has"


TOKEN = "A" * 43
CHALLENGE = "/.well-known/acme-challenge"
OF_PEERS = "/.well-known/homeport-challenge"

Asked = list[tuple[str, str, dict[str, str]]]


class Peer(BaseHTTPRequestHandler):
    """Another host of the app, as far as it is asked."""

    asked: Asked = []  # noqa: RUF012 - one peer at a time

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, dict(self.headers)))
        known = self.path == f"{OF_PEERS}/{TOKEN}"
        body = b"answer" if known else b"nothing"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - its base's words

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def peer(address: str) -> Iterator[Asked]:
    Peer.asked.clear()
    server = ThreadingHTTPServer((address, 80), Peer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Peer.asked
    finally:
        server.shutdown()
        server.server_close()


def ask(host: LabHost, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host.address, 80, timeout=15)
    try:
        body = b"x" * 2000 if method in ("POST", "PUT") else None
        connection.request(method, path, body=body, headers={"Host": "hello.lab", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_visitor_gets_nothing_of_peers_but_answers_to_the_authority(
    lab: Lab, project: Project, provisioned_host
):
    host = provisioned_host()
    # Another host by the inventory, and in its place a program that tells what it is asked.
    lab.up(["other"])
    lab.hosts["other"].power_cut()
    tables = f'[hosts.other]\npeer_address = "{lab.gateway}"\n\n[apps.hello]\n'
    project.configure("[apps.hello]\n", tables)
    project.fab("-H", host.name, "provision").must_succeed()
    with peer(lab.gateway) as asked:
        found = ask(host, f"{CHALLENGE}/{TOKEN}?q=1", Cookie="a=b", Authorization="x", Range="b=1")
        assert found == (200, b"answer")
        [(method, path, headers)] = asked
        assert (method, path) == ("GET", f"{OF_PEERS}/{TOKEN}")
        assert {name.lower() for name in headers} <= {"host", "connection"}
        assert headers["Host"] == "hello.lab"

        asked.clear()
        for name in ("short", "A" * 129, f"..%2f{TOKEN}", f"{TOKEN}/x", f"{TOKEN}.html", "%00" * 9):
            assert ask(host, f"{CHALLENGE}/{name}")[0] in (308, 400, 404), name
        for other in ("POST", "PUT", "DELETE"):
            assert ask(host, f"{CHALLENGE}/{TOKEN}", other)[0] in (403, 405)
        # What a peer asks is never asked on: a circle of hosts ends at the second.
        assert ask(host, f"{OF_PEERS}/{TOKEN}")[0] == 404
        assert asked == []

        statuses = [ask(host, f"{CHALLENGE}/{'B' * 40}{n:03}")[0] for n in range(600)]
        assert set(statuses) == {404, 429}
        assert len(asked) == statuses.count(404)
        time.sleep(1)
        assert ask(host, f"{CHALLENGE}/{TOKEN}") == (200, b"answer")
    # Nobody there: an answer in time, and none of the host's own is held up.
    began = time.monotonic()
    assert ask(host, f"{CHALLENGE}/{TOKEN}")[0] in (502, 504)
    assert time.monotonic() - began < 5
    host.shell(f"echo mine > /var/lib/homeport-acme{CHALLENGE}/{TOKEN}")
    assert ask(host, f"{CHALLENGE}/{TOKEN}") == (200, b"mine\n")
    lab.remove("other")
