"""A command loads what it needs, and nothing else: imports are most of what a short one costs."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.agent.facts import Facts

COMMAND = """
import sys
sys.argv = ["fab", *sys.argv[1:]]
from provisioning.__main__ import main
try:
    main()
except SystemExit as end:
    print("ended", end.code, file=sys.stderr)
print("loaded", *sorted(sys.modules), file=sys.stderr)
"""

OF_THE_LIST = {
    "provisioning",
    "provisioning.__main__",
    "provisioning.cli",
    "provisioning.cli.early_flags",
    "provisioning.cli.executor",
    "provisioning.cli.exit",
    "provisioning.cli.options",
    "provisioning.commands",
    "provisioning.errors",
    "provisioning.secrets",
    "provisioning.secrets.redaction",
    "provisioning.secrets.sources",
    "provisioning.secrets.value",
}
"""All of Homeport that `fab --list` loads."""

NEVER_BY_A_PROVISION = (
    # What draws on a terminal, where there is none.
    "rich",
    # Certificates: only the lab makes any.
    "cryptography.x509",
    "provisioning.commands.lab",
    "provisioning.deploy",
    "provisioning.doctor",
    "provisioning.hooks",
    "provisioning.scaffold",
)

NEVER_BY_A_DEPLOY = (
    "rich",
    "cryptography.x509",
    "provisioning.commands.lab",
    "provisioning.commands.restart",
    "provisioning.doctor",
    "provisioning.scaffold",
)

OF_THE_LAB = {"provisioning.lab", "provisioning.lab.files", "provisioning.lab.state"}
"""What tells where the lab's hosts are; the rest starts and stops them."""

UNREACHABLE = 3


@pytest.fixture
def no_server() -> Iterator[int]:
    """Give a port on which nobody answers."""
    with socket.socket() as taken:
        # Bound, so that nobody else gets it, and without listening.
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def project(tmp_path: Path, no_server: int) -> Path:
    """A project with one app on one host of each environment, whose facts are remembered."""
    (tmp_path / "fabfile.py").write_text("from provisioning.commands import namespace\n")
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("def app(environ, start): ...\n")
    (app / "requirements.txt").write_text("")
    (tmp_path / "inventory").mkdir()
    lab_tls = 'method = "acme"\nemail = "ops@hello.example"\ndirectory_url = "lab"\n'
    environments = (
        ("production", "127.0.0.1", 'method = "self-signed"\n'),
        ("lab", "web1", lab_tls),
    )
    for name, address, tls in environments:
        (tmp_path / "inventory" / f"{name}.toml").write_text(
            f'[hosts.web1]\naddress = "{address}"\nuser = "root"\nport = {no_server}\n'
            '[apps.hello]\nsource = "../app"\nwsgi = "app:app"\ndomains = ["hello.example"]\n'
            f"[tls]\n{tls}"
        )
        facts = tmp_path / "cache" / "homeport" / "facts" / f"{name}-{address}.json"
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.write_text(json.dumps(Facts().to_json()))
    lab = tmp_path / ".homeport" / "lab"
    lab.mkdir(parents=True)
    (lab / "ssh_config").write_text("Host web1\n  HostName 127.0.0.1\n")
    host = {"name": "web1", "suite": "bookworm", "number": 1, "address": "10.0.0.11"}
    (lab / "lab.json").write_text(
        json.dumps(
            {
                "format": 1, "lab_id": "abcdef", "driver": "nspawn", "sudo_password": "x",
                "subnet": "10.0.0.0/24", "bases": {}, "domains": {"hello.example": "web1"},
                "hosts": {"web1": {**host, "machine_id": "0" * 32}},
            }
        )
    )  # fmt: skip
    return tmp_path


def loaded(project: Path, *words: str, ends: int) -> set[str]:
    """Run `fab` as a person does, and return the names of all modules that it has loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        cwd=project,
        env={**os.environ, "XDG_CACHE_HOME": str(project / "cache"), "HOME": str(project)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = ran.stderr.splitlines()
    assert f"ended {ends}" in lines, ran.stderr + ran.stdout
    [names] = [line for line in lines if line.startswith("loaded ")]
    return set(names.split()[1:])


def below(modules: set[str], *roots: str) -> set[str]:
    """Return those that are one of these modules, or inside of one."""
    return {name for name in modules if any(f"{name}.".startswith(f"{root}.") for root in roots)}


def test_the_list_of_commands_loads_no_command(project):
    modules = loaded(project, "--list", ends=0)
    assert below(modules, "provisioning") == OF_THE_LIST
    assert below(modules, "pydantic", "jinja2", "rich", "tomllib", "cryptography.x509") == set()


def test_provision_loads_nothing_of_other_commands(project):
    modules = loaded(project, "provision", ends=UNREACHABLE)
    assert "provisioning.operations.provision" in modules
    assert "provisioning.transport.connector" in modules
    # It compares the `requires-python` of what an app needs with each host.
    needed = {"provisioning.deploy", *below(modules, "provisioning.deploy.requirements")}
    assert below(modules, *NEVER_BY_A_PROVISION, "provisioning.lab") == needed


def test_deploy_loads_nothing_of_the_lab(project):
    modules = loaded(project, "deploy", ends=UNREACHABLE)
    assert "provisioning.deploy.deploy" in modules
    assert below(modules, *NEVER_BY_A_DEPLOY, "provisioning.lab") == set()


@pytest.mark.parametrize("command", ["provision", "deploy"])
def test_a_command_for_the_lab_only_reads_where_its_hosts_are(project, command):
    modules = loaded(project, "--env", "lab", command, ends=UNREACHABLE)
    assert below(modules, "provisioning.lab") == OF_THE_LAB
    assert below(modules, *NEVER_BY_A_DEPLOY) == set()
