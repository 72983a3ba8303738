"""The checks: one file each, in `apps/` or `hosts/`; a file that is there is a check.

A file's docstring says what must be so. Its function `judge` takes what was seen, and returns a
finding, or None where the check does not apply.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from provisioning.doctor.checks import apps, hosts
from provisioning.doctor.finding import Finding


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    Args:
        name: Of its file, with hyphens.
        judge: Takes an AppSeen or a HostSeen.
    """

    name: str
    judge: Callable[[Any], Finding | None]


def of_apps() -> list[Check]:
    """Return the checks of an app; `judge` takes an AppSeen."""
    return list(_in(apps))


def of_hosts() -> list[Check]:
    """Return the checks of a host; `judge` takes a HostSeen."""
    return list(_in(hosts))


def _in(package: Any) -> Iterator[Check]:
    for each in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        module = importlib.import_module(f"{package.__name__}.{each.name}")
        yield Check(each.name.replace("_", "-"), module.judge)
