"""A person's own repository, with Homeport installed from its wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import ROOT, Result
from tests.e2e.site import Site

pytestmark = pytest.mark.lab

COMMANDS = (
    "provision", "deploy", "rollback", "releases", "init", "schema", "demo",
    "lab.up", "lab.down", "lab.status",
)  # fmt: skip

OWN_ROLE = '''\
"""A greeting for whoever logs in."""

from provisioning.resources import File


def greeting(host, facts):
    return [File("/etc/motd", f"This is {host.name} with Debian {facts.debian}.\\n")]
'''

OWN_PAGE = "templates/nginx/homeport/unavailable.html.j2"


@dataclass
class Repository:
    """A folder and the `fab` of a virtualenv that is nobody else's."""

    directory: Path
    program: Path

    def fab(self, *arguments: str) -> Result:
        # Nothing of this checkout may be found by accident.
        hidden = ("HOMEPORT", "PYTHON", "VIRTUAL_ENV")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.directory,
            env={**kept, "XDG_CACHE_HOME": str(self.directory.parent / "cache"), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def inventory(self) -> Path:
        return self.directory / "inventory" / "production.toml"

    def edit(self, old: str, new: str) -> None:
        text = self.inventory.read_text()
        assert old in text, text
        self.inventory.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def installed_fab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, and install it where nothing else is."""
    directory = tmp_path_factory.mktemp("installed")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    pip = (sys.executable, "-m", "pip", *quiet)
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", directory, ROOT], check=True)
    [wheel] = directory.glob("homeport-*.whl")
    venv = directory / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "python", "-m", "pip", *quiet, "install", wheel], check=True)
    return venv / "bin" / "fab"


@pytest.fixture
def repository(installed_fab: Path, tmp_path: Path) -> Repository:
    """Return a fresh repository of the example app, in git, initialised for Homeport."""
    directory = tmp_path / "hello"
    ignore = shutil.ignore_patterns("__pycache__", "instance")
    shutil.copytree(ROOT / "examples" / "hello", directory, ignore=ignore)
    made = Repository(directory, installed_fab)
    for arguments in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-qm", "the app"),
    ):
        subprocess.run(["git", "-C", directory, *arguments], check=True)
    made.fab("init").must_succeed()
    return made


def point_to(repository: Repository, lab: Lab, host: LabHost) -> None:
    """Correct the lines that `fab init` marks as the person's own."""
    repository.edit("[hosts.web1]", f"[hosts.{host.name}]")
    repository.edit('address = "203.0.113.10"', f'address = "{host.address}"')
    repository.edit('"hello.example.com"', '"hello.lab", "www.hello.lab"')
    repository.edit(
        'method = "acme"', f'method = "acme"\ndirectory_url = "{lab.acme.directory_url}"'
    )
    text = repository.inventory.read_text()
    repository.inventory.write_text(f'{text}\n[ssh]\nconfig_file = "{lab.ssh_config}"\n')


def test_init_writes_an_inventory_of_the_app_that_is_there(repository):
    assert tomllib.loads(repository.inventory.read_text())["apps"]["hello"]["wsgi"] == (
        "app:create_app()"
    )
    for name in ("fabfile.py", "fabric.yml", "inventory/example.toml", "inventory/schema.json"):
        assert (repository.directory / name).is_file()
    # A second time, nothing that is the person's own is lost.
    repository.inventory.write_text(repository.inventory.read_text() + "# mine\n")
    repository.fab("init").must_succeed()
    assert repository.inventory.read_text().endswith("# mine\n")


def test_list_explains_every_command_in_one_line(repository):
    shown = repository.fab("--list").must_succeed().stdout
    lines = [line for line in shown.splitlines() if line.startswith("  ")]
    # In 80 columns, which is what is written for where there is no terminal.
    explained = [re.fullmatch(r"  (\S+) +([A-Z].+\.)", line) for line in lines]
    assert all(explained), shown
    assert set(COMMANDS) <= {found[1] for found in explained if found}


def test_fab_init_is_there_before_any_fabfile(installed_fab, tmp_path):
    bare = Repository(tmp_path / "bare", installed_fab)
    bare.directory.mkdir()
    assert "init" in bare.fab("--list").must_succeed().stdout
    refused = bare.fab("provision")
    assert (refused.code, "fab init" in refused.output) == (2, True), refused.output
    bare.fab("init").must_succeed()
    assert (bare.directory / "fabfile.py").is_file()
    assert (bare.directory / "fabric.yml").is_file()


def test_help_explains_every_flag_of_provision(repository):
    shown = repository.fab("--help", "provision").must_succeed().stdout
    assert "Bring hosts to their desired state" in shown
    for flag in ("check", "diff", "env", "exit-code", "json", "limit", "accept-new-host-keys"):
        assert re.search(rf"--{flag}(=STRING)?\s+\S+ \S+", shown), f"{flag}: {shown}"


def test_an_own_role_and_an_own_template_reach_the_host(repository, provisioned_host, lab):
    host = provisioned_host("bookworm")
    point_to(repository, lab, host)
    (repository.directory / "roles").mkdir()
    (repository.directory / "roles" / "greeting.py").write_text(OWN_ROLE)
    repository.edit('user = "root"', 'roles = ["greeting"]\nuser = "root"')
    own_page = repository.directory / OWN_PAGE
    own_page.parent.mkdir(parents=True)
    own_page.write_text("<!-- {{ owned }} --><style>p { color: navy }</style><p>Ours, soon.</p>\n")

    # As if an earlier Homeport had set it up: that did not write down for whom.
    host.shell("rm /var/lib/homeport/owned.json")
    refused = repository.fab("provision", "--check")
    assert (refused.code, "/etc/motd" in refused.output) == (1, True), refused.output
    mine = ("--adopt", "/etc/motd")
    check = repository.fab("provision", "--check", "--exit-code", "--json", *mine)
    assert check.code == 5, check.output
    predicted = check.changed(host.name)
    assert {"file:/etc/motd", "file-set:nginx", "service:nginx"} <= set(predicted)
    assert not any(each.startswith(("packages:", "certificate:")) for each in predicted)

    provision = repository.fab("provision", "--json", *mine).must_succeed()
    assert provision.changed(host.name) == predicted
    assert host.path("/etc/motd").read_text() == f"This is {host.name} with Debian 12.\n"
    unavailable = Site(lab, host).get("/")
    assert (unavailable.status, b"Ours, soon." in unavailable.body) == (503, True)

    deployed = repository.fab("deploy").must_succeed()
    page = Site(lab, host).get("/")
    assert page.status == 200
    release = re.search(r"hello (\S+) is live", deployed.stdout)
    assert release, deployed.output
    assert release[1].encode() in page.body
    assert release[1] in repository.fab("releases").must_succeed().stdout
    assert repository.fab("provision", "--json").must_succeed().changed(host.name) == []
