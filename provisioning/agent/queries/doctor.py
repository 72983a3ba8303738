"""What `fab doctor` looks at on this host."""

from __future__ import annotations

import os
from typing import Any, Mapping

from provisioning.agent import layout
from provisioning.agent.answers import Examination, plain
from provisioning.agent.examination.app import examine_app
from provisioning.agent.examination.listeners import listeners
from provisioning.agent.examination.logs import logs
from provisioning.agent.examination.machine import clock, file_systems, memory
from provisioning.agent.examination.updates import updates
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Return what there is to see.

    Args:
        message: "apps": for each what `examine_app` needs.
        system: The machine.
    """
    memory_mb, available_mb = memory(system)
    container = system.read("/run/systemd/container").decode(errors="replace").strip()
    apps = {each["app"]: examine_app(each, system) for each in message["apps"]}
    found = Examination(
        container=container,
        managed=os.path.isdir(layout.STATE),
        # A container has the clock of its machine; asking would start a service there.
        clock="" if container else clock(system),
        memory_mb=memory_mb,
        available_mb=available_mb,
        file_systems=file_systems(),
        listeners=listeners(),
        failed_units=systemctl.failed_units(system),
        updates=updates(system),
        logs=logs(system),
        apps={name: each for name, each in apps.items() if each is not None},
    )
    return plain(found)
