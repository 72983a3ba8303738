"""A canary in every kind of secret: it is seen by the app, and nowhere else."""

from __future__ import annotations

import base64
import json
import re
import secrets
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project, Result
from tests.e2e.steps import change_code, deploy, must_run_only
from tests.e2e.watching import command_lines

pytestmark = pytest.mark.lab

SPILL = """
import os, sys
print("SPILL", dict(os.environ), file=sys.stderr, flush=True)
raise RuntimeError("SPILL " + " ".join(os.environ.values()))
"""


@dataclass
class Canaries:
    """Name -> value of all secrets, and what has been printed so far."""

    values: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def new(self, name: str) -> str:
        self.values[name] = f"canary-{name}-{secrets.token_hex(8)}"
        return self.values[name]

    def heard(self, result: Result) -> Result:
        self.printed.append(result.output)
        return result

    def found_in(self, text: str) -> list[str]:
        """Return the names of those that a text holds, as they are or in base64."""
        return [
            name
            for name, value in self.values.items()
            if value in text or base64.b64encode(value.encode()).decode().rstrip("=") in text
        ]


def _key_pair(directory: Path) -> tuple[Path, Path]:
    """Make a certificate for the site; return its path and its key's."""
    chain, key = directory / "chain.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=hello.lab", "-keyout", key, "-out", chain,
         "-addext", "subjectAltName=DNS:hello.lab,DNS:www.hello.lab"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return chain, key


def _project_with(canaries: Canaries, project: Project, lab: Lab, vault: Path) -> Project:
    """Give a project every kind of secret there is."""
    vault.mkdir(mode=0o700)
    (vault / "command").write_text(canaries.new("command") + "\n")
    (vault / "file").write_text(canaries.new("file") + "\n")
    project.env["HELLO_CANARY"] = canaries.new("env")
    project.env["LAB_SUDO_PASSWORD"] = canaries.values["sudo password"] = lab.sudo_password
    chain, key = _key_pair(vault)
    canaries.values["tls key"] = key.read_text().splitlines()[1]
    project.configure(
        "[apps.hello.secrets]\n",
        "[apps.hello.secrets]\n"
        'FROM_ENV = { env = "HELLO_CANARY" }\n'
        f'FROM_COMMAND = {{ command = "cat {vault}/command" }}\n'
        f'FROM_FILE = {{ file = "{vault}/file" }}\n',
    )
    project.configure(
        'user = "root"\n',
        'user = "operator"\nsudo_password = { env = "LAB_SUDO_PASSWORD" }\n',
    )
    text = project.inventory.read_text()
    tls = f'[tls]\nmethod = "files"\ncertificate = "{chain}"\nkey = "{key}"\n'
    project.inventory.write_text(text[: text.index("[tls]")] + tls)
    return project


def test_a_secret_is_seen_by_the_app_and_nowhere_else(
    lab: Lab, project: Project, provisioned_host, tmp_path: Path
):
    host = provisioned_host()
    canaries = Canaries()
    vault = tmp_path / "vault"
    _project_with(canaries, project, lab, vault)
    before = {path.name for path in Path(tempfile.gettempdir()).glob("homeport-*")}

    def fab(*arguments: str) -> Result:
        return canaries.heard(project.fab("-H", host.name, *arguments))

    with command_lines(lambda: dict(canaries.values)) as shown:
        fab("provision", "--check", "--diff").must_succeed()
        fab("provision", "--diff", "--json").must_succeed()
        fab("provision", "--diff").must_succeed()
        live = re.search(r"hello (\S+) is live", fab("deploy").must_succeed().stdout)
        assert live
        must_run_only(host, live[1])
        made = json.loads(host.shell("cat /srv/hello/secrets.json"))
        canaries.values["generate"] = made["SECRET_KEY"]
        fab("deploy", "--json").must_succeed()
        fab("rollback", "--json").must_succeed()
        fab("releases").must_succeed()
        # An app that spills its whole environment while it is imported.
        init = project.app / "app" / "__init__.py"
        good = init.read_text()
        init.write_text(good + SPILL)
        project.commit("spill")
        for arguments in (["deploy"], ["deploy", "--json"]):
            spilled = fab(*arguments)
            assert spilled.code == 4
            assert "SPILL" in spilled.output
            assert "***" in spilled.output
        # Errors in our own code have tracebacks for whoever asks.
        project.env["HOMEPORT_DEBUG"] = "1"
        roles = project.directory / "roles"
        roles.mkdir()
        (roles / "broken.py").write_text(
            "import os\n\n\ndef broken(host, facts):\n    raise RuntimeError(str(os.environ))\n"
        )
        project.configure('groups = ["web"]\n', 'groups = ["web"]\nroles = ["broken"]\n')
        assert fab("provision").code != 0
        del project.env["HOMEPORT_DEBUG"]
        assert fab("provision").code != 0
    assert set(shown) == set()
    assert set(canaries.values) == {
        "env", "command", "file", "generate", "sudo password", "tls key",
    }  # fmt: skip
    for text in canaries.printed:
        assert canaries.found_in(text) == [], text[-3000:]
    # The app has them, and the host keeps them where others cannot look.
    environment = host.shell("cat /srv/hello/current/env")
    assert {"env", "command", "file", "generate"} <= set(canaries.found_in(environment))
    assert _readable_by_anybody(host, canaries) == []
    assert canaries.found_in(host.shell("journalctl --no-pager --all")) == []
    assert _in_logs(host, canaries) == []
    assert _on_controller(project, canaries, vault, before) == []
    # What a release prints once it runs is in the journal, and shown with its secrets masked.
    init.write_text(good.replace(
        "def create_app(", f"import sys\nif 'gunicorn' in sys.argv[0]:\n    exec({SPILL!r})\n\n\n"
        "def create_app("))  # fmt: skip
    project.inventory.write_text(project.inventory.read_text().replace('roles = ["broken"]\n', ""))
    project.commit("spill at the start")
    spilled = fab("deploy")
    assert spilled.code == 4
    assert "SPILL" in spilled.output
    assert canaries.found_in(spilled.output) == []


def _readable_by_anybody(host: LabHost, canaries: Canaries) -> list[str]:
    """Return the files of a host in which a user without any rights finds a secret."""
    patterns = "\n".join(canaries.values.values()) + "\n"
    found = host.run(
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
        "grep", "--recursive", "--files-with-matches", "--no-messages", "--fixed-strings",
        "--devices=skip", "--file=-", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp",
        "/usr/local", "/var", "/boot",
        input=patterns, check=False,
    )  # fmt: skip
    assert found.returncode in (1, 2), found.stdout + found.stderr
    return found.stdout.split()


def _in_logs(host: LabHost, canaries: Canaries) -> list[str]:
    """Return the logs of a host that hold a secret, whoever may read them."""
    patterns = "\n".join(canaries.values.values()) + "\n"
    found = host.run(
        "grep", "--recursive", "--files-with-matches", "--no-messages", "--fixed-strings",
        "--file=-", "/var/log", "/run/homeport", "/var/lib/homeport",
        input=patterns, check=False,
    )  # fmt: skip
    return found.stdout.split()


def _on_controller(
    project: Project, canaries: Canaries, vault: Path, before: set[str]
) -> list[str]:
    """Return files that a run left on this machine and that hold a secret."""
    temporary = [
        path for path in Path(tempfile.gettempdir()).glob("homeport-*") if path.name not in before
    ]
    written = [path for path in project.directory.rglob("*") if ".homeport" not in path.parts]
    found = []
    for path in [*temporary, *written]:
        if path.is_file() and not path.is_relative_to(vault):
            text = path.read_text(errors="replace")
            if canaries.found_in(text):
                found.append(str(path))
            if path in temporary:
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    return found


def test_a_generated_secret_is_made_once_for_all_hosts_and_kept(
    lab: Lab, project: Project, provisioned_host, tmp_path: Path
):
    first, second = provisioned_host("bookworm"), provisioned_host("trixie")
    deploy(project, first)
    made = _generated(first)
    assert len(made["SECRET_KEY"]) >= 32
    change_code(project)
    deploy(project, first)
    assert _generated(first) == made
    # Another machine, which has never heard of it, brings a second host.
    other = Project.create(tmp_path / "other", lab)
    assert not (other.directory / ".cache").exists()
    other.fab("-H", f"{first.name},{second.name}", "deploy").must_succeed()
    assert _generated(second) == _generated(first) == made
    other.fab("-H", f"{first.name},{second.name}", "deploy").must_succeed()
    assert _generated(second) == _generated(first) == made


def test_hosts_that_begin_together_get_the_same_generated_secret(
    project: Project, provisioned_host
):
    first, second = provisioned_host("bookworm"), provisioned_host("trixie")
    project.fab("-H", f"{first.name},{second.name}", "deploy").must_succeed()
    assert _generated(first) == _generated(second)
    assert first.path("/srv/hello/secrets.json").stat().st_mode & 0o777 == 0o600


def _generated(host: LabHost) -> dict[str, str]:
    return json.loads(host.shell("cat /srv/hello/secrets.json"))
