"""Groups of a host that an app may be in."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory.types.groups import extra_group
from tests.roles.samples import HELLO, compiled, inventory


@pytest.mark.parametrize("name", ["redis", "ssl-cert", "postdrop", "films", "sasl", "_rspamd"])
def test_a_group_of_a_service_is_one(name: str, tmp_path: Path) -> None:
    resources = compiled(tmp_path, HELLO + f'groups = ["{name}"]\n')
    assert resources["user:hello"].groups == (name,)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sudo", "would be root"), ("root", "would be root"), ("docker", "would be root"),
        ("disk", "would be root"), ("shadow", "would be root"), ("lxd", "would be root"),
        ("adm", "what all programs of the host log"), ("www-data", "every app"),
        ("video", "belongs to Debian itself"), ("tty", "belongs to Debian itself"),
        ("systemd-network", "the system's own"), ("homeport-build", "the system's own"),
        ("", "must be a group"), ("a,b", "must be a group"), ("Root", "must be a group"),
        ("-G", "must be a group"), ("0", "must be a group"),
    ],
)  # fmt: skip
def test_a_group_with_rights_that_no_app_may_have_is_refused(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        extra_group(name)


@pytest.mark.parametrize(
    ("group", "mistake"), [("other", '"other" is an app'), ("hello", "the app's own group")]
)
def test_the_group_of_an_app_is_its_own(group: str, mistake: str, tmp_path: Path) -> None:
    other = '[apps.other]\nsource="."\nwsgi="a:b"\ndomains=["other.example.com"]\n'
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, f'{HELLO}groups = ["{group}"]\n{other}')
    assert mistake in refused.value.output
