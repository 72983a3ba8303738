"""Which driver this machine can run a lab with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from provisioning.errors import HomeportError
from provisioning.lab import cgroups, machine

ENGINES = ("docker", "podman")


def choose_driver() -> str:
    """Return `nspawn`, or the container engine to use.

    Raises:
        HomeportError: This machine can run no lab at all.
    """
    reason = _against_nspawn()
    if not reason:
        return "nspawn"
    for engine in ENGINES:
        if shutil.which(engine) and _answers(engine):
            return engine
    raise HomeportError(
        f"cannot start the lab: {reason}, and neither Docker nor Podman answers here",
        hint="run it as root on a Debian machine (sudo), or start Docker or Podman",
    )


def _against_nspawn() -> str:
    """Return what keeps real hosts from booting here, or ""."""
    if sys.platform != "linux":
        return f"real hosts need Linux and this is {sys.platform}"
    if os.geteuid() != 0:
        return "real hosts need root"
    if cgroups.root() is None:
        return "this machine has no cgroup version 2 hierarchy that can be written"
    missing = machine.missing_packages()
    if missing and not shutil.which("apt-get"):
        return f"{', '.join(missing)} missing and there is no apt-get to install them"
    return ""


def _answers(engine: str) -> bool:
    done = subprocess.run(
        [engine, "info"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0
