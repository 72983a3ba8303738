"""This machine: the programs that a lab needs, package sources, and trusted authorities."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

from provisioning.lab.processes import call

# Program -> the Debian package that brings it.
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh": "openssh-client",
    "openssl": "openssl",
    "pebble": "pebble",
    "pebble-challtestsrv": "pebble",
}
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_CONF = Path("/etc/pip.conf")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----", re.DOTALL)
# Settings of apt that tell how to reach an archive, and when to believe it.
_APT_SETTINGS = re.compile(
    r'^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv4|https?::[\w:.-]+) "[^"]+";$'
)
_PIP_SETTINGS = ("cert", "index-url", "extra-index-url", "trusted-host")


def os_release() -> dict[str, str]:
    """Return /etc/os-release as a dict; empty where there is none."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def missing_packages() -> list[str]:
    """Return the Debian packages that a lab needs and this machine lacks."""
    return sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})


def install_programs(say: Callable[[str], None]) -> None:
    """Install the programs that are missing, saying so before.

    Args:
        say: Told in one line what is about to be installed.

    Raises:
        HomeportError: apt failed.
    """
    missing = missing_packages()
    if not missing:
        return
    say(f"installing {', '.join(missing)} on this machine with apt-get")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    purpose = "install what the lab needs"
    call(["apt-get", "update", "-q"], purpose=purpose, env=env)
    argv = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
    call(argv, purpose=purpose, env=env)


def apt_sources(suite: str) -> list[tuple[str, str, str]]:
    """Return the machine's own Debian sources, turned to another suite.

    Args:
        suite: A Debian codename.

    Returns:
        URI, suite and components of each; empty where the machine is no
        Debian or names no suite by codename.
    """
    release = os_release()
    own = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not own:
        return []
    template = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    lines = call(
        ["apt-get", "indextargets", "--format", template, "Created-By: Packages"],
        purpose="read this machine's package sources",
    ).splitlines()
    components: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        uri, name, component = line.split("|")
        if name in (own, f"{own}-updates", f"{own}-security"):
            known = components.setdefault((uri, suite + name.removeprefix(own)), [])
            if component not in known:
                known.append(component)
    return [(uri, name, " ".join(parts)) for (uri, name), parts in components.items()]


def apt_settings() -> list[str]:
    """Return the lines of this machine's apt configuration that a host needs too."""
    if not shutil.which("apt-config"):
        return []
    dump = call(["apt-config", "dump"], purpose="read this machine's apt configuration")
    return [line for line in dump.splitlines() if _APT_SETTINGS.match(line)]


def pip_settings() -> dict[str, str]:
    """Return how pip reaches the package index on this machine; empty for the usual way."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(_PIP_CONF)
    except ConfigParserError:
        return {}
    section = parser["global"] if parser.has_section("global") else {}
    return {key: section[key] for key in _PIP_SETTINGS if key in section}


def certificates(bundle: str) -> list[str]:
    """Return the PEM certificates of a bundle, each ending with a newline."""
    return [found + "\n" for found in _CERTIFICATE.findall(bundle)]


def trusted_certificates() -> list[str]:
    """Return all certificate authorities that this machine trusts."""
    return certificates(CA_BUNDLE.read_text()) if CA_BUNDLE.is_file() else []
