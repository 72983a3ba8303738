"""The sandbox of an image's build: as that of other builds, but for what a user namespace needs.

Source of all properties: systemd.exec(5), systemd.resource-control(5), systemd.service(5).
"""

from __future__ import annotations

from typing import List, Mapping

from provisioning.agent.builds.sandbox import DOOR, LIMITS
from provisioning.agent.machine.hardening import HARDENING

CONTEXT, WORK, BASES = "/srv/context", "/srv/work", "/srv/bases"
"""Where a build finds its files, its own folder, and base images that came as archives."""

_LEFT_OUT = (
    # The build is root in a namespace of its own, and a package may bring set-id programs.
    "CapabilityBoundingSet=",
    "RestrictNamespaces=",
    "RestrictSUIDSGID=",
    "PrivateUsers=",
    "SystemCallFilter=",
    # A chroot gets a host name of its own.
    "ProtectHostname=",
    # buildah 1.39 does not find its chroot below a root directory that is read-only. Who builds may
    # write where everybody may: in the folders of its own below.
    "ProtectSystem=",
)

_PROPERTIES = (
    *(each for each in HARDENING if not each.startswith(_LEFT_OUT)),
    # To say who stands for whom in the namespace; in there, they are worth nothing outside.
    "CapabilityBoundingSet=CAP_SETUID CAP_SETGID",
    "SystemCallFilter=@system-service @mount @setuid @chown @sandbox sethostname",
    "ProtectSystem=full",
    "PrivateNetwork=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "UMask=0022",
    "TemporaryFileSystem=/srv:ro",
    "TemporaryFileSystem=/run:ro",
    "TemporaryFileSystem=/dev/shm:size=10%,mode=1777",
    *LIMITS,
)


def properties(*, work: str, context: str, bases: Mapping[str, str], proxy: str) -> List[str]:
    """Return the properties of the transient unit of an image's build, "Key=Value".

    Args:
        work: The build's own folder on the host.
        context: The folder with its files.
        bases: Path of an archive on the host -> where the build finds it.
        proxy: The directory on the host in which the proxy's socket is.
    """
    return [
        *_PROPERTIES,
        f"BindPaths={work}:{WORK}",
        f"BindReadOnlyPaths={context}:{CONTEXT}",
        *(f"BindReadOnlyPaths={path}:{place}" for path, place in bases.items()),
        f"BindReadOnlyPaths={proxy}:{DOOR}",
    ]
