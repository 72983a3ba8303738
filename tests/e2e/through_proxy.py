"""A project whose way to a host leads through the counting proxy."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from provisioning.lab import LabHost
from tests.e2e.project import Project
from tests.proxy import Proxy

HALF_A_ROUND_TRIP_S = 0.025
"""Long enough that what is sent in one go arrives before it is answered."""


@contextlib.contextmanager
def through_proxy(project: Project, host: LabHost) -> Iterator[Proxy]:
    """Lead `fab` of this project to one host through a proxy, which counts."""
    with through_proxies(project, host, delay_s=HALF_A_ROUND_TRIP_S) as [proxy]:
        yield proxy


@contextlib.contextmanager
def through_proxies(
    project: Project, *hosts: LabHost, delay_s: float
) -> Iterator[tuple[Proxy, ...]]:
    """Lead `fab` of this project to hosts through a proxy for each.

    The project sees the lab as it is, but for the hosts' entries in ssh_config.

    Args:
        project: Whose `fab` it is.
        hosts: Where the ways lead.
        delay_s: Half a round trip, in seconds.
    """
    link = project.directory / ".homeport" / "lab"
    lab = link.resolve()
    link.unlink()
    link.mkdir()
    for each in lab.iterdir():
        if each.name != "ssh_config":
            (link / each.name).symlink_to(each)
    try:
        with contextlib.ExitStack() as stack:
            proxies = tuple(
                stack.enter_context(Proxy(*host.endpoint(22), delay_s=delay_s)) for host in hosts
            )
            entries = [_entry(host, proxy.port) for host, proxy in zip(hosts, proxies, strict=True)]
            # Source: ssh_config(5): of each option the first value counts.
            text = "".join(entries) + project.lab.ssh_config.read_text()
            (link / "ssh_config").write_text(text)
            yield proxies
    finally:
        shutil.rmtree(link)
        link.symlink_to(lab)


def _entry(host: LabHost, port: int) -> str:
    block = f"Host {host.name}\n    HostName 127.0.0.1\n    Port {port}\n"
    return f"{block}    HostKeyAlias {host.name}\n\n"
