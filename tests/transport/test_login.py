from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.transport import Address, Login, resolve


def configured(folder: Path, text: str, address: str = "web1", **options: object) -> Login:
    path = folder / "ssh_config"
    path.write_text(text)
    return resolve(Address.parse(address), ssh_config=path, **options)  # type: ignore[arg-type]


def test_what_ssh_knows_of_a_host_is_what_we_use(tmp_path: Path) -> None:
    login = configured(
        tmp_path,
        "Host web*\n HostName 203.0.113.10\n Port 2222\n User deploy\n"
        " IdentityFile ~/.ssh/deploy_key\n IdentityFile /keys/%r@%h\n IdentitiesOnly yes\n"
        " IdentityAgent ~/agent.sock\n UserKnownHostsFile ~/kh1 /kh2\n HashKnownHosts yes\n"
        " HostKeyAlias cluster\n AddressFamily inet\n",
    )
    assert (login.host, login.port, login.user) == ("203.0.113.10", 2222, "deploy")
    assert login.identity_files == (
        Path("~/.ssh/deploy_key").expanduser(),
        Path("/keys/deploy@203.0.113.10"),
    )
    assert login.identities_only
    assert login.agent_socket == str(Path("~/agent.sock").expanduser())
    assert login.user_known_hosts == (Path("~/kh1").expanduser(), Path("/kh2"))
    assert login.hash_known_hosts
    assert login.known_hosts_name == "cluster"
    assert login.address_family == "inet"
    assert login.where == "web1 (203.0.113.10:2222)"


def test_user_and_port_of_the_address_win(tmp_path: Path) -> None:
    login = configured(tmp_path, "Host *\n User deploy\n Port 2222\n", "root@web1:22")
    assert (login.user, login.port) == ("root", 22)


def test_rules_for_the_given_user_apply(tmp_path: Path) -> None:
    text = "Match user boss\n IdentityFile /keys/boss\nMatch all\n User deploy\n"
    assert Path("/keys/boss") in configured(tmp_path, text, "boss@web1").identity_files
    assert Path("/keys/boss") not in configured(tmp_path, text, "web1").identity_files


def test_included_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host web1\n HostName included.example.com\n")
    assert configured(tmp_path, f"Include {tmp_path}/more\n").host == "included.example.com"


def test_without_any_configuration_ssh_s_defaults_hold(tmp_path: Path) -> None:
    login = configured(tmp_path, "")
    assert (login.host, login.port, login.user) == ("web1", 22, getpass.getuser())
    assert login.known_hosts_name == "web1"
    assert login.where == "web1"
    assert Path("~/.ssh/id_ed25519").expanduser() in login.identity_files
    assert Path("~/.ssh/known_hosts").expanduser() in login.user_known_hosts
    assert login.proxy_jump == ()
    assert login.proxy_command is None
    assert login.agent_socket == "SSH_AUTH_SOCK"


def test_jumps_come_nearest_first(tmp_path: Path) -> None:
    login = configured(tmp_path, "Host web1\n ProxyJump gw1,admin@gw2:2222\n")
    assert login.proxy_jump == ("gw1", "admin@gw2:2222")


def test_options_that_are_off_are_off(tmp_path: Path) -> None:
    login = configured(
        tmp_path,
        "Host web1\n ProxyJump none\n IdentityAgent none\n IdentityFile none\n"
        " UserKnownHostsFile none\n GlobalKnownHostsFile none\n",
    )
    assert login.proxy_jump == ()
    assert login.agent_socket is None
    assert login.identity_files == ()
    assert login.user_known_hosts == login.global_known_hosts == ()


def test_a_key_given_by_hand_comes_first_and_keeps_the_agent_s_others_out(tmp_path: Path) -> None:
    login = configured(tmp_path, "IdentityFile /keys/usual\n", identities=[Path("~/mine")])
    assert login.identity_files == (Path("~/mine").expanduser(), Path("/keys/usual"))
    assert login.identities_only


def test_an_address_of_ipv6_is_written_readably(tmp_path: Path) -> None:
    login = configured(tmp_path, "", "[2001:db8::1]:2222")
    assert login.host == "2001:db8::1"
    assert login.where == "2001:db8::1 ([2001:db8::1]:2222)"
    assert login.known_hosts_name == "[2001:db8::1]:2222"


def test_a_mistake_in_ssh_s_configuration_shows_ssh_s_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ssh does not accept its configuration") as error:
        configured(tmp_path, "Host web1\n  Prot 22\n")
    assert "prot" in error.value.output
    assert error.value.exit_code == 2


def test_without_an_ssh_program_its_configuration_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    login = configured(
        tmp_path,
        "Host web1\n HostName 203.0.113.10\n Port 2222\n User deploy\n IdentityFile /keys/a\n"
        " ProxyJump gw1\n",
    )
    assert (login.host, login.port, login.user) == ("203.0.113.10", 2222, "deploy")
    assert login.identity_files == (Path("/keys/a"),)
    assert login.proxy_jump == ("gw1",)
    assert Path("~/.ssh/known_hosts").expanduser() in login.user_known_hosts


def test_without_an_ssh_program_an_unknown_host_gets_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    login = configured(tmp_path, "")
    assert (login.host, login.port, login.user) == ("web1", 22, getpass.getuser())
    assert Path("~/.ssh/id_ed25519").expanduser() in login.identity_files
