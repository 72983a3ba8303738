"""What web servers cannot do is refused, with its line."""

from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from tests.roles.samples import HELLO, inventory

OTHER = """
[apps.other]
source = "../other"
wsgi = "other:app"
domains = ["other.example.com"]
"""
CADDY = HELLO + 'web_server = "caddy"\n'


def refusal(tmp_path, text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, text)
    return f"{refused.value}\n{refused.value.output}"


@pytest.mark.parametrize("key", ['rate_limit = "5r/s"', "burst = 3"])
def test_caddy_has_no_rate_limits(tmp_path, key):
    said = refusal(tmp_path, f"{CADDY}{key}\n")
    assert key.split()[0] in said
    assert 'web_server = "nginx"' in said


@pytest.mark.parametrize(
    "key", ['snippet = "extra.conf"', 'client_ca = "ca.pem"', 'basic_auth.ann = { env = "X" }']
)
def test_what_caddy_does_not_have_is_refused(tmp_path, key):
    said = refusal(tmp_path, f"{CADDY}{key}\n")
    assert "cannot be had with caddy" in said
    assert 'web_server = "nginx"' in said


def test_no_rate_limit_is_what_caddy_has_anyway(tmp_path):
    made = inventory(tmp_path, f'{CADDY}rate_limit = "off"\n')
    assert made.apps["hello"].web_server == "caddy"


@pytest.mark.parametrize("first", [True, False])
def test_all_apps_of_a_host_have_the_same_web_server(tmp_path, first):
    said = refusal(tmp_path, CADDY + OTHER if first else OTHER + CADDY)
    assert "apps.hello.web_server" in said or "web_server" in said
    assert "is caddy, and that of other is nginx" in said
    assert "web1" in said


def test_apps_on_different_hosts_may_have_different_web_servers(tmp_path):
    hosts = "[hosts.web1]\n[hosts.web2]\n"
    text = f'{hosts}{CADDY}hosts = ["web1"]\n{OTHER}hosts = ["web2"]\n'
    made = inventory(tmp_path, text)
    assert {app.web_server for app in made.apps.values()} == {"caddy", "nginx"}


def test_caddy_gets_certificates_for_one_host_only(tmp_path):
    hosts = '[hosts.web1]\naddress = "203.0.113.1"\n[hosts.web2]\naddress = "203.0.113.2"\n'
    said = refusal(tmp_path, hosts + CADDY)
    assert "runs on 2 hosts" in said
    assert 'tls.method = "files"' in said
    off = inventory(tmp_path, f'{hosts}{CADDY}[tls]\nmethod = "self-signed"\n')
    assert len(off.hosts) == 2
