"""What the tests of deploying do over and over."""

from __future__ import annotations

import itertools
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

from provisioning.agent.layout import BORROWED_PYTHON
from provisioning.lab import LabHost
from tests.e2e.listing import Listing, touched
from tests.e2e.project import Project, Result

RELEASE = re.compile(r"\b\d{8}T\d{6}\.\d{3}Z-(?:[0-9a-f]{7}|nocommit)\b")
NO_LIMIT = ('csp = "strict"\n', 'csp = "strict"\nrate_limit = "off"\n')

PATIENCE_S = 120
"""After which a test gives up; nothing is asserted about how long anything takes."""

_numbers = itertools.count(1)


def change_code(project: Project) -> None:
    """Change one file of the app, and commit it."""
    pages = project.app / "app" / "pages.py"
    pages.write_text(pages.read_text() + f"\n# Edition {next(_numbers)}.\n")
    project.commit("a change of the code only")


def deploy(project: Project, host: LabHost) -> str:
    """Deploy what is there, and return the release that is live now."""
    return live_release(project.fab("-H", host.name, "deploy").must_succeed())


def deploy_change(project: Project, host: LabHost) -> str:
    """Change the code and deploy it."""
    change_code(project)
    return deploy(project, host)


def rollback(project: Project, host: LabHost, *arguments: str) -> str:
    """Go back, and return the release that is live now."""
    return live_release(project.fab("-H", host.name, "rollback", *arguments).must_succeed())


def provision(project: Project, host: LabHost, *arguments: str) -> Result:
    return project.fab("-H", host.name, "provision", *arguments)


def live_release(result: Result) -> str:
    """Return the release of which a command says at its end that it is live."""
    found = re.search(rf"^hello ({RELEASE.pattern}) is live$", result.stdout, re.MULTILINE)
    assert found, result.output
    return found[1]


def lift_rate_limit(project: Project, host: LabHost) -> None:
    """Let a site answer as fast as it can."""
    project.configure(*NO_LIMIT)
    provision(project, host).must_succeed()


def live_on(host: LabHost) -> str:
    """Return the release that the pointer on the host leads to."""
    return host.shell("basename $(readlink /srv/hello/live.sock) .sock").strip()


def units(host: LabHost) -> list[str]:
    """Return the instances of the app that systemd knows of, in whatever state."""
    shown = host.shell("systemctl list-units --all --plain --no-legend 'hello@*.service'")
    return [line.split()[0] for line in shown.splitlines()]


def sockets(host: LabHost) -> list[str]:
    return host.shell("ls /run/homeport-sockets/hello").split()


def left_behind(host: LabHost) -> list[str]:
    """Return half-built things and temporary files below everything that Homeport writes."""
    roots = (
        "/srv /etc /opt/homeport /var/lib/homeport /var/lib/homeport-acme /run/homeport "
        f"{BORROWED_PYTHON}"
    )
    found = host.shell(
        f"for root in {roots}; do test ! -e $root || find $root -name '*.part' "
        "-o -name '*.homeport-new' -o -name '*.json.new' -o -name 'stage-*' "
        f"-o -path /run/homeport/units -o -path {BORROWED_PYTHON}; done",
        # Something may go while it is looked at.
        check=False,
    )
    # Packages of an app may call their own files so.
    return [path for path in found.split() if "/site-packages/" not in path]


def files_touched(before: Listing, after: Listing) -> dict[str, str]:
    """Return what differs, less the ctime of directories.

    A restored host's disk is layered: a directory of a lower layer gets another ctime when
    something below it is written for the first time. Names that come or go change its mtime.
    """
    differs = touched(_without_ctime(before), _without_ctime(after))
    return {path: f"{was} -> {now}" for path, (was, now) in differs.items()}


def _without_ctime(listing: Listing) -> Listing:
    def entry(text: str) -> str:
        fields = text.split(" ")
        return " ".join(fields[:6]) if fields[0] == "d" else text

    return {path: entry(text) for path, text in listing.items()}


def must_run_only(host: LabHost, release: str) -> None:
    """Fail the test unless a release is live and nothing else of the app is there."""
    unit = f"hello@{release}.service"
    found = {
        "live": live_on(host),
        "units": units(host),
        "state": host.run("systemctl", "is-active", unit, check=False).stdout.strip(),
        "sockets": sockets(host),
        "left behind": left_behind(host),
    }
    wanted = {
        "live": release,
        "units": [unit],
        "state": "active",
        "sockets": [f"{release}.sock"],
        "left behind": [],
    }
    wrong = {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}
    assert not wrong, f"found and wanted: {wrong}"


def only(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the one event of a kind."""
    found = [event for event in events if event["event"] == kind]
    assert len(found) == 1, events
    return found[0]


WATCHED_ROLE = '''
"""A service that says what it has loaded, behind a step that waits for us."""

from provisioning.resources import Command, File, Service, Unit

TEXT = "@TEXT@"
UNIT = """\\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/cp /etc/watched.conf /var/lib/watched.loaded
"""


def watched(host, facts):
    settings = File("/etc/watched.conf", TEXT + "\\n")
    unit = Unit("watched.service", UNIT)
    wait = "touch /run/at-the-step; while test -e /run/hold; do sleep 0.05; done"
    return [
        unit,
        settings,
        Command("wait-for-us", ("sh", "-c", wait), on=(settings,)),
        Service("watched", enabled=False, restart_on=(unit, settings)),
    ]
'''
"""A role that changes a file, then waits while /run/hold is there, then restarts a service."""


def add_watched_role(project: Project, text: str) -> None:
    """Have a role of the person's own on all hosts, with this text in its file."""
    roles = project.directory / "roles"
    roles.mkdir(exist_ok=True)
    (roles / "watched.py").write_text(WATCHED_ROLE.replace("@TEXT@", text))
    if "roles = " not in project.inventory.read_text():
        project.configure('groups = ["web"]\n', 'groups = ["web"]\nroles = ["watched"]\n')


def hold(host: LabHost) -> None:
    """Make the next run of the watched role wait at its step."""
    host.shell("rm -f /run/at-the-step; touch /run/hold")


def let_go(host: LabHost) -> None:
    host.shell("rm -f /run/hold")


def wait_until_held(host: LabHost, process: subprocess.Popen) -> None:
    """Return when a run has come to its step."""
    wait_for(lambda: host.run("test", "-e", "/run/at-the-step", check=False).returncode == 0,
             process)  # fmt: skip


MIGRATION_THAT_WAITS = """\
migrate = "sh -c 'touch instance/at-the-step; while test -e instance/hold; do sleep 0.05; done; \
echo printed && echo printed >> instance/migrated'"
"""


class Step:
    """The step at which deploys with that migration wait while they are held."""

    def __init__(self, host: LabHost) -> None:
        self._host = host
        self._folder = "/srv/hello/shared/instance"

    def hold(self) -> None:
        self._host.shell(
            f"cd {self._folder} && rm -f at-the-step && touch hold && chown hello: hold"
        )

    def is_reached(self) -> bool:
        reached = self._host.run("test", "-e", f"{self._folder}/at-the-step", check=False)
        return reached.returncode == 0

    def forget(self) -> None:
        """Have it not reached; who waits there stays."""
        self._host.shell(f"rm {self._folder}/at-the-step")

    def let_go(self) -> None:
        self._host.shell(f"rm -f {self._folder}/hold {self._folder}/at-the-step")


def wait_for(condition: Callable[[], bool], process: subprocess.Popen | None = None) -> None:
    """Return when something is so; fail if a command ends before, or it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if process is not None and process.poll() is not None:
            stdout, stderr = process.communicate()
            raise AssertionError(f"fab has ended with {process.returncode}:\n{stdout}{stderr}")
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def wait_until_python_is_given_back(host: LabHost) -> None:
    """Return when a bare host has taken away the Python that a run has borrowed: right after it."""
    wait_for(lambda: not host.path(BORROWED_PYTHON).exists())


def agents(host: LabHost) -> list[int]:
    """Return the ids, on the host, of the agents that run there."""
    shown = host.run("pgrep", "-f", "^/?[^ ]*python3[^ ]* -I -c ", check=False).stdout
    return [int(each) for each in shown.split()]


def kill_agents(host: LabHost) -> None:
    """Kill every agent on a host, as the kernel would when memory runs out."""
    found = agents(host)
    assert found
    host.run("kill", "-KILL", *(str(each) for each in found))


def cut_off(process: subprocess.Popen, host: LabHost, *, kills_agent: bool) -> None:
    """Kill a command here, or its agent if there is one; return when nothing of it is at work."""
    if kills_agent and agents(host):
        kill_agents(host)
        process.communicate(timeout=300)
    else:
        killed(process)
    # What it began on the host ends there by itself: see the lease.
    wait_for(lambda: not agents(host))


def killed(process: subprocess.Popen) -> None:
    """Kill a controller, without a chance to say goodbye."""
    process.kill()
    process.communicate()
