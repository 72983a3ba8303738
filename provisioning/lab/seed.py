"""What makes a bare Debian this host of this lab: names, keys, passwords, trust."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.lab import base, keys
from provisioning.lab.files import write_file
from provisioning.lab.layers import Disk
from provisioning.lab.processes import call
from provisioning.lab.state import HostState

USERS = ("root", "admin", "operator")
# The lines between are the lab's; what else stands in a host's /etc/hosts stays.
_BEGIN, _END = "# lab: begin", "# lab: end"


def make(
    directory: Path,
    root: Path,
    host: HostState,
    *,
    user_key: Path,
    password: str,
    nameservers: Sequence[str],
) -> None:
    """Write a host's own read-only layer.

    Args:
        directory: Where the layer goes; not mounted yet.
        root: The base root file system that it will lie upon.
        host: Whose layer it is.
        user_key: The lab's private ssh key; its public half lies beside it.
        password: For sudo, of the user `operator`.
        nameservers: Addresses of DNS servers that the host can reach.
    """
    for path in (directory, directory / "etc", directory / "etc/ssh"):
        path.mkdir()
        path.chmod(0o755)
    etc = directory / "etc"
    servers = "".join(f"nameserver {server}\n" for server in nameservers)
    write_file(etc / "hostname", f"{host.name}\n", 0o644)
    write_file(etc / "machine-id", f"{host.machine_id}\n", 0o444)
    write_file(etc / "resolv.conf", servers, 0o644)
    write_file(etc / "hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n", 0o644)
    keys.make_host_keys(directory)
    _make_shadow(etc / "shadow", root / "etc/shadow", password)
    public = user_key.with_suffix(".pub").read_text()
    for user in USERS:
        _authorize(directory, root, user, public)


def set_names(root: Path, addresses: Mapping[str, str]) -> None:
    """Write the lab's names into a host's /etc/hosts; other lines stay.

    Args:
        root: The host's mounted "/".
        addresses: The address that each name leads to.
    """
    path = root / "etc/hosts"
    old = path.read_text() if path.exists() else ""
    lines = old.splitlines()
    if _BEGIN in lines and _END in lines:
        del lines[lines.index(_BEGIN) : lines.index(_END) + 1]
    names = [f"{address} {name}" for name, address in sorted(addresses.items())]
    new = "\n".join([*lines, _BEGIN, *names, _END]) + "\n"
    # A host whose disk is full must still boot.
    if new != old:
        temporary = path.with_name(".hosts.lab")
        write_file(temporary, new, 0o644)
        temporary.rename(path)


def make_trust(directory: Path, root: Path, certificate: Path) -> None:
    """Make the layer that trusts the lab's authority, as Debian's own tool does it.

    Args:
        directory: Where the layer goes; one that is complete stays as it is.
        root: The base root file system that it will lie upon.
        certificate: The authority's certificate.
    """
    if directory.exists():
        return
    disk = Disk(directory.with_name(f".{directory.name}.making"), [root])
    disk.erase()
    disk.mount([], None)
    try:
        authorities = disk.root / "usr/local/share/ca-certificates"
        authorities.mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate, authorities / "homeport-lab.crt")
        base.run_in(disk.root, "update-ca-certificates", purpose="trust the lab's authority")
    finally:
        disk.unmount()
    disk.move_to(directory)


def _authorize(directory: Path, root: Path, user: str, public: str) -> None:
    home = "root" if user == "root" else f"home/{user}"
    owner = (root / home).stat()
    # Every directory of a layer covers the attributes of the one below it.
    for path in (directory / home, directory / home / ".ssh"):
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, owner.st_uid, owner.st_gid)
    (directory / "home").mkdir(exist_ok=True)
    (directory / "home").chmod(0o755)
    (directory / home).chmod(owner.st_mode & 0o7777)
    (directory / home / ".ssh").chmod(0o700)
    file = directory / home / ".ssh/authorized_keys"
    write_file(file, public, 0o600)
    shutil.chown(file, owner.st_uid, owner.st_gid)


def _make_shadow(path: Path, original: Path, password: str) -> None:
    # Source: crypt(5); -6 is SHA-512, which both suites read. The password comes on stdin.
    hashed = call(
        ["openssl", "passwd", "-6", "-stdin"], stdin=password + "\n", purpose="hash a password"
    ).strip()
    lines = []
    for line in original.read_text().splitlines():
        fields = line.split(":")
        if fields[0] == "operator":
            fields[1] = hashed
        lines.append(":".join(fields))
    write_file(path, "\n".join(lines) + "\n", original.stat().st_mode & 0o7777)
    shutil.chown(path, original.stat().st_uid, original.stat().st_gid)
