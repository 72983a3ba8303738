"""Hosts among each other, and their way to the package index."""

from __future__ import annotations

import pytest

from provisioning.errors import HomeportError
from provisioning.lab import Lab, machine
from tests.labs import BareHost

pytestmark = pytest.mark.lab


def test_hosts_know_each_other_by_name_and_lose_a_domain_that_is_forgotten(
    bare_host: BareHost, lab: Lab
):
    first, second = bare_host("bookworm"), bare_host("trixie")
    lab.set_domain("hello.lab", second.name)
    for name in (second.name, "hello.lab"):
        assert first.shell(f"getent ahostsv4 {name}").split()[0] == second.address
    assert first.shell("getent hosts acme.lab").split()[0] == lab.gateway
    first.shell(f"timeout 60 bash -c 'head -c 3 < /dev/tcp/{second.name}/22' | grep -q SSH")
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
    lab.set_domain("survives.lab", host.name)
    assert "192.0.2.7 mine.example\n" in host.shell("cat /etc/hosts")
    assert host.shell("cat /etc/hosts").count("survives.lab") == 1


def test_a_domain_cannot_lead_to_a_host_that_is_not_there(lab: Lab):
    with pytest.raises(HomeportError, match="cannot find the host 'web9' in the lab"):
        lab.set_domain("hello.lab", "web9")


INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends"


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_packages_come_from_both_indexes_as_on_this_machine(bare_host: BareHost, lab: Lab, suite):
    host = bare_host(suite)
    host.shell("apt-get update -q")
    # Rebuilds the list of authorities, and must not lose this machine's or the lab's.
    host.shell(f"{INSTALL} --reinstall ca-certificates && update-ca-certificates --fresh")
    bundle = host.path("/etc/ssl/certs/ca-certificates.crt").read_text()
    trusted = machine.certificates(bundle)
    assert set(machine.trusted_certificates()) <= set(trusted)
    assert machine.certificates(lab.acme.ca_certificate.read_text())[0] in trusted
    host.shell(f"{INSTALL} python3-venv")
    host.shell("python3 -m venv /opt/uv && /opt/uv/bin/pip install -q uv")
    host.shell("/opt/uv/bin/uv venv -q /opt/app")
    host.shell("VIRTUAL_ENV=/opt/app /opt/uv/bin/uv pip install -q six")
    assert host.shell("/opt/app/bin/python -c 'import six; print(six.__name__)'") == "six\n"


def test_the_lab_s_authority_certifies_names_that_lead_to_a_host_and_no_others(
    bare_host: BareHost, lab: Lab
):
    host = bare_host()
    host.shell(f"apt-get update -q && {INSTALL} certbot")
    lab.set_domain("hello.lab", host.name)
    request = (
        "certbot certonly -q --standalone --agree-tos --register-unsafely-without-email"
        f" --server {lab.acme.directory_url} -d"
    )
    host.shell(f"{request} hello.lab")
    host.path("/srv/root.pem").write_bytes(lab.acme.root_certificate)
    live = "/etc/letsencrypt/live/hello.lab"
    verify = f"openssl verify -CAfile /srv/root.pem -untrusted {live}/chain.pem {live}/cert.pem"
    assert host.shell(verify) == f"{live}/cert.pem: OK\n"
    lab.set_domain("hello.lab", None)
    refused = host.run("sh", "-c", f"{request} hello.lab --force-renewal", check=False)
    assert refused.returncode == 1
    assert "Some challenges have failed" in refused.stderr
