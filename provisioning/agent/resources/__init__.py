"""The resource types: one file each, and this table.

To add a type: one file, one row here and one in provisioning/resources.py, one test. Codec, diff,
`--check`, report and the conformance tests come from the table.

A type is loaded when the first resource of it is made: no run needs all of them, and what they do
on a host needs modules that a controller has no use for.
"""

from __future__ import annotations

import importlib
from typing import Dict, Iterator, Mapping, Type

from provisioning.agent.resource import Resource

_CLASSES: Dict[str, str] = {
    "absent": "Absent",
    "applied-settings": "AppliedSettings",
    "certificate": "Certificate",
    "command": "Command",
    "directory": "Directory",
    "disk-quota": "DiskQuota",
    "earlier-certificate": "EarlierCertificate",
    "earlier-renewal": "EarlierRenewal",
    "file": "File",
    "file-set": "FileSet",
    "group": "Group",
    "image": "Image",
    "kept-secrets": "KeptSecrets",
    "leftover-programs": "NoLeftoverPrograms",
    "link": "Link",
    "live-processes": "LiveProcesses",
    "live-release": "LiveRelease",
    "managed-python": "ManagedPython",
    "media-folders": "MediaFolders",
    "neighbours": "Neighbours",
    "old-releases": "OldReleasesStopped",
    "one-off": "OneOff",
    "other-apps": "OtherApps",
    "package-manager": "PackageManager",
    "packages": "Packages",
    "port": "Port",
    "preflight": "Preflight",
    "probe": "Probe",
    "process-check": "ProcessCheck",
    "pruned": "Pruned",
    "registered-app": "RegisteredApp",
    "release": "Release",
    "release-running": "ReleaseRunning",
    "removed-app": "RemovedApp",
    "restored": "Restored",
    "retired-server": "RetiredServer",
    "self-signed": "SelfSigned",
    "served-certificates": "ServedCertificates",
    "service": "Service",
    "settings": "Settings",
    "shared-folders": "SharedFolders",
    "static-copies": "StaticCopies",
    "static-files": "StaticFiles",
    "stopped": "Stopped",
    "superseded": "Superseded",
    "timer": "Timer",
    "timer-schedules": "TimerSchedules",
    "tmpfiles": "Tmpfiles",
    "unit": "Unit",
    "unused-pythons": "UnusedPythons",
    "user": "User",
    "virtualenv": "Virtualenv",
}


class _Types(Mapping[str, Type[Resource]]):
    def __getitem__(self, kind: str) -> Type[Resource]:
        name = _CLASSES[kind]
        found: Type[Resource] = getattr(
            importlib.import_module(f"{__name__}.{kind.replace('-', '_')}"), name
        )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


TYPES: Mapping[str, Type[Resource]] = _Types()
"""Kind -> type. The kind is the name of its file, with "-" for "_"."""


def file_of(name: str) -> str:
    """Return the module in which a type of this name lies; raise KeyError if there is none."""
    kind = {each: kind for kind, each in _CLASSES.items()}[name]
    return f"{__name__}.{kind.replace('-', '_')}"
