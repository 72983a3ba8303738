from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from provisioning.transport import Address


@pytest.mark.parametrize(
    ("text", "address", "user", "port"),
    [
        ("web1", "web1", None, None),
        ("admin@web1", "web1", "admin", None),
        ("admin@web1.example.com:2222", "web1.example.com", "admin", 2222),
        ("203.0.113.10:22", "203.0.113.10", None, 22),
        ("2001:db8::1", "2001:db8::1", None, None),
        ("[2001:db8::1]:2222", "2001:db8::1", None, 2222),
        ("root@[fe80::1%eth0]", "fe80::1%eth0", "root", None),
        ("EXAMPLE\\bob@web1", "web1", "EXAMPLE\\bob", None),
        ("bob@example.com@web1", "web1", "bob@example.com", None),
        (" web1 ", "web1", None, None),
    ],
)
def test_a_host_on_the_command_line_is_read_as_ssh_reads_it(
    text: str, address: str, user: str | None, port: int | None
) -> None:
    assert Address.parse(text) == Address(address, address, user, port)


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=touch /tmp/x", "web1;id", "a b", "web1:ssh", "web1:", "web1:70000",
     "web1:0", "-l@web1", "$(id)", "web1\n", "@", "web1/x"],
)  # fmt: skip
def test_what_is_no_host_is_refused_before_ssh_sees_it(text: str) -> None:
    if text == "web1\n":  # surrounding blanks are no mistake
        assert Address.parse(text).address == "web1"
        return
    with pytest.raises(ConfigurationError, match="cannot"):
        Address.parse(text)
