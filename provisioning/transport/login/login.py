"""How to reach a host: `Address` and ssh's own configuration, resolved into values."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from provisioning.errors import ConfigurationError
from provisioning.transport.address import Address

SSH_PORT = 22
# `Match exec` in ssh's configuration may run any program.
RESOLVE_TIMEOUT_S = 15.0

AddressFamily = Literal["any", "inet", "inet6"]
# Source: ssh_config(5); ssh's words for "this option is off".
_OFF = ("none", "")


@dataclass(frozen=True)
class Login:
    """Everything that is needed to connect and log in. Every path is absolute.

    Attributes:
        name: What messages call the host.
        host: Host name or IP address to connect to.
        port: TCP port.
        user: Login user.
        identity_files: Private (or public) key files to try, in order; may not exist.
        identities_only: Whether agent keys that are not among them are left alone.
        agent_socket: Path of the ssh-agent's socket; "SSH_AUTH_SOCK" for the one of
            the environment; None for no agent.
        user_known_hosts: The person's own known_hosts files; new keys go into the first.
        global_known_hosts: The machine's known_hosts files.
        host_key_alias: Name to look up there instead of host and port.
        hash_known_hosts: Whether names are written hashed.
        proxy_jump: Gateways to go through, the nearest first, as "user@host:port".
        proxy_command: Shell command whose stdin and stdout lead to the host.
        address_family: Whether IPv4 or IPv6 alone is used.
    """

    name: str
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    agent_socket: str | None = "SSH_AUTH_SOCK"
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = ()
    host_key_alias: str | None = None
    hash_known_hosts: bool = False
    proxy_jump: tuple[str, ...] = ()
    proxy_command: str | None = None
    address_family: AddressFamily = "any"

    @property
    def where(self) -> str:
        """The host for a message: its name, and where that leads if it is not plain from it."""
        address = f"[{self.host}]" if ":" in self.host else self.host
        if self.port != SSH_PORT:
            address += f":{self.port}"
        return self.name if self.name == address else f"{self.name} ({address})"

    @property
    def known_hosts_name(self) -> str:
        """What the host is called in known_hosts. Source: sshd(8), SSH_KNOWN_HOSTS."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        host = self.host.lower()
        return host if self.port == SSH_PORT else f"[{host}]:{self.port}"


def resolve(
    address: Address, *, ssh_config: Path | None = None, identities: Sequence[Path] = ()
) -> Login:
    """Ask `ssh -G` how it would log in to a host: Include, Match and tokens resolved.

    Without an ssh program its configuration is read by paramiko, which knows less of it.

    Args:
        address: The host; its user and port win over ssh's configuration.
        ssh_config: The one configuration file to read; None reads the person's and
            the machine's.
        identities: Private key files to try first, as with `ssh -i`.

    Raises:
        ConfigurationError: ssh does not accept its configuration.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        options = _options_by_paramiko(address, ssh_config)
    else:
        options = _options_by_ssh(ssh, address, ssh_config)
    return _login(address, options, identities)


def _options_by_ssh(ssh: str, address: Address, ssh_config: Path | None) -> Mapping[str, list[str]]:
    command = [ssh, "-G", "-T"]
    if ssh_config is not None:
        command += ["-F", str(ssh_config)]
    if address.user is not None:
        command += ["-l", address.user]
    if address.port is not None:
        command += ["-p", str(address.port)]
    try:
        done = subprocess.run(
            [*command, "--", address.address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RESOLVE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"cannot reach {address.name}: ssh -G gave no answer in {RESOLVE_TIMEOUT_S:.0f} s",
            hint="look for a slow `Match exec` in ~/.ssh/config",
        ) from error
    if done.returncode != 0:
        raise ConfigurationError(
            f"cannot reach {address.name}: ssh does not accept its configuration",
            output=done.stderr.strip(),
        )
    options: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        options.setdefault(key.lower(), []).append(value)
    return options


def _options_by_paramiko(address: Address, ssh_config: Path | None) -> Mapping[str, list[str]]:
    import paramiko

    config = paramiko.SSHConfig()
    paths = [ssh_config] if ssh_config else [Path("~/.ssh/config"), Path("/etc/ssh/ssh_config")]
    for path in paths:
        if path.expanduser().is_file():
            config.parse(path.expanduser().read_text().splitlines())
    found = config.lookup(address.address)
    options: dict[str, list[str]] = {
        "identityfile": [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")],
        "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
        "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
    }
    for key, value in found.items():
        options[key.lower()] = value if isinstance(value, list) else [str(value)]
    return options


def _login(address: Address, options: Mapping[str, list[str]], identities: Sequence[Path]) -> Login:
    def one(key: str, default: str = "") -> str:
        value = options.get(key, [default])[0]
        return default if value.lower() in _OFF else value

    def files(key: str) -> tuple[Path, ...]:
        names = [name for name in one(key).split() if name.lower() != "none"]
        return tuple(Path(name).expanduser() for name in names)

    port = one("port", str(SSH_PORT))
    family = one("addressfamily", "any")
    user = address.user or one("user") or getpass.getuser()
    host = one("hostname", address.address)
    names = [name for name in options.get("identityfile", []) if name.lower() not in _OFF]
    # `ssh -G` leaves these as they are.
    tokens = {"d": str(Path.home()), "h": host, "r": user, "u": getpass.getuser()}
    identity_files = [*identities, *(Path(expand_tokens(name, tokens)) for name in names)]
    agent = options.get("identityagent", ["SSH_AUTH_SOCK"])[0]
    proxy_jump = one("proxyjump")
    return Login(
        name=address.name,
        host=host.strip("[]"),
        port=address.port or (int(port) if port.isdigit() else SSH_PORT),
        user=user,
        identity_files=tuple(path.expanduser() for path in dict.fromkeys(identity_files)),
        identities_only=bool(identities) or one("identitiesonly", "no") == "yes",
        agent_socket=None if agent.lower() in _OFF else str(Path(agent).expanduser()),
        user_known_hosts=files("userknownhostsfile"),
        global_known_hosts=files("globalknownhostsfile"),
        host_key_alias=one("hostkeyalias") or None,
        hash_known_hosts=one("hashknownhosts", "no") == "yes",
        proxy_jump=tuple(part for part in proxy_jump.split(",") if part),
        proxy_command=one("proxycommand") or None,
        address_family="inet" if family == "inet" else "inet6" if family == "inet6" else "any",
    )


def expand_tokens(text: str, tokens: Mapping[str, str]) -> str:
    """Replace "%h" by the value of "h" and so on; "%%" becomes "%", unknown ones stay.

    Source: ssh_config(5), TOKENS.
    """
    return re.sub(r"%(.)", lambda match: {"%": "%", **tokens}.get(match[1], match[0]), text)
