"""Hosts among each other, and their way to the package index."""

from __future__ import annotations

import pytest

from provisioning.errors import HomeportError
from provisioning.lab import Lab
from tests.lab_fixtures import BareHost

pytestmark = pytest.mark.lab


def test_hosts_know_each_other_by_name_and_lose_a_domain_that_is_forgotten(
    bare_host: BareHost, lab: Lab
):
    first, second = bare_host("bookworm"), bare_host("trixie")
    lab.set_domain("hello.lab", second.name)
    for name in (second.name, "hello.lab"):
        assert first.shell(f"getent ahostsv4 {name}").split()[0] == second.address
    assert first.shell("getent hosts acme.lab").split()[0] == lab.gateway
    first.shell(f"timeout 5 bash -c 'head -c 3 < /dev/tcp/{second.name}/22' | grep -q SSH")
    lab.set_domain("hello.lab", first.name)
    assert second.shell("getent ahostsv4 hello.lab").split()[0] == first.address
    first.power_cut()
    lab.set_domain("hello.lab", None)
    first.boot()
    for host in (first, second):
        assert host.run("getent", "hosts", "hello.lab", check=False).returncode == 2


def test_lines_of_its_own_in_the_hosts_file_survive(bare_host: BareHost, lab: Lab):
    host = bare_host()
    host.shell("echo 192.0.2.7 mine.example >> /etc/hosts")
    lab.set_domain("hello.lab", host.name)
    assert "192.0.2.7 mine.example\n" in host.shell("cat /etc/hosts")
    assert host.shell("cat /etc/hosts").count("hello.lab") == 1


def test_a_domain_cannot_lead_to_a_host_that_is_not_there(lab: Lab):
    with pytest.raises(HomeportError, match="cannot find the host 'web9' in the lab"):
        lab.set_domain("hello.lab", "web9")


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_packages_come_from_both_indexes_and_a_certificate_from_the_lab(
    bare_host: BareHost, lab: Lab, suite
):
    host = bare_host(suite)
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends"
    host.shell("apt-get update -q")
    # Rebuilds the list of authorities, and must not lose this machine's or the lab's.
    host.shell(f"{install} --reinstall ca-certificates && update-ca-certificates --fresh")
    bundle = host.path("/etc/ssl/certs/ca-certificates.crt").read_text()
    assert lab.acme.ca_certificate.read_text().strip() in bundle
    host.shell(f"{install} python3-venv certbot")
    host.shell("python3 -m venv /opt/uv && /opt/uv/bin/pip install -q uv")
    host.shell(
        "/opt/uv/bin/uv venv -q /opt/app && VIRTUAL_ENV=/opt/app /opt/uv/bin/uv pip install -q six"
    )
    assert host.shell("/opt/app/bin/python -c 'import six; print(six.__name__)'") == "six\n"

    lab.set_domain("hello.lab", host.name)
    host.shell(
        "certbot certonly -q --standalone --agree-tos --register-unsafely-without-email"
        f" --server {lab.acme.directory_url} -d hello.lab"
    )
    (host.path("/srv/root.pem")).write_bytes(lab.acme.root_certificate)
    live = "/etc/letsencrypt/live/hello.lab"
    verified = host.shell(
        f"openssl verify -CAfile /srv/root.pem -untrusted {live}/chain.pem {live}/cert.pem"
    )
    assert verified == f"{live}/cert.pem: OK\n"
    refused = host.run(
        *("certbot", "certonly", "-q", "--standalone", "--server", lab.acme.directory_url),
        *("-d", "nobody.lab"),
        check=False,
    )
    assert refused.returncode == 1
