"""Whether this host's nginx serves other sites, and where Homeport's sites could be added."""

from __future__ import annotations

import os
from typing import Tuple

from provisioning.agent.errors import AgentError
from provisioning.agent.machine import dpkg
from provisioning.agent.machine.system import System
from provisioning.agent.nginx.conf import ENTRIES, MAIN, ROOT, Configuration, is_ours

NOWHERE = "nowhere"
"""Instead of a file: nginx.conf belongs to others and includes no suitable directory."""

OURS = b"include /etc/nginx/sites-tls/*.conf;"
"""What nginx.conf says by a person's own template of ours, whatever its first line is."""

BROTLI, BROTLI_PACKAGE = "ngx_http_brotli_static_module", "libnginx-mod-http-brotli-static"
"""A module's name, in the file that nginx loads, and Debian's package of it. Source: the package's
list of files."""

DEFAULT_PAGE = "index.nginx-debian.html"
_DEFAULT = (f"{ROOT}/sites-available/default", "../sites-available/default")


def nginx_facts(system: System) -> Tuple[str, str]:
    """Return `Facts.nginx_beside` and `Facts.nginx_taken`."""
    try:
        main = system.read(MAIN)
        if not main or is_ours(main) or OURS in main:
            return "", ""
        if _is_debians(system, MAIN) and not _serves(system):
            return "", ""
    except (AgentError, OSError):
        return NOWHERE, ""
    found = Configuration(system)
    taken = {
        listen.socket
        for server in found.servers
        if server.protocol == "http"
        for listen in server.listens
        if not listen.address
    }
    entry = os.path.relpath(found.entries[-1], ROOT) if found.entries else NOWHERE
    return entry, " ".join(sorted(taken))


def loads_brotli(system: System) -> bool:
    """Return whether nginx loads the module for brotli: whoever keeps the host has installed it.

    Homeport installs none. A configuration that needs the module keeps nginx from starting while
    the module is gone, also in the middle of an installation of nginx itself.
    """
    is_there = BROTLI_PACKAGE in system.packages()
    return is_there and any(BROTLI in each for each in Configuration(system).modules)


def _serves(system: System) -> bool:
    """Return whether an nginx.conf of Debian's reads what neither Debian nor Homeport wrote."""
    folders = [f"{ROOT}/conf.d", f"{ROOT}/sites-enabled"]
    paths = [os.path.join(folder, name) for folder in folders for name in system.list(folder)]
    return any(_is_anothers(system, path) for path in paths)


def _is_anothers(system: System, path: str) -> bool:
    folder, name = os.path.split(path)
    if name.startswith(".") or path in ENTRIES:
        return False
    if os.path.basename(folder) == "conf.d" and not name.endswith(".conf"):
        return False
    found = system.stat(path)
    if found is not None and found.target in _DEFAULT and _is_debians(system, _DEFAULT[0]):
        # "Welcome to nginx!" is nobody's site.
        return any(each != DEFAULT_PAGE for each in system.list("/var/www/html"))
    return not is_ours(system.read(path))


def _is_debians(system: System, path: str) -> bool:
    """Return whether a file is as Debian's package has it. Source: deb-conffiles(5).

    The package of nginx.org has other files of these names, with no folder of sites.
    """
    if path == MAIN and b"include /etc/nginx/sites-enabled/*;" not in system.read(path):
        return False
    return dpkg.is_as_packaged(system, path)
