"""The bare root file system of a suite: built once by mmdebstrap, then shared, never written."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from provisioning.cache import cache_directory
from provisioning.lab import machine
from provisioning.lab.files import write_file
from provisioning.lab.processes import call

SUITES = ("bookworm", "trixie")
# No python3: a bare host has none, and installing it is the project's first work there.
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo"),
    *("ca-certificates", "iproute2", "procps", "netbase", "tzdata"),
)
# A base ages with the archive; a new month builds a new one.
_AGE_FORMAT = "%Y-%m"
_MIN_AGE_S = 86400.0
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CA_DIRECTORY = "usr/local/share/ca-certificates"

# Runs in the new root, as its root.
CUSTOMIZE = """\
set -e
rm -f /etc/ssh/ssh_host_*
useradd --create-home --shell /bin/bash admin
# Debian has a group of that name already, for something else.
useradd --create-home --shell /bin/bash --gid users --groups sudo operator
printf 'admin ALL=(ALL:ALL) NOPASSWD: ALL\\n' > /etc/sudoers.d/admin
chmod 0440 /etc/sudoers.d/admin
update-ca-certificates >/dev/null 2>&1
"""


def ensure(suite: str, say: Callable[[str], None]) -> Path:
    """Return the root file system of a suite, and build it if there is none yet.

    Args:
        suite: A Debian codename.
        say: Told in one line before the build, which takes about half a minute.

    Raises:
        HomeportError: The build failed, for example for want of a network.
    """
    files = files_of(suite)
    recipe = [suite, PACKAGES, CUSTOMIZE, files, time.strftime(_AGE_FORMAT)]
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    cache = cache_directory() / "lab"
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"{suite}-{digest}"
    if root.is_dir():
        return root
    with (cache / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            say(f"building the Debian {suite} root file system (once; about half a minute)")
            _prune(cache, suite)
            _build(suite, root, files)
    return root


def files_of(suite: str) -> dict[str, str]:
    """Return what a bare host holds beyond its packages, by path."""
    files = {
        "etc/apt/apt.conf.d/90machine": "".join(f"{line}\n" for line in machine.apt_settings()),
        # Resolved by sudo and by services; the host's own name is written when it is made.
        "etc/hostname": "debian\n",
    }
    if sources := machine.apt_sources(suite):
        files["etc/apt/sources.list.d/debian.sources"] = "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {name}\nComponents: {components}\n"
            f"Signed-By: {_KEYRING}\n"
            for uri, name, components in sources
        )
    if pip := machine.pip_settings():
        files["etc/pip.conf"] = "[global]\n" + "".join(f"{k} = {v}\n" for k, v in pip.items())
        index = f'index-url = "{pip["index-url"]}"\n' if "index-url" in pip else ""
        # uv trusts its own list of authorities unless told to take the machine's.
        files["etc/uv/uv.toml"] = "system-certs = true\n" + index
    for number, certificate in enumerate(machine.trusted_certificates()):
        files[f"{_CA_DIRECTORY}/machine-{number:03}.crt"] = certificate
    return files


def _build(suite: str, root: Path, files: dict[str, str]) -> None:
    building = root.with_name(f".{root.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    try:
        _bootstrap(suite, building, files)
        # Its age counts from now, whatever time its packages have.
        os.utime(building)
        building.rename(root)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _bootstrap(suite: str, root: Path, files: dict[str, str]) -> None:
    sources = machine.apt_sources(suite)
    argv = ["mmdebstrap", "--quiet", "--mode=root", "--format=directory", "--variant=minbase"]
    argv += [f"--include={','.join(PACKAGES)}"]
    argv += [f"--aptopt={line}" for line in machine.apt_settings()]
    argv += [suite, str(root)]
    lines = "".join(
        f"deb [signed-by={_KEYRING}] {uri} {name} {components}\n"
        for uri, name, components in sources
    )
    call(
        [*argv, "-"] if sources else argv,
        stdin=lines if sources else None,
        purpose=f"build the {suite} root file system",
        hint="check that this machine reaches its package archive: apt-get update",
    )
    own = set(machine.certificates((root / "etc/ssl/certs/ca-certificates.crt").read_text()))
    for name, text in files.items():
        # Only the authorities that Debian does not bring itself.
        if name.startswith(_CA_DIRECTORY) and text in own:
            continue
        write_file(root / name, text, 0o644)
    if sources:
        # They stand in debian.sources now, as on Debian's own images.
        (root / "etc/apt/sources.list").unlink()
    # A copy of this machine's; every host has its own.
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    run_in(root, "sh", "-c", CUSTOMIZE, purpose=f"set the {suite} root file system up")


def run_in(root: Path, *argv: str, purpose: str) -> str:
    """Run a program in a root file system that is not booted.

    Args:
        root: The directory.
        argv: The program, as seen from inside.
        purpose: What it is for, as it reads after "cannot".
    """
    # A mount namespace of its own: nothing stays mounted, however it ends.
    script = 'mount --bind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    namespaces = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return call(
        [*namespaces, "sh", "-c", script, str(root), *argv],
        purpose=purpose,
        env={"PATH": path, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
    )


def _prune(cache: Path, suite: str) -> None:
    """Remove older root file systems of a suite that nothing has mounted."""
    mounted = Path("/proc/self/mountinfo").read_text()
    for entry in cache.glob(f"*{suite}-*"):
        # A younger one may be about to be mounted.
        old = entry.is_dir() and entry.stat().st_mtime < time.time() - _MIN_AGE_S
        if old and str(entry) not in mounted:
            shutil.rmtree(entry, ignore_errors=True)
