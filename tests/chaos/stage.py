"""One host under steady load, on which one command after the other is disturbed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.lab import LabHost
from tests.chaos.crowd import Crowd, Outage, crowd
from tests.chaos.moments import Moments, make_agent
from tests.chaos.scene import Scene
from tests.e2e.project import Project, Result
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import NO_LIMIT
from tests.grid.asgi import add_asgi
from tests.grid.rows import Row, use

ANSWERS_WITHIN_S = 60

TIMERS = "[apps.hello.timers]\n"
PROCESS = """[apps.hello.processes]
worker = { run = "sleep infinity", settle_s = 1 }

"""


@dataclass
class Stage:
    """A host on which the example app is live, and what is needed to disturb it.

    Args:
        scene: The scene.
        project: Where commands are given.
        host: The host.
        crowd: Its visitors.
        outages: When it was gone, so far.
        edition: Of the app that was made last.
    """

    scene: Scene
    project: Project
    host: LabHost
    crowd: Crowd = field(init=False)
    outages: list[Outage] = field(default_factory=list)
    edition: int = 0

    @property
    def moments(self) -> Moments:
        """The moments of runs on the host."""
        return Moments(self.host)

    def fab(self, *arguments: str) -> Result:
        """Run a command for the host to its end."""
        return self.project.fab("-H", self.host.name, *arguments)

    def mend(self) -> None:
        """Have the host as it should be after something went wrong, for what follows."""
        self.host.boot()
        for command in ("provision", "deploy"):
            self.fab(command)

    def make_edition(self) -> int:
        """Change the app: its code, a static file, and what it requires; return the number."""
        self.edition += 1
        text = f"Edition {self.edition:06d}"
        app = self.project.app
        _end_with(app / "app" / "pages.py", f"# {text}\n")
        _end_with(app / "app" / "static" / "style.css", f"/* {text} */\n")
        # A comment, but another virtualenv all the same.
        _end_with(app / "requirements.txt", f"# {text}\n")
        self.project.commit(text)
        return self.edition

    def live_edition(self) -> int:
        """Return the edition that is live, by its code on the host; 0 if none is."""
        code = self.host.shell("cat /srv/hello/current/code/app/pages.py || true")
        found = re.search(r"^# Edition (\d+)$", code, re.MULTILINE)
        return int(found[1]) if found else 0

    def wait_for_site(self) -> str:
        """Return what is wrong with the site; "" as soon as it answers."""
        deadline = time.monotonic() + ANSWERS_WITHIN_S
        site = Site(self.scene.lab, self.host)
        while True:
            try:
                answer = site.get("/healthz")
                wrong = "" if answer.status == 200 else f"the site answers {answer.status}"
            except OSError as error:
                wrong = f"the site does not answer: {error}"
            if not wrong or time.monotonic() > deadline:
                return wrong
            time.sleep(0.02)

    def failures(self, since: float, *, reloads: bool) -> tuple[list[str], int]:
        """Return the requests that failed after a time, and how many could not but fail.

        Args:
            since: By time.monotonic().
            reloads: Whether nginx was given another configuration. It closes kept connections
                then, and a POST that is on its way in one of them must not be repeated.
        """
        all_ = self.crowd.failures(since)
        bad = [
            each.why
            for each in all_
            if not (reloads and each.on_kept)
            and not any(each.began <= until and each.ended >= from_
                        for from_, until in self.outages)
        ]  # fmt: skip
        return bad, len(all_) - len(bad)


@contextmanager
def stage(
    scene: Scene,
    suite: str,
    *,
    name: str = "chaos",
    disk_size_mb: int | None = None,
    row: Row | None = None,
) -> Iterator[Stage]:
    """Have a host with the example app live and visitors on it for the length of a block.

    Args:
        scene: The scene.
        suite: The host's Debian.
        name: The host's name begins with it.
        disk_size_mb: The size of its disk; None for no bound.
        row: What runs the app; None for what does if nothing is said.
    """
    scene.say(f"a host with Debian's {suite}, provisioned and deployed to, with visitors")
    name = f"{name}-{suite}"
    directory = scene.directory / name
    project = Project.create(directory / "project", scene.lab)
    project.program = make_agent(directory)
    project.configure(*NO_LIMIT)
    # A process is a part of a release: it must come to the same end.
    project.configure(TIMERS, PROCESS + TIMERS)
    if row is not None:
        add_asgi(project)
        use(row, project)
    host = scene.lab.up([name], suite=suite, disk_size_mb=disk_size_mb)[0]
    lead_domains_to(scene.lab, host)
    try:
        project.fab("-H", name, "provision").must_succeed()
        made = Stage(scene, project, host)
        for _ in range(2):
            made.make_edition()
            made.fab("deploy").must_succeed()
        with crowd(scene.lab, host) as visitors:
            made.crowd = visitors
            yield made
    finally:
        host.power_cut()


_END = re.compile(r"[^\n]*Edition \d{6}[^\n]*\n\Z")


def _end_with(path: Path, line: str) -> None:
    """Have a file end with a line that is always as long."""
    path.write_text(_END.sub("", path.read_text()) + line)
