"""The two commands by which a guest is booted and entered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ENV = {
    # The guest gets cgroup version 2 also where this machine is of the older kind.
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    # What /proc/sys/net says is the host's own, since its network is.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
}
# What a command inside finds: nothing of this machine's environment.
_GUEST_ENV = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "TERM=dumb",
)


def boot(root: Path, *, machine: str, hostname: str, namespace: Path) -> list[str]:
    """Return the command that boots a guest; it ends with the guest.

    Source: systemd-nspawn(1).

    Args:
        root: Its "/".
        machine: What this machine calls it; no two may have the same.
        hostname: What it calls itself.
        namespace: Its network namespace.
    """
    argv = ["systemd-nspawn", "--quiet", f"--directory={root}", "--boot"]
    argv += [f"--machine={machine}", f"--hostname={hostname}"]
    argv += [f"--network-namespace-path={namespace}"]
    # No machined and no scope of systemd's: both may be missing here.
    argv += ["--register=no", "--keep-unit", "--link-journal=no"]
    # Its files are its own.
    argv += ["--resolv-conf=off", "--timezone=off", "--console=read-only"]
    # A host administers its own network: addresses and firewall.
    argv += ["--capability=CAP_NET_ADMIN"]
    return argv


def enter(leader: int, argv: Sequence[str]) -> list[str]:
    """Return the command that runs a command inside, as root.

    Args:
        leader: The guest's PID 1 as this machine sees it.
        argv: The command.
    """
    namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]
    clean = ["/usr/bin/env", "--ignore-environment", *_GUEST_ENV]
    return ["nsenter", f"--target={leader}", *namespaces, "--", *clean, *argv]
