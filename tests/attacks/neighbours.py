"""Two apps on one host: `evil`, which attacks, and `victim`. Both are copies of the example."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioning.lab import Lab, LabHost
from tests.attacks.index import PackageIndex
from tests.attacks.packages import Package
from tests.e2e.project import FABFILE, FABRIC_YML, ROOT, Project, Result
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import RELEASE

APPS = ("evil", "victim")
DOMAINS = tuple(f"{app}.lab" for app in APPS)
SNAPSHOT = "neighbours"

APP = """\
[apps.@APP@]
source = "../examples/@APP@"
wsgi = "app:create_app()"
domains = ["@APP@.lab"]
hosts = ["@HOST@"]
static = { "/static/" = "app/static" }
shared = ["instance"]
migrate = "flask --app app init-db"
migrate_compatible = true
workers = 2
rate_limit = "off"
drain_timeout_s = 2

[apps.@APP@.secrets]
SECRET_KEY = { generate = 32 }

"""

TLS = """\
[tls]
method = "acme"
email = "ops@evil.lab"
directory_url = "lab"
"""

_numbers = itertools.count(1)


@dataclass
class Neighbours(Project):
    """A person's project with both apps, and the host that they run on.

    Args:
        host: The host.
        index: Where malicious packages are had from.
        deep: Whether an attack makes trees that the lab's own tidying up cannot walk.
    """

    host: LabHost = None  # type: ignore[assignment] - the parent's fields have defaults
    index: PackageIndex = None  # type: ignore[assignment]
    deep: bool = False

    @classmethod
    def make(cls, directory: Path, lab: Lab, suite: str, index: PackageIndex) -> Neighbours:
        """Write the project's folder; the host is not looked at."""
        for name, text in (("fabfile.py", FABFILE), ("fabric.yml", FABRIC_YML)):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text)
        ignore = shutil.ignore_patterns("__pycache__", "instance")
        for app in APPS:
            shutil.copytree(
                ROOT / "examples" / "hello", directory / "examples" / app, ignore=ignore
            )
        host = lab.hosts[f"{suite}-neighbours"]
        login = 'user = "root"\n'
        env = {}
        if suite == "trixie":
            env["LAB_SUDO_PASSWORD"] = lab.sudo_password
            login = 'user = "operator"\nsudo_password = { env = "LAB_SUDO_PASSWORD" }\n'
        (directory / "inventory").mkdir()
        (directory / "inventory" / "lab.toml").write_text(
            f"[hosts.{host.name}]\n{login}\n"
            + "".join(APP.replace("@APP@", app).replace("@HOST@", host.name) for app in APPS)
            + TLS
        )
        (directory / ".homeport").mkdir()
        (directory / ".homeport" / "lab").symlink_to(lab.ssh_config.parent)
        return cls(directory, lab, env, host=host, index=index)

    def source(self, app: str) -> Path:
        return self.directory / "examples" / app

    def change(self, app: str) -> None:
        """Change one file of an app."""
        pages = self.source(app) / "app" / "pages.py"
        pages.write_text(pages.read_text() + f"\n# Edition {next(_numbers)}.\n")

    def configure_app(self, app: str, lines: str, *, instead_of: str = "") -> None:
        """Add lines to an app's table, or put them in the place of others."""
        table = f"[apps.{app}]\n"
        before, found, rest = self.inventory.read_text().partition(table)
        assert found, app
        assert instead_of in rest, instead_of
        self.inventory.write_text(f"{before}{found}{lines}{rest.replace(instead_of, '', 1)}")

    def require(self, app: str, package: Package) -> None:
        """Have an app depend on a package of the index, hash and all."""
        listing = self.source(app) / "requirements.txt"
        original = (ROOT / "examples" / "hello" / "requirements.txt").read_text()
        line = self.index.requirement(package)
        listing.write_text(f"--extra-index-url {self.index.url}\n{line}{original}")

    def new_virtualenv(self, app: str) -> None:
        """Have an app's virtualenv built anew, of the same packages."""
        listing = self.source(app) / "requirements.txt"
        listing.write_text(f"{listing.read_text()}# Edition {next(_numbers)}.\n")

    def deploy(self, app: str, *, change: bool = True) -> Result:
        if change:
            self.change(app)
        return self.fab("-H", self.host.name, "deploy", "--app", app)

    def provision(self) -> Result:
        return self.fab("-H", self.host.name, "provision")

    def run(self, app: str, script: str, **settings: object) -> Result:
        """Run a script in the live release, as the app's user in the app's sandbox."""
        return self.fab(*self._run(app, script, settings))

    def start_run(self, app: str, script: str, **settings: object) -> subprocess.Popen:
        """Start such a script; it runs beside what the test does."""
        return self.start(*self._run(app, script, settings))

    def _run(self, app: str, script: str, settings: dict[str, object]) -> list[str]:
        text = Path(__file__).with_name("runs").joinpath(f"{script}.py").read_text()
        given = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        return ["-H", self.host.name, "run", app, "--", "python", "-c", given + text]

    def site(self, app: str) -> Site:
        return Site(self.lab, self.host, f"{app}.lab")

    def seen_release(self, app: str) -> str:
        """Return which release visitors of an app get."""
        answer = self.site(app).get("/healthz")
        assert answer.status == 200, answer
        release: str = json.loads(answer.body)["release"]
        return release

    def live(self, app: str) -> str:
        """Return the release that the pointer on the host leads to."""
        return self.host.shell(f"basename $(readlink /srv/{app}/live.sock) .sock").strip()

    def report(self) -> dict[str, Any]:
        """Return what the build step of evil's package in the live release has done."""
        text = self.host.shell(
            f"cat /srv/evil/releases/{self.live('evil')}/venv/lib/python3*/site-packages/"
            "evilpackage/report.json"
        )
        report: dict[str, Any] = json.loads(text)
        assert report["ran"]
        assert report["uid"] != 0, "root has built the package"
        assert "error" not in report, report["error"]
        return report


def release_of(result: Result, app: str) -> str:
    """Return the release of which a command says at its end that it is live."""
    found = re.search(rf"^{app} ({RELEASE.pattern}) is live$", result.stdout, re.MULTILINE)
    assert found, result.output
    return found[1]


def travel(project: Neighbours) -> None:
    """Take a bare host to both apps live, and save its state."""
    lead_domains_to(project.lab, project.host, DOMAINS)
    project.provision().must_succeed()
    for app in APPS:
        project.deploy(app).must_succeed()
    project.host.shell("id -u mallory || useradd --create-home --shell /bin/bash mallory")
    project.host.snapshot(SNAPSHOT)


def fell_deep_trees(host: LabHost) -> None:
    """Take away directories that are thousands deep; rm(1) is up to them."""
    host.shell("find / -xdev -type d -path '*/d/d/d/d' -prune -exec rm -rf {} +", check=False)


def trust_index(project: Neighbours) -> None:
    """Have a host take the index for one of its own, as a company's hosts do."""
    project.host.shell(
        f"mkdir -p /etc/uv && printf '\\n[[index]]\\nurl = \"{project.index.url}\"\\n' "
        ">> /etc/uv/uv.toml"
    )
