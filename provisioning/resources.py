"""The resource types, for those who write roles: `from provisioning.resources import File`.

Each is loaded when its name is asked for; type checkers read the rows below.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from provisioning.agent.resource import Resource as Resource
from provisioning.agent.resources import file_of

if TYPE_CHECKING:
    from provisioning.agent.resources.absent import Absent as Absent
    from provisioning.agent.resources.applied_settings import AppliedSettings as AppliedSettings
    from provisioning.agent.resources.certificate import Certificate as Certificate
    from provisioning.agent.resources.command import Command as Command
    from provisioning.agent.resources.directory import Directory as Directory
    from provisioning.agent.resources.disk_quota import DiskQuota as DiskQuota
    from provisioning.agent.resources.earlier_certificate import (
        EarlierCertificate as EarlierCertificate,
    )
    from provisioning.agent.resources.earlier_renewal import EarlierRenewal as EarlierRenewal
    from provisioning.agent.resources.file import File as File
    from provisioning.agent.resources.file_set import FileSet as FileSet
    from provisioning.agent.resources.group import Group as Group
    from provisioning.agent.resources.image import Image as Image
    from provisioning.agent.resources.kept_secrets import KeptSecrets as KeptSecrets
    from provisioning.agent.resources.leftover_programs import (
        NoLeftoverPrograms as NoLeftoverPrograms,
    )
    from provisioning.agent.resources.link import Link as Link
    from provisioning.agent.resources.live_processes import LiveProcesses as LiveProcesses
    from provisioning.agent.resources.live_release import LiveRelease as LiveRelease
    from provisioning.agent.resources.managed_python import ManagedPython as ManagedPython
    from provisioning.agent.resources.media_folders import MediaFolders as MediaFolders
    from provisioning.agent.resources.neighbours import Neighbours as Neighbours
    from provisioning.agent.resources.old_releases import OldReleasesStopped as OldReleasesStopped
    from provisioning.agent.resources.one_off import OneOff as OneOff
    from provisioning.agent.resources.other_apps import OtherApps as OtherApps
    from provisioning.agent.resources.package_manager import PackageManager as PackageManager
    from provisioning.agent.resources.packages import Packages as Packages
    from provisioning.agent.resources.port import Port as Port
    from provisioning.agent.resources.preflight import Preflight as Preflight
    from provisioning.agent.resources.probe import Probe as Probe
    from provisioning.agent.resources.process_check import ProcessCheck as ProcessCheck
    from provisioning.agent.resources.pruned import Pruned as Pruned
    from provisioning.agent.resources.registered_app import RegisteredApp as RegisteredApp
    from provisioning.agent.resources.release import Release as Release
    from provisioning.agent.resources.release_running import ReleaseRunning as ReleaseRunning
    from provisioning.agent.resources.removed_app import RemovedApp as RemovedApp
    from provisioning.agent.resources.restored import Restored as Restored
    from provisioning.agent.resources.retired_server import RetiredServer as RetiredServer
    from provisioning.agent.resources.self_signed import SelfSigned as SelfSigned
    from provisioning.agent.resources.served_certificates import (
        ServedCertificates as ServedCertificates,
    )
    from provisioning.agent.resources.service import Service as Service
    from provisioning.agent.resources.settings import Settings as Settings
    from provisioning.agent.resources.shared_folders import SharedFolders as SharedFolders
    from provisioning.agent.resources.static_copies import StaticCopies as StaticCopies
    from provisioning.agent.resources.static_files import StaticFiles as StaticFiles
    from provisioning.agent.resources.stopped import Stopped as Stopped
    from provisioning.agent.resources.superseded import Superseded as Superseded
    from provisioning.agent.resources.timer import Timer as Timer
    from provisioning.agent.resources.timer_schedules import TimerSchedules as TimerSchedules
    from provisioning.agent.resources.tmpfiles import Tmpfiles as Tmpfiles
    from provisioning.agent.resources.unit import Unit as Unit
    from provisioning.agent.resources.unused_pythons import UnusedPythons as UnusedPythons
    from provisioning.agent.resources.user import User as User
    from provisioning.agent.resources.virtualenv import Virtualenv as Virtualenv

else:

    def __getattr__(name: str) -> object:
        try:
            module = importlib.import_module(file_of(name))
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        return getattr(module, name)
