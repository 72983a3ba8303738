"""Keep a program of the lab running on its own: detached, in its control group, logged."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab import cgroups, relay
from provisioning.lab.processes import tail

# Source: systemd-nspawn(1), exit status: the guest's own wish to be booted again.
_REBOOT_STATUS = 133

# $1 is the group where the shell stays, $2 where the program goes: systemd wants
# a group with nothing else in it. Writing "0" moves the process that writes. A
# guest that ends leaves its groups behind: empty, and in the way of its next boot.
_SUPERVISE = f"""
own=$2
shift 2
while :; do
    ( echo 0 > "$own/cgroup.procs" && exec "$@" )
    status=$?
    find "$own" -mindepth 1 -depth -type d -exec rmdir {{}} + 2>/dev/null
    echo "lab: ended with status $status"
    [ "$status" = {_REBOOT_STATUS} ] || break
done
"""
# The outer shell ends at once, so that the inner one, by then in its group, is
# nobody's child here.
_DETACH = 'echo 0 > "$1/cgroup.procs" || exit; sh -c "$0" sh "$@" &'


def start_supervised(
    argv: Sequence[str], *, stays: Path, group: Path, log: Path, env: Mapping[str, str]
) -> None:
    """Start a program that outlives this process, and again whenever it ends to reboot.

    Args:
        argv: The program and its arguments.
        stays: Control group for the supervising shell.
        group: Control group for the program.
        log: Where its output goes, after what is there already.
        env: Added to an environment of little more than PATH.

    Raises:
        HomeportError: Its control group does not take it.
    """
    with log.open("ab") as output:
        done = subprocess.run(
            ["sh", "-c", _DETACH, _SUPERVISE, str(stays), str(group), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ.get("PATH", os.defpath), "TERM": "dumb", **env},
            start_new_session=True,
            check=False,
        )
    if done.returncode != 0:
        raise HomeportError(f"cannot start {argv[0]}", output=tail(log.read_text(errors="replace")))


def start_relay(listen: str, resolver: str, *, group: Path, log: Path) -> None:
    """Start the DNS relay.

    Args:
        listen: The address to answer at.
        resolver: The loopback address to ask.
        group: Control group for it.
        log: Where its output goes.
    """
    for part in (group / "stays", group / "program"):
        cgroups.make(part)
    start_supervised(
        [sys.executable, "-I", str(Path(relay.__file__).resolve()), listen, resolver],
        stays=group / "stays",
        group=group / "program",
        log=log,
        env={},
    )
