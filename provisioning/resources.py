"""The resource types, for those who write roles: `from provisioning.resources import File`."""

from __future__ import annotations

from provisioning.agent.resource import Resource
from provisioning.agent.resources import (
    Absent,
    Certificate,
    Command,
    Directory,
    File,
    FileSet,
    Group,
    Link,
    Packages,
    Port,
    Probe,
    SelfSigned,
    Service,
    Timer,
    Tmpfiles,
    Unit,
    User,
    Virtualenv,
)

__all__ = [
    "Absent",
    "Certificate",
    "Command",
    "Directory",
    "File",
    "FileSet",
    "Group",
    "Link",
    "Packages",
    "Port",
    "Probe",
    "Resource",
    "SelfSigned",
    "Service",
    "Timer",
    "Tmpfiles",
    "Unit",
    "User",
    "Virtualenv",
]
