"""Units in which programs of a release run once: imports, migrations and hooks."""

from __future__ import annotations

import re
from typing import List

from provisioning.agent.apps.release_services import RUNNING
from provisioning.agent.apps.releases import RELEASE_ID
from provisioning.agent.machine.system import System

AT_WORK = (*RUNNING, "deactivating")
LABELS = r"setup|import|migrate|migrations|(?:before|after)-[a-z]+-hook-\d+"


def one_offs(app: str, system: System) -> List[str]:
    """Return the units of an app's imports, migrations and hooks that are running."""
    services = system.loaded_units()
    return [unit for unit in all_one_offs(app, system) if services[unit][0] in AT_WORK]


def all_one_offs(app: str, system: System) -> List[str]:
    """Return all of them that systemd knows of, failed ones too."""
    return sorted(unit for unit in system.loaded_units() if label_of(app, unit))


def label_of(app: str, unit: str) -> str:
    """Return what a unit of a OneOff of an app is: "import"; "" for all other units."""
    found = re.fullmatch(unit_names(app), unit)
    return found[1] if found else ""


def unit_names(app: str) -> str:
    """Return an expression for the units of an app's imports, migrations and hooks.

    It is that narrow since "hello-migrate" may be an app as well.
    """
    return rf"{re.escape(app)}-({LABELS})-{RELEASE_ID.pattern}\.service"
