"""Debian's package manager, with its known troubles dealt with.

It waits for a lock that somebody else holds, completes what was cut off, renews stale
lists, asks nothing, and runs in a session of its own with its output in a file, so that a
lost connection does not tear it.
"""

from __future__ import annotations

import os
import re
import time
from typing import Dict, Iterable, Sequence

from provisioning.agent import dpkg, layout
from provisioning.agent.errors import AgentError
from provisioning.agent.system import Completed, System

LISTS = "/var/lib/apt/lists"
SOURCES = "/etc/apt/sources.list.d"
LISTS_AGE_S = 24 * 3600
"""Older lists name package versions that the archive may no longer have."""

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    # Restart services that use an upgraded library without asking. Source: needrestart(1).
    "NEEDRESTART_MODE": "a",
    "UCF_FORCE_CONFFOLD": "1",
}
OPTIONS = (
    # Wait for another apt or dpkg instead of failing at once. Source: apt.conf(5), in seconds.
    "-o", "DPkg::Lock::Timeout=300",
    # Keep configuration files that were changed. Source: dpkg(1).
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Options::=--force-confdef",
    # The two knobs of a slow archive: try again, and do not hang for minutes.
    "-o", "Acquire::Retries=3",
    "-o", "Acquire::http::Timeout=30",
    "-o", "Acquire::https::Timeout=30",
)  # fmt: skip


def ensure_lists(system: System) -> None:
    """Fetch the package lists if there are none or they are old.

    They are apt's cache, not the host's state, so a check renews them too.
    """
    try:
        newest = max(
            os.stat(os.path.join(LISTS, name)).st_mtime
            for name in os.listdir(LISTS)
            if name.endswith(("Packages", "InRelease", ".lz4", ".gz", ".xz"))
        )
    except (OSError, ValueError):
        newest = 0
    if time.time() - newest > LISTS_AGE_S:
        update(system)


def update(system: System) -> None:
    """Fetch the package lists."""
    system.say("fetching Debian's package lists")
    done = _apt(system, "update", "--error-on=any")
    if done.status != 0:
        raise AgentError(
            "cannot fetch Debian's package lists",
            hint="check the host's network and /etc/apt/sources.list*; "
            "on the host, `apt-get update` shows the same",
            output=_errors(done),
        )


def candidates(system: System, names: Sequence[str]) -> Dict[str, str]:
    """Return the versions that apt would install: name -> version."""
    text = system.run(["apt-cache", "policy", *names]).stdout
    found = {}
    for name, body in re.findall(r"^(\S+):\n((?: .*\n)+)", text, re.MULTILINE):
        candidate = re.search(r"^ +Candidate: (\S+)", body, re.MULTILINE)
        if candidate and candidate[1] != "(none)":
            found[name] = candidate[1]
    return found


def simulate(system: System, names: Sequence[str]) -> Sequence[str]:
    """Return all packages that installing these would bring.

    Raises:
        AgentError: apt cannot find or combine them.
    """
    ensure_lists(system)
    done = _apt(system, "install", "--simulate", "--no-install-recommends", *names)
    if done.status != 0:
        raise _cannot_install(names, done)
    return re.findall(r"^Inst (\S+) ", done.stdout, re.MULTILINE)


def install(system: System, names: Sequence[str]) -> None:
    """Install packages; renew the lists and try once more if the archive has moved on."""
    repair(system)
    ensure_lists(system)
    system.say("installing " + ", ".join(names))
    done = _apt(system, "install", "--no-install-recommends", *names)
    if done.status != 0 and re.search(r"Unable to (locate|fetch)|404 +Not Found", done.tail):
        update(system)
        done = _apt(system, "install", "--no-install-recommends", *names)
    if done.status != 0:
        raise _cannot_install(names, done)
    system.forget_cached()


def remove(system: System, names: Sequence[str]) -> None:
    """Remove packages; their configuration files stay."""
    repair(system)
    done = _apt(system, "remove", *names)
    system.forget_cached()
    if done.status != 0:
        raise AgentError(f"cannot remove {', '.join(names)}", output=_errors(done))


def repair(system: System) -> None:
    """Complete what a package manager that was cut off has left half-way."""
    journal = os.path.join(os.path.dirname(dpkg.STATUS_FILE), "updates")
    if system.list(journal) or dpkg.needs_configuring(system.read(dpkg.STATUS_FILE).decode()):
        system.say("completing an interrupted package installation")
        _detached(system, ["dpkg", "--configure", "-a", "--force-confold", "--force-confdef"])
        _apt(system, "install", "--fix-broken")
        system.forget_cached()


def _apt(system: System, *arguments: str) -> Completed:
    return _detached(system, ["apt-get", "-q", "-y", *OPTIONS, *arguments])


def _detached(system: System, argv: Sequence[str]) -> Completed:
    """Run with the output in a file, so that the death of the agent tears nothing."""
    os.makedirs(layout.RUNTIME, mode=0o700, exist_ok=True)
    log = os.path.join(layout.RUNTIME, f"{argv[0]}.log")
    command = ["sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null', "sh", log, *argv]
    done = system.run(command, env=ENVIRONMENT, timeout_s=3600)
    return Completed(done.status, system.read(log).decode(errors="replace"), "")


def _errors(done: Completed) -> str:
    lines = [line for line in done.stdout.splitlines() if line.startswith(("E:", "Err:", "W:"))]
    return "\n".join(lines[-10:]) or done.tail


def _cannot_install(names: Iterable[str], done: Completed) -> AgentError:
    missing = re.findall(r"E: Unable to locate package (\S+)", done.stdout)
    if missing:
        return AgentError(
            f"cannot install {', '.join(missing)}: Debian has no package of that name",
            hint="look for the right name with `apt-cache search` on the host",
        )
    return AgentError(f"cannot install {', '.join(names)}", output=_errors(done))
