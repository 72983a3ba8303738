"""Throwaway real Debian hosts on this machine: for tests, for the demo, for trying things."""

from __future__ import annotations

from provisioning.lab.host import LabHost
from provisioning.lab.lab import Lab
from provisioning.lab.status import HostStatus

__all__ = ["HostStatus", "Lab", "LabHost"]
