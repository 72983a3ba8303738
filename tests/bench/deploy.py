"""A deploy of changed code and a rollback, beside the script that people write themselves."""

from __future__ import annotations

import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.bench.table import Table
from tests.bench.timing import UNWANTED, Ratio, Spent, alternate
from tests.e2e.project import FAB, Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import provision
from tests.e2e.through_proxy import through_proxies

SCRIPT, DEPLOY, ROLLBACK = "rsync, pip, restart", "`fab deploy`", "`fab rollback`"
IMPORTS_S = (1, 5)
"""Seconds that the app takes to be imported."""

PATIENCE_S = 120
LOOK_EVERY_S = 0.02
PORT = 8000

APP = """\
import time

from flask import Flask

time.sleep({seconds})
app = Flask(__name__)


@app.get("/")
def edition():
    return "edition {number}"
"""

INVENTORY = """\
[hosts.{host}]
user = "root"

[apps.hello]
source = "../examples/hello"
wsgi = "edition:app"
requirements = "requirements.txt"
domains = ["hello.lab"]
health = "/"
workers = 2

[tls]
method = "acme"
directory_url = "lab"
"""

UNIT = f"""\
[Service]
WorkingDirectory=/srv/plain/code
ExecStart=/srv/plain/venv/bin/gunicorn --workers 2 --bind 0.0.0.0:{PORT} edition:app
[Install]
WantedBy=multi-user.target
"""

PREPARE = f"""\
set -e
apt-get -q update >&2
DEBIAN_FRONTEND=noninteractive apt-get -q -y install rsync python3-venv >&2
mkdir -p /srv/plain/code
python3 -m venv /srv/plain/venv
/srv/plain/venv/bin/pip install --quiet gunicorn
cat > /etc/systemd/system/plain.service <<'END'
{UNIT}END
systemctl enable plain.service >&2
"""


def measure(lab: Lab, directory: Path, latencies_ms: list[int], rounds: int) -> Iterator[Table]:
    """Yield the table; the script has a host of its own."""
    project = Project.create(directory / "deploy", lab)
    ours, plain = lab.up(["ours", "plain"], suite="trixie")
    try:
        lead_domains_to(lab, ours)
        project.inventory.write_text(INVENTORY.format(host=ours.name))
        plain.shell(PREPARE)
        table = Table(
            "A deploy of changed code",
            ("import", "round trip", "side", "answers after, seconds", "ends after, seconds",
             f"answers, times {SCRIPT}", "ends, times"),
        )  # fmt: skip
        editions = Editions(project)
        editions.next()
        provision(project, ours).must_succeed()
        for seconds in IMPORTS_S:
            editions.import_s = seconds
            for latency_ms in latencies_ms:
                _compare(table, editions, ours, plain, latency_ms, rounds)
        yield table
    finally:
        lab.remove(ours.name)
        lab.remove(plain.name)


class Editions:
    """The app's code, each time another one.

    Args:
        project: Whose app it is.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.number, self.import_s = 0, 1

    def next(self) -> str:
        """Write the next edition; return what it answers."""
        self.number += 1
        text = APP.format(seconds=self.import_s, number=self.number)
        (self.project.app / "edition.py").write_text(text)
        self.project.commit(f"edition {self.number}")
        return f"edition {self.number}"


def _compare(
    table: Table, editions: Editions, ours: LabHost, plain: LabHost, latency_ms: int, rounds: int
) -> None:
    project = editions.project
    site = Site(project.lab, ours)
    before = editions.next()
    project.fab("-H", ours.name, "deploy").must_succeed()
    with through_proxies(project, ours, plain, delay_s=latency_ms / 2000):
        script = _script(project, plain)
        fab = (str(FAB), "-H", ours.name)

        def by_script() -> Spent:
            ran = _until(("sh", "-c", script), project, editions.next(), lambda: _plainly(plain))
            # It does not know whether the app came up: a person looks before going away.
            return replace(ran, seconds=max(ran.seconds, ran.answers_s or 0.0))

        def by_deploy() -> Spent:
            return _until((*fab, "deploy"), project, editions.next(), lambda: _body(site))

        def by_rollback() -> Spent:
            return _until((*fab, "rollback"), project, before, lambda: _body(site))

        sides = {SCRIPT: by_script, DEPLOY: by_deploy, ROLLBACK: by_rollback}
        spent = alternate(sides, rounds)
    base = spent[SCRIPT]
    for name, runs in spent.items():
        answers = [each.answers_s or 0.0 for each in runs]
        ends = [each.seconds for each in runs]
        table.add(
            f"{editions.import_s} s",
            f"{latency_ms} ms",
            name,
            f"{statistics.median(answers):.2f}",
            f"{statistics.median(ends):.2f}",
            Ratio.of(answers, [each.answers_s or 0.0 for each in base]),
            Ratio.of(ends, [each.seconds for each in base]),
        )


def _script(project: Project, plain: LabHost) -> str:
    """Return what somebody writes who has no tool: copy, install, restart."""
    ssh = f"ssh -F {project.directory / '.homeport' / 'lab' / 'ssh_config'}"
    there = "/srv/plain"
    return (
        f"rsync -a --delete --exclude .git -e '{ssh}' {project.app}/ {plain.name}:{there}/code/ && "
        f"{ssh} {plain.name} '{there}/venv/bin/pip install --quiet -r {there}/code/requirements.txt"
        " && systemctl restart plain'"
    )


def _until(argv: Sequence[str], project: Project, answer: str, ask: Callable[[], str]) -> Spent:
    """Run a command, and ask until the new release answers and the command has ended."""
    environ = {k: v for k, v in project.environment().items() if k not in UNWANTED}
    answers_s: float | None = None
    with (project.directory / ".bench-output").open("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=project.directory, env=environ, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output,
        )  # fmt: skip
        seconds: float | None = None
        while answers_s is None or seconds is None:
            if answers_s is None and ask() == answer:
                answers_s = time.monotonic() - began
            if seconds is None and process.poll() is not None:
                seconds = time.monotonic() - began
                output.seek(0)
                assert process.returncode == 0, f"{argv}\n{output.read()[-3000:]}"
            assert time.monotonic() < began + PATIENCE_S, f"{argv}: {answer} never answered"
            time.sleep(LOOK_EVERY_S)
    return Spent(seconds, 0.0, answers_s)


def _plainly(plain: LabHost) -> str:
    try:
        with urllib.request.urlopen(f"http://{plain.address}:{PORT}/", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        # It is being restarted: this is what visitors get meanwhile.
        return ""


def _body(site: Site) -> str:
    return site.get("/").body.decode(errors="replace")
