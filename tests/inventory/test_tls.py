from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import Tls

if TYPE_CHECKING:
    from tests.inventory.conftest import Inventories


def test_directories_go_by_name_or_by_address() -> None:
    assert Tls().directory == "https://acme-v02.api.letsencrypt.org/directory"
    assert Tls(directory_url="staging").directory == (
        "https://acme-staging-v02.api.letsencrypt.org/directory"
    )
    assert Tls(directory_url="https://ca.example/dir").directory == "https://ca.example/dir"


def test_the_directory_of_the_lab_is_unknown_until_the_lab_is_up() -> None:
    tls = Tls(directory_url="lab")
    assert tls.is_lab
    with pytest.raises(ConfigurationError, match="the lab is not up") as caught:
        _ = tls.directory
    assert caught.value.hint == "fab lab.up"
    assert not Tls().is_lab
    assert not Tls(method="off", directory_url="lab").is_lab


@pytest.mark.parametrize(
    ("keys", "mistakes"),
    [
        ('method = "files"', ["certificate: is missing", "key: is missing"]),
        ('method = "files"\ncertificate = "a.pem"', ["key: is missing"]),
        ('certificate = "a.pem"', ['certificate: has no effect with method "acme"']),
        (
            'method = "off"\nemail = "a@example.com"\npreflight = true',
            [
                'email: has no effect with method "off"',
                'preflight: has no effect with method "off"',
            ],
        ),
        ('directory_url = "stagin"', ["did you mean staging?"]),
        ('directory_url = "http://ca.example/dir"', ["or a URL with https"]),
        ('email = "nobody"', ['email: must be an address such as "ops@example.com"']),
    ],
)
def test_keys_that_contradict_the_method_are_told(
    inventories: Inventories, keys: str, mistakes: list[str]
) -> None:
    told = inventories.mistakes(f"{inventories.smallest}[tls]\n{keys}\n")
    assert len(told) == len(mistakes)
    for line, mistake in zip(told, mistakes, strict=True):
        assert mistake in line


def test_a_certificate_of_ones_own_needs_both_files(inventories: Inventories) -> None:
    inventory = inventories.load(
        f"{inventories.smallest}[tls]\n"
        'method = "files"\ncertificate = "tls/a.pem"\nkey = "tls/a.key"\n'
    )
    assert inventory.tls.certificate
    assert inventory.local_path(inventory.tls.certificate) == (
        inventories.directory / "inventory" / "tls" / "a.pem"
    )


def hosts(count: int) -> str:
    return "".join(f'[hosts.h{n}]\naddress = "10.0.0.{n}"\n' for n in range(count))


@pytest.mark.parametrize(
    ("count", "tls", "refused"),
    [
        (5, "", False),
        (6, "", True),
        (6, 'directory_url = "https://acme-v02.api.letsencrypt.org/directory"', True),
        (6, 'directory_url = "staging"', False),
        (6, 'method = "off"', False),
    ],
)
def test_no_more_hosts_than_lets_encrypt_gives_certificates_for_the_same_names(
    inventories: Inventories, count: int, tls: str, refused: bool
) -> None:
    text = inventories.smallest.replace("[hosts.web1]\n", hosts(count)) + f"[tls]\n{tls}\n"
    if not refused:
        inventories.load(text)
        return
    [told] = inventories.mistakes(text)
    assert "runs on 6 hosts" in told
    assert 'tls.method = "files"' in told


@pytest.mark.parametrize("address", ["web2.example.com", "10.0.0.1:80", "fe80::1%eth0", ""])
def test_peers_have_addresses(inventories: Inventories, address: str) -> None:
    text = inventories.smallest.replace(
        "[hosts.web1]\n", f'[hosts.web1]\npeer_address = "{address}"\n'
    )
    [told] = inventories.mistakes(text)
    assert "must be an IP address" in told
