"""The resource types: one file each, and this table.

To add a type: one file, one import and one name here, one test. Codec, diff, `--check`,
report and the conformance tests come from the table.
"""

from __future__ import annotations

from typing import Dict, Tuple, Type

from provisioning.agent.resource import Resource
from provisioning.agent.resources.absent import Absent
from provisioning.agent.resources.certificate import Certificate
from provisioning.agent.resources.command import Command
from provisioning.agent.resources.directory import Directory
from provisioning.agent.resources.disk_quota import DiskQuota
from provisioning.agent.resources.earlier_certificate import EarlierCertificate
from provisioning.agent.resources.earlier_renewal import EarlierRenewal
from provisioning.agent.resources.file import File
from provisioning.agent.resources.file_set import FileSet
from provisioning.agent.resources.group import Group
from provisioning.agent.resources.kept_secrets import KeptSecrets
from provisioning.agent.resources.leftover_programs import NoLeftoverPrograms
from provisioning.agent.resources.link import Link
from provisioning.agent.resources.live_processes import LiveProcesses
from provisioning.agent.resources.live_release import LiveRelease
from provisioning.agent.resources.neighbours import Neighbours
from provisioning.agent.resources.old_releases import OldReleasesStopped
from provisioning.agent.resources.one_off import OneOff
from provisioning.agent.resources.other_apps import OtherApps
from provisioning.agent.resources.package_manager import PackageManager
from provisioning.agent.resources.packages import Packages
from provisioning.agent.resources.port import Port
from provisioning.agent.resources.probe import Probe
from provisioning.agent.resources.process_check import ProcessCheck
from provisioning.agent.resources.pruned import Pruned
from provisioning.agent.resources.registered_app import RegisteredApp
from provisioning.agent.resources.release import Release
from provisioning.agent.resources.release_running import ReleaseRunning
from provisioning.agent.resources.removed_app import RemovedApp
from provisioning.agent.resources.restored import Restored
from provisioning.agent.resources.self_signed import SelfSigned
from provisioning.agent.resources.service import Service
from provisioning.agent.resources.settings import Settings
from provisioning.agent.resources.shared_folders import SharedFolders
from provisioning.agent.resources.static_files import StaticFiles
from provisioning.agent.resources.stopped import Stopped
from provisioning.agent.resources.superseded import Superseded
from provisioning.agent.resources.timer import Timer
from provisioning.agent.resources.timer_schedules import TimerSchedules
from provisioning.agent.resources.tmpfiles import Tmpfiles
from provisioning.agent.resources.unit import Unit
from provisioning.agent.resources.user import User
from provisioning.agent.resources.virtualenv import Virtualenv

ALL: Tuple[Type[Resource], ...] = (
    Absent,
    Certificate,
    Command,
    Directory,
    DiskQuota,
    EarlierCertificate,
    EarlierRenewal,
    File,
    FileSet,
    Group,
    KeptSecrets,
    Link,
    LiveProcesses,
    LiveRelease,
    Neighbours,
    NoLeftoverPrograms,
    OldReleasesStopped,
    OneOff,
    OtherApps,
    PackageManager,
    Packages,
    Port,
    Probe,
    ProcessCheck,
    Pruned,
    RegisteredApp,
    Release,
    ReleaseRunning,
    RemovedApp,
    Restored,
    SelfSigned,
    Service,
    Settings,
    SharedFolders,
    StaticFiles,
    Stopped,
    Superseded,
    Timer,
    TimerSchedules,
    Tmpfiles,
    Unit,
    User,
    Virtualenv,
)

TYPES: Dict[str, Type[Resource]] = {type_.kind: type_ for type_ in ALL}

__all__ = [
    "ALL",
    "Absent",
    "Certificate",
    "Command",
    "Directory",
    "DiskQuota",
    "EarlierCertificate",
    "EarlierRenewal",
    "File",
    "FileSet",
    "Group",
    "KeptSecrets",
    "Link",
    "LiveProcesses",
    "LiveRelease",
    "Neighbours",
    "NoLeftoverPrograms",
    "OldReleasesStopped",
    "OneOff",
    "OtherApps",
    "PackageManager",
    "Packages",
    "Port",
    "Probe",
    "ProcessCheck",
    "Pruned",
    "RegisteredApp",
    "Release",
    "ReleaseRunning",
    "RemovedApp",
    "Resource",
    "Restored",
    "SelfSigned",
    "Service",
    "Settings",
    "SharedFolders",
    "StaticFiles",
    "Stopped",
    "Superseded",
    "TYPES",
    "Timer",
    "TimerSchedules",
    "Tmpfiles",
    "Unit",
    "User",
    "Virtualenv",
]
