"""Which hosts a build may reach: the package index, and what its lock file names."""

from __future__ import annotations

import re
from typing import Iterable, List, Set

from provisioning.agent.machine.system import System

PYPI = ("pypi.org:443", "files.pythonhosted.org:443")
"""The default index of uv and pip, and the host of its files."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle: uv has its own, which lacks a company's authority."""

CONFIGURATIONS = ("/etc/uv/uv.toml", "/etc/pip.conf")
"""Where an operator names another index for a host. Source: uv's and pip's documentation."""

_URL = re.compile(
    r"\b(?:git\+|hg\+|svn\+|bzr\+)?(https?)://(?:[^/@\s\"']*@)?"
    r"(\[[0-9A-Fa-f:.]+\]|[^/:\s\"'\[]+)(?::(\d+))?"
)
_REPLACED = re.compile(
    r"^\s*(?:--index-url|-i|index-url|(?:--)?default-index)[\s=]"
    r"|(?:^|[{,])\s*default\s*=\s*true"
    r"|--no-index|^\s*no-index\s*=\s*(?:true|yes|on|1)\b",
    re.MULTILINE,
)
"""Settings that replace PyPI by another index. Source: pip's and uv's options and settings."""


def replaces_index(texts: Iterable[str]) -> bool:
    """Return whether one of the texts names another default index than PyPI."""
    return any(_REPLACED.search(text) for text in texts)


def configurations(system: System) -> List[str]:
    """Return what the host's own configurations of uv and pip say."""
    return [system.read(path).decode(errors="replace") for path in CONFIGURATIONS]


def reachable_hosts(system: System, texts: Iterable[str], named: Iterable[str]) -> List[str]:
    """Return the hosts that a build may reach, as "name:port".

    Args:
        system: The machine, whose configurations may name another index.
        texts: Lock files, and what they include.
        named: "name" or "name:port" of others; without a port it is that of HTTPS.
    """
    others = [(each if ":" in each else f"{each}:443").lower() for each in named]
    return [*allowed_hosts([*texts, *configurations(system)]), *others]


def allowed_hosts(texts: Iterable[str], *, is_locked: bool = False) -> List[str]:
    """Return the hosts that a build may reach, as "name:port".

    Args:
        texts: The lock file, what it includes, and the host's own configurations.
        is_locked: The lock file names each file's place, so that no other index is needed.
    """
    found: Set[str] = set()
    is_replaced = is_locked
    for text in texts:
        is_replaced = is_replaced or bool(_REPLACED.search(text))
        for scheme, name, port in _URL.findall(text):
            found.add(f"{name.lower()}:{port or (443 if scheme == 'https' else 80)}")
    # `pipenv requirements` names PyPI itself, whose files are on another host.
    is_pypi = not is_replaced or PYPI[0] in found
    return sorted(found | set(PYPI) if is_pypi else found)
