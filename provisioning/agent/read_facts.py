"""Read the facts of a host, and remember the costly ones until packages change."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Dict, List, Mapping, Sequence

from provisioning.agent import layout
from provisioning.agent.debian import apt, apt_lists
from provisioning.agent.facts import VERSIONS, WEB_UNITS, Facts
from provisioning.agent.machine import dpkg
from provisioning.agent.machine.system import System
from provisioning.agent.nginx.facts import loads_brotli, nginx_facts

CACHE = layout.RUNTIME + "/candidates.json"


def gather_facts(system: System, candidates: Sequence[str] = ()) -> Facts:
    """Read the facts of this host.

    Args:
        system: The machine.
        candidates: Versions that are needed also of what is not installed: apt is asked for them.
            Of other programs that are not installed no version is known, and nobody asked.
    """
    release = dict(
        line.split("=", 1)
        for line in system.read("/etc/os-release").decode().splitlines()
        if "=" in line
    )
    beside, taken = nginx_facts(system)
    return Facts(
        debian=release.get("VERSION_ID", "").strip('"') if release.get("ID") == "debian" else "",
        codename=release.get("VERSION_CODENAME", "").strip('"'),
        architecture=_architecture(),
        cores=len(os.sched_getaffinity(0)),
        memory_mb=_memory_mb(system),
        ipv6=bool(system.read("/proc/net/if_inet6")),
        container=_container(system),
        nginx_beside=beside,
        nginx_taken=taken,
        nginx_brotli=loads_brotli(system),
        **_versions(system, candidates),
        web_units=" ".join(unit for unit in WEB_UNITS if _is_managed(system, unit)),
    )


def _is_managed(system: System, unit: str) -> bool:
    """Return whether Homeport remembers what a unit has loaded."""
    return system.memory.knows(f"service:{unit.removesuffix('.service')} ")


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _container(system: System) -> str:
    """Return the container technology. Source: systemd-detect-virt(1), /run/systemd/container."""
    return system.read("/run/systemd/container").decode().strip()


def _memory_mb(system: System) -> int:
    """Return memory, rounded to 64 MiB so that a kernel update does not make other facts."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", system.read("/proc/meminfo").decode(), re.M)
    limit = system.read("/sys/fs/cgroup/memory.max").decode().strip()
    kilobytes = int(found[1]) if found else 0
    if limit.isdigit():
        kilobytes = min(kilobytes, int(limit) // 1024)
    return kilobytes // 1024 // 64 * 64


def _versions(system: System, wanted: Sequence[str]) -> Dict[str, str]:
    installed = system.packages()
    lacking = [package for name, package in VERSIONS.items()
               if name in wanted and package not in installed]  # fmt: skip
    candidates = _candidates(system, lacking) if lacking else {}
    return {
        name: dpkg.upstream_version(installed.get(package) or candidates.get(package, ""))
        for name, package in VERSIONS.items()
    }


def _candidates(system: System, names: Sequence[str]) -> Mapping[str, str]:
    """Return the versions apt would install; asked anew only when its lists have changed."""
    apt_lists.ensure_lists(system)
    try:
        cached = json.loads(system.read(CACHE))
        if cached["stamp"] == _stamp() and set(names) <= set(cached["asked"]):
            versions: Mapping[str, str] = cached["versions"]
            return {name: versions[name] for name in names if name in versions}
    except (ValueError, KeyError, TypeError):
        pass
    versions = apt.candidates(system, names)
    # Bad lists may have been renewed for it.
    _keep({"stamp": _stamp(), "asked": list(names), "versions": versions})
    return versions


def _stamp() -> List[int]:
    return [_modified(path) for path in (dpkg.STATUS_FILE, apt_lists.LISTS, apt_lists.SOURCES)]


def _keep(values: Mapping[str, object]) -> None:
    part = CACHE + ".new"
    with contextlib.suppress(OSError):  # Where there is no space the next run asks again.
        os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
        with open(part, "w") as file:
            json.dump(values, file)
        os.replace(part, CACHE)


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
