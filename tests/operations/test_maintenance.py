"""Maintenance as resources; what nginx makes of it: tests/roles/test_nginx_switching.py."""

from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from provisioning.operations import maintenance
from provisioning.protocol.plan import make_plan
from provisioning.resources import Absent, File, Service
from provisioning.roles.web_servers import nginx


def test_networks_are_written_as_networks_and_named_once():
    given = " 203.0.113.7,2001:db8::/48 , 203.0.113.99/24,203.0.113.7/32,"
    assert maintenance.networks(given) == ("203.0.113.7/32", "2001:db8::/48", "203.0.113.0/24")
    assert maintenance.networks("") == ()


@pytest.mark.parametrize("text", ["300.1.1.1", "example.com", "10.0.0.0/33", "all; deny", "::/0x"])
def test_what_is_no_network_never_gets_near_nginx(text):
    with pytest.raises(ConfigurationError, match="neither an address nor a network"):
        maintenance.networks(f"127.0.0.1,{text}")


def test_who_is_let_through_and_who_is_not_stand_in_one_file_before_one_reload():
    file, service = nginx.maintenance("hello", ["192.0.2.0/24"])
    assert isinstance(file, File)
    assert isinstance(service, Service)
    lines = [line for line in file.blob.text.splitlines() if line.endswith(";")]
    assert lines[:4] == ["allow 127.0.0.0/8;", "allow ::1/128;", "allow 192.0.2.0/24;", "deny all;"]
    assert (service.unit, service.reload_on) == ("nginx.service", (file.id,))
    assert service.workers


def test_going_on_and_off_each_make_the_web_server_load_anew():
    def loaded(resources):
        *_, service = make_plan(resources).resources
        return service.id, service.loaded

    on, other = nginx.maintenance("hello", []), nginx.maintenance("hello", ["192.0.2.1"])
    off = nginx.maintenance("hello", None)
    assert isinstance(off[0], Absent)
    states = [loaded(each) for each in (on, other, off)]
    # One record for all three, that says which of them it is.
    assert len({id for id, _ in states}) == 1
    assert len({digest for _, digest in states}) == 3
    assert loaded(nginx.maintenance("other", None))[0] != states[0][0]
