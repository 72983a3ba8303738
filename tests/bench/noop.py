"""A provision that changes nothing, beside `ssh host true` and pyinfra, over slow networks."""

from __future__ import annotations

import statistics
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.bench.table import Table
from tests.bench.timing import Ratio, Side, alternate, spend
from tests.e2e.project import FAB, Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.steps import provision
from tests.e2e.through_proxy import through_proxies

SSH, FABRIC, PYINFRA = "`ssh host true`", "`fab provision`, nothing to change", "pyinfra"

OPERATIONS = """\
from pyinfra.operations import apt, files, server, systemd

apt.packages(packages=["nginx"])
server.user(user="bench", home="/home/bench", shell="/usr/sbin/nologin")
systemd.service(service="nginx", running=True, enabled=True)
for number in range(9):
    files.directory(path=f"/srv/bench/{number}", user="root", mode="755")
for number in range(14):
    files.put(src="content.txt", dest=f"/srv/bench/file{number}", mode="644")
for number in range(4):
    files.link(path=f"/srv/bench/link{number}", target=f"/srv/bench/file{number}")
"""
"""30 of the kinds that a web server needs."""

HOSTS = """\
hosts = [("127.0.0.1", {{
    "ssh_port": {port}, "ssh_user": "root", "ssh_key": "{key}",
    "ssh_strict_host_key_checking": "no", "ssh_known_hosts_file": "/dev/null",
}})]
"""


def measure(lab: Lab, directory: Path, latencies_ms: list[int], rounds: int) -> Iterator[Table]:
    """Yield the table, for which a host is provisioned by both tools first."""
    project = Project.create(directory / "noop", lab)
    [host] = lab.up(["noop"], suite="trixie")
    try:
        lead_domains_to(lab, host)
        provision(project, host).must_succeed()
        pyinfra = _pyinfra(directory)
        table = Table(
            "A provision that changes nothing",
            ("round trip", "side", "seconds", "CPU here, seconds", f"times {SSH}", "CPU, times"),
        )
        for latency_ms in latencies_ms:
            with through_proxies(project, host, delay_s=latency_ms / 2000) as [proxy]:
                sides = _sides(project, host, pyinfra, proxy.port)
                spent = alternate(sides, rounds)
            base = spent[SSH]
            for name, runs in spent.items():
                table.add(
                    f"{latency_ms} ms",
                    name,
                    f"{statistics.median(each.seconds for each in runs):.2f}",
                    f"{statistics.median(each.cpu_s for each in runs):.2f}",
                    Ratio.of([each.seconds for each in runs], [each.seconds for each in base]),
                    Ratio.of([each.cpu_s for each in runs], [each.cpu_s for each in base]),
                )
        yield table
    finally:
        lab.remove(host.name)


def _sides(project: Project, host: LabHost, pyinfra: Path, port: int) -> dict[str, Side]:
    config = project.directory / ".homeport" / "lab" / "ssh_config"
    environ = project.environment()
    (pyinfra / "hosts.py").write_text(HOSTS.format(port=port, key=_key(project)))
    commands = {
        SSH: (["ssh", "-F", str(config), host.name, "true"], project.directory),
        FABRIC: ([str(FAB), "-H", host.name, "provision"], project.directory),
        PYINFRA + ", 30 operations, nothing to change": (
            [str(pyinfra / "bin" / "pyinfra"), "--yes", "hosts.py", "operations.py"],
            pyinfra,
        ),
    }
    return {
        name: lambda argv=argv, where=where: spend(argv, where, environ)
        for name, (argv, where) in commands.items()
    }


def _key(project: Project) -> str:
    for line in project.lab.ssh_config.read_text().splitlines():
        words = line.split(None, 1)
        if words and words[0].lower() == "identityfile":
            return words[1].strip('"')
    raise AssertionError("the lab's ssh_config names no key")


def _pyinfra(directory: Path) -> Path:
    """Return a folder with pyinfra in a virtualenv, and what it is to do."""
    folder = directory / "pyinfra"
    venv.create(folder, with_pip=True)
    spend(
        [str(folder / "bin" / "pip"), "install", "--quiet", "pyinfra"], folder, {"PATH": sys.prefix}
    )
    (folder / "operations.py").write_text(OPERATIONS)
    (folder / "content.txt").write_text("the same on all hosts\n" * 40)
    return folder
