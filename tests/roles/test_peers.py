"""Hosts with the same site: whichever of them a certificate authority asks gives the answer."""

import re

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles import compile_host
from tests.roles.samples import BOOKWORM, HELLO, inventory
from tests.roles.test_nginx import files

TWO = '[hosts.a]\naddress = "10.0.0.1"\n[hosts.b]\naddress = "fd00::2"\n'


def of(folder, text, name="a"):
    made = inventory(folder, text)
    return {each.id: each for each in compile_host(made, made.hosts[name], BOOKWORM).resources}


def asked(resources):
    """Return the addresses that a host asks for answers which it does not know."""
    text = files(resources)["homeport/sites/hello.conf"]
    block = re.search(r"upstream homeport_peers_hello \{(.*?)\}", text, re.DOTALL)
    return re.findall(r"server (\S+)", block[1]) if block else []


def test_each_host_asks_the_others_of_the_app(tmp_path):
    text = TWO + '[hosts.c]\naddress = "10.0.0.3"\n' + HELLO + 'hosts = ["a", "b"]\n'
    assert asked(of(tmp_path, text)) == ["[fd00::2]:80"]
    assert asked(of(tmp_path, text, "b")) == ["10.0.0.1:80"]
    assert of(tmp_path, text)["certificate:hello"].peers == ("fd00::2",)
    made = files(of(tmp_path, text))
    assert "include /etc/nginx/homeport/acme-hello.conf;" in made["homeport/sites/hello.conf"]
    assert "include /etc/nginx/homeport/acme-hello.con[f];" in made["sites-tls/hello.conf"]


def test_one_host_asks_nobody(tmp_path):
    resources = of(tmp_path, TWO + HELLO + 'hosts = ["a"]\n')
    assert asked(resources) == []
    made = files(resources)
    assert "include /etc/nginx/homeport/acme.conf;" in made["homeport/sites/hello.conf"]
    assert not [path for path, text in made.items() if "homeport_peers" in text]


@pytest.mark.parametrize("method", ["self-signed", "off"])
def test_where_no_authority_asks_nobody_does(tmp_path, method):
    assert asked(of(tmp_path, f'{TWO}{HELLO}[tls]\nmethod = "{method}"\n')) == []


def test_behind_nat_the_peer_address_decides(tmp_path):
    text = TWO.replace('"fd00::2"', '"b.example.com"\npeer_address = "10.0.0.2"')
    assert asked(of(tmp_path, text + HELLO)) == ["10.0.0.2:80"]


def test_a_host_that_no_name_leads_to_is_not_asked(tmp_path):
    text = TWO.replace('"fd00::2"', '"b.example.com"\npeer_address = "off"')
    assert asked(of(tmp_path, text + HELLO)) == []


def test_a_host_with_a_name_only_is_refused_with_the_key(tmp_path):
    text = TWO.replace("fd00::2", "b.example.com")
    with pytest.raises(ConfigurationError, match=r"b\.example\.com is a name") as caught:
        of(tmp_path, text + HELLO)
    assert 'add peer_address = "..." to [hosts.b]' in caught.value.hint
    # It is its own business where it is alone, or needs no authority.
    of(tmp_path, text + HELLO + 'hosts = ["b"]\n', "b")
    of(tmp_path, f'{text}{HELLO}[tls]\nmethod = "off"\n')
