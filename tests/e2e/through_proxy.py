"""A project whose way to a host leads through the counting proxy."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from provisioning.lab import LabHost
from tests.e2e.project import Project
from tests.proxy import Proxy

HALF_A_ROUND_TRIP_S = 0.025
"""Long enough that what is sent in one go arrives before it is answered."""


@contextlib.contextmanager
def through_proxy(project: Project, host: LabHost) -> Iterator[Proxy]:
    """Lead `fab` of this project to one host through a proxy, which counts.

    The project sees the lab as it is, but for the host's entry in ssh_config.
    """
    link = project.directory / ".homeport" / "lab"
    lab = link.resolve()
    link.unlink()
    link.mkdir()
    for each in lab.iterdir():
        if each.name != "ssh_config":
            (link / each.name).symlink_to(each)
    try:
        with Proxy(*host.endpoint(22), delay_s=HALF_A_ROUND_TRIP_S) as proxy:
            text = _ssh_config(project.lab.ssh_config, host, proxy.port)
            (link / "ssh_config").write_text(text)
            yield proxy
    finally:
        shutil.rmtree(link)
        link.symlink_to(lab)


def _ssh_config(original: Path, host: LabHost, port: int) -> str:
    # Source: ssh_config(5): of each option the first value counts.
    block = f"Host {host.name}\n    HostName 127.0.0.1\n    Port {port}\n"
    return f"{block}    HostKeyAlias {host.name}\n\n{original.read_text()}"
