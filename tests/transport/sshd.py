"""A real OpenSSH server on 127.0.0.1, with generated keys, in a directory of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from provisioning.transport import Address

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
START_TIMEOUT_S = 20.0


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair and return the private key's path."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)],
        check=True,
    )
    return path


def fingerprint(path: Path) -> str:
    """Return the fingerprint of a key, by its public half."""
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{path}.pub"], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[1]


class Sshd:
    """An sshd, a client key that it accepts, and an ssh_config that leads to it.

    Args:
        folder: Where everything is kept.
        host_keys: Types of its host keys.
        options: Lines of sshd_config besides.
        wrap: A command line to start it with, such as `unshare --mount ...`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host_keys: tuple[str, ...] = ("ed25519",),
        options: str = "",
        wrap: tuple[str, ...] = (),
    ) -> None:
        if SSHD is None:
            pytest.fail("these tests need an SSH server: apt-get install openssh-server")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.user = getpass.getuser()
        self.client_key = make_key(folder / "client_key")
        self.host_keys = {kind: make_key(folder / f"host_{kind}", kind) for kind in host_keys}
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.write_text((folder / "client_key.pub").read_text())
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "sshd_config"
        self.config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {self.authorized_keys}\nUsePAM no\nLogLevel VERBOSE\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            + "".join(f"HostKey {key}\n" for key in self.host_keys.values())
            + options
        )
        self._wrap = wrap
        self._log = folder / "sshd.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Sshd:
        """Start it, and wait until it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it
        assert SSHD
        # It must not outlive these tests, even if they are killed.
        leash = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*leash, *self._wrap, SSHD, "-D", "-e", "-f", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while "Server listening" not in self.log:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"sshd did not start:\n{self.log}")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """End it; sessions that still run end with their connections."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def log(self) -> str:
        """What sshd has logged so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def public_key(self, kind: str) -> str:
        """Return "type base64" of a host key."""
        fields = Path(f"{self.host_keys[kind]}.pub").read_text().split()
        return f"{fields[0]} {fields[1]}"

    def trust(self, *kinds: str, name: str | None = None) -> None:
        """Write the host keys of these kinds into the client's known_hosts file."""
        name = name or f"[127.0.0.1]:{self.port}"
        lines = [f"{name} {self.public_key(kind)}\n" for kind in kinds or self.host_keys]
        with self.known_hosts.open("a") as file:
            file.writelines(lines)

    def ssh_config(self, extra: str = "", *, port: int | None = None) -> Path:
        """Write an ssh_config whose host "web1" is this server, and return its path."""
        path = self.folder / "ssh_config"
        path.write_text(
            f"Host web1\n  HostName 127.0.0.1\n  Port {port or self.port}\n"
            f"Host *\n{extra}\n  User {self.user}\n"
            f"  IdentityFile {self.client_key}\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n"
        )
        return path

    @property
    def address(self) -> Address:
        """The server as the inventory would name it."""
        return Address("web1", "web1")
