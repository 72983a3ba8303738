"""Debian's package manager, with its known troubles dealt with.

apt_locks.py waits for whoever else is at work with packages, apt_lists.py renews lists that are
old or damaged, apt_get.py runs the programs so that nothing tears them; this completes what was
cut off.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Mapping, Sequence

from provisioning.agent.debian import apt_locks
from provisioning.agent.debian.apt_get import apt_cache, apt_get, detached, errors
from provisioning.agent.debian.apt_lists import ensure_lists, renew, with_good_lists
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import dpkg
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

_TORN_UPDATE = re.compile(rf"parsing file '({dpkg.UPDATES}/\d+)'")


def candidates(system: System, names: Sequence[str]) -> Dict[str, str]:
    """Return the versions that apt would install: name -> version."""
    found = _candidates(system, names)
    if len(found) < len(names):
        renew(system)
        found = _candidates(system, names)
    return found


def _candidates(system: System, names: Sequence[str]) -> Dict[str, str]:
    text = apt_cache(system, "policy", *names).stdout
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
    # What was cut off would be completed before.
    done = _install(system, names, "--simulate", "--fix-broken")
    return re.findall(r"^Inst (\S+) ", done.stdout, re.MULTILINE)


def conflicting(system: System, names: Sequence[str]) -> Sequence[str]:
    """Return the packages that apt would remove to install these; empty if apt cannot tell."""
    ensure_lists(system)
    done = with_good_lists(
        system, "install", "--no-install-recommends", "--simulate", "--fix-broken", *names
    )
    return re.findall(r"^Remv (\S+) ", done.stdout, re.MULTILINE)


def install(system: System, names: Sequence[str]) -> None:
    """Install packages."""
    complete(system)
    ensure_lists(system)
    system.say("installing " + ", ".join(names))
    _install(system, names)
    system.forget_cached()


def remove(system: System, names: Sequence[str]) -> None:
    """Remove packages; their configuration files stay."""
    complete(system)
    done = apt_get(system, "remove", *names)
    system.forget_cached()
    if done.status != 0:
        raise AgentError(f"cannot remove {', '.join(names)}", output=errors(done))


def interrupted(system: System) -> str:
    """Return the packages that an interrupted package manager left half installed, or ""."""
    names = sorted(_unfinished(system))
    journal = "dpkg's journal" if any(map(str.isdigit, system.list(dpkg.UPDATES))) else ""
    # What is half-way while somebody is at work was not cut off.
    return "" if not (names or journal) or apt_locks.holder() else ", ".join(names) or journal


def complete(system: System) -> None:
    """Complete what an interrupted package manager left half done.

    Raises:
        AgentError: it cannot be completed.
    """
    apt_locks.wait(system)
    left = interrupted(system)
    if not left:
        return
    system.say(f"completing an interrupted installation: {left}")
    apt_locks.wait(system, apt_locks.left_script)
    configured = _configure(system)
    # First what is missing besides: with names, apt gives up on dependencies that are.
    fixed = with_good_lists(system, "install", "--fix-broken")
    system.forget_cached()
    halves = [name for name, wanted in _unfinished(system).items() if wanted]
    if halves:
        # By name: apt believes that what has the right version is whole, whatever dpkg says.
        fixed = with_good_lists(system, "install", "--fix-broken", "--reinstall", *halves)
        system.forget_cached()
    left = interrupted(system)
    if left:
        raise AgentError(
            f"cannot complete an interrupted installation: {left}",
            hint="on the host, `dpkg --configure -a` and `apt-get --fix-broken install` show the "
            "same error",
            output=errors(fixed) if fixed.status else errors(configured),
        )


def _unfinished(system: System) -> Mapping[str, bool]:
    return dpkg.unfinished(dpkg.database(system))


def _configure(system: System) -> Completed:
    while True:
        apt_locks.wait(system)
        done = detached(system, ["dpkg", "--configure", "-a", "--force-confold",
                                  "--force-confdef"])  # fmt: skip
        torn = _TORN_UPDATE.search(done.stdout)
        if not torn:
            return done
        # A power cut tore it, so what it said is lost; apt finds out what is missing.
        system.say(f"removing {torn[1]}, which dpkg cannot read")
        system.remove(torn[1])


def _install(system: System, names: Sequence[str], *options: str) -> Completed:
    done = with_good_lists(system, "install", "--no-install-recommends", *options, *names)
    if done.status != 0:
        raise _cannot_install(names, done, system)
    return done


def _cannot_install(names: Iterable[str], done: Completed, system: System) -> AgentError:
    missing = re.findall(r"E: Unable to locate package (\S+)", done.stdout + done.stderr)
    if system.troubled_sources:
        return AgentError(
            f"cannot install {', '.join(missing or names)}, and not all package sources of the "
            "host can be read",
            hint="repair or remove these sources if the packages are to come from them",
            output="\n".join([*system.troubled_sources, errors(done)]),
        )
    if missing:
        return AgentError(
            f"cannot install {', '.join(missing)}: Debian has no package of that name",
            hint="look for the right name with `apt-cache search` on the host",
        )
    return AgentError(f"cannot install {', '.join(names)}", output=errors(done))
