"""`fab lab.up`, `fab lab.down`, `fab lab.status`, `fab demo`: throwaway hosts to try it on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.cli.context import LAB, LAB_DIRECTORY, project_directory
from provisioning.cli.options import Options
from provisioning.commands.deploy import deploy
from provisioning.commands.provision import provision
from provisioning.errors import ConfigurationError
from provisioning.inventory import environments
from provisioning.report import make_sink

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.lab import Lab
    from provisioning.report import Sink


def lab_up(*, hosts: int, suite: str, json: bool) -> int:
    """Start bare hosts web1, web2, ... and a certificate authority.

    Returns:
        The exit code.
    """
    if not 1 <= hosts <= 50:
        raise ConfigurationError(f"--hosts {hosts}: the lab has 1 to 50 hosts")
    sink = make_sink(json=json, diff=False, check=False)
    lab = _up([f"web{number}" for number in range(1, hosts + 1)], suite, sink)
    _show(lab, sink)
    if LAB not in environments(project_directory()):
        sink.note(
            f"there is no inventory/{LAB}.toml yet: copy inventory/production.toml to it, call "
            'its host web1, and set directory_url = "lab" in its [tls]'
        )
    sink.note("next: fab -H web1 provision --env lab, fab deploy --env lab, fab lab.down")
    return 0


def lab_down(*, json: bool) -> int:
    """Stop the lab's hosts and remove whatever they left.

    Returns:
        The exit code.
    """
    from provisioning.lab import Lab

    sink = make_sink(json=json, diff=False, check=False)
    lab = Lab.find(_directory())
    if lab is None:
        sink.note("the lab is not up")
        return 0
    lab.down()
    sink.note("the lab is removed")
    return 0


def lab_status(*, json: bool) -> int:
    """Show the lab's hosts.

    Returns:
        The exit code.
    """
    from provisioning.lab import Lab

    sink = make_sink(json=json, diff=False, check=False)
    lab = Lab.find(_directory())
    if lab is None:
        sink.note("the lab is not up; fab lab.up starts it")
        return 0
    _show(lab, sink)
    return 0


def demo(*, json: bool = False) -> int:
    """Take a bare host of the lab to the example app over HTTPS, and leave it running.

    Returns:
        The exit code.
    """
    sink = make_sink(json=json, diff=False, check=False)
    sink.note("starting a bare Debian host on this machine (the first time takes a minute)")
    lab = _up(["web1"], "bookworm", sink)
    for step in (provision, deploy):
        code = step(Options(env=LAB, json=json, hosts=("web1",)))
        if code:
            return code
    _show_how_to_go_on(lab, sink)
    return 0


def _show_how_to_go_on(lab: Lab, sink: Sink) -> None:
    host = lab.hosts["web1"]
    root = lab.ssh_config.parent / "root.pem"
    root.write_bytes(lab.acme.root_certificate)
    # As short as can be: a command that takes two lines cannot be copied as one.
    authority, config = (os.path.relpath(path) for path in (root, lab.ssh_config))
    sink.table(
        "The app is up: https://hello.lab/",
        ("to", "do"),
        [
            ("see it", f"curl --cacert {authority} --resolve hello.lab:443:{host.address} "
                       "https://hello.lab/"),
            ("see it in a browser", f"add `{host.address} hello.lab` to /etc/hosts"),
            ("change and deploy", "edit examples/hello, then: fab deploy --env lab"),
            ("go back", "fab rollback --env lab"),
            ("see what is there", "fab releases --env lab"),
            ("see that nothing changes", "fab -H web1 provision --env lab"),
            ("log in", f"ssh -F {config} web1"),
            ("end", "fab lab.down"),
        ],
    )  # fmt: skip


def _directory() -> Path:
    return project_directory() / LAB_DIRECTORY


def _up(names: Sequence[str], suite: str, sink: Sink) -> Lab:
    from provisioning.inventory import load
    from provisioning.lab import Lab

    lab = Lab.create(_directory(), say=sink.note)
    lab.up(names, suite=suite)
    with contextlib.suppress(ConfigurationError):
        for app in load(project_directory(), LAB).apps.values():
            for domain in app.names:
                lab.set_domain(domain, names[0])
    return lab


def _show(lab: Lab, sink: Sink) -> None:
    rows = [
        (row.name, row.suite, row.address, row.state, f"{row.uptime_s:.0f} s" if row.uptime_s
         else "", f"{row.memory_bytes / 2**20:.0f} MB")
        for row in lab.status()
    ]  # fmt: skip
    sink.table("Lab", ("host", "debian", "address", "state", "up", "memory"), rows)
