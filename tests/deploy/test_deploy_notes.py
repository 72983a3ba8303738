"""What `fab deploy` says and refuses before it asks any host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAB = Path(sys.executable).with_name("fab")
HASH = "--hash=sha256:" + "0" * 64

INVENTORY = """
[hosts.web1]
address = "127.0.0.1"
port = 9
user = "root"

[apps.hello]
source = "../hello"
wsgi = "app:app"
domains = ["hello.example.com"]

[tls]
method = "off"
"""
"""Nobody answers at that port: whatever is said, is said before a host is asked."""


@pytest.fixture
def unreachable_project(tmp_path: Path) -> Path:
    for folder in ("inventory", "hello"):
        (tmp_path / folder).mkdir()
    (tmp_path / "fabfile.py").write_text("from provisioning.commands import namespace\n")
    (tmp_path / "fabric.yml").write_text(
        "tasks:\n  executor_class: provisioning.executor.FleetExecutor\n"
    )
    (tmp_path / "inventory" / "production.toml").write_text(INVENTORY)
    (tmp_path / "hello" / "app.py").write_text("app = None\n")
    return tmp_path


def deploy(project: Path, requirements: str) -> subprocess.CompletedProcess[str]:
    (project / "hello" / "requirements.txt").write_text(requirements)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEPORT")}
    return subprocess.run(
        [FAB, "deploy"],
        cwd=project,
        env={**kept, "NO_COLOR": "1", "HOME": str(project), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_requirements_without_hashes_are_noted_once(unreachable_project: Path) -> None:
    done = deploy(unreachable_project, "flask==3.1.3\n")
    said = "hello: requirements.txt names no hashes; Homeport trusts what the index serves"
    assert (done.stdout + done.stderr).count(said) == 1
    assert done.returncode == 3


def test_nothing_is_noted_where_all_have_hashes(unreachable_project: Path) -> None:
    done = deploy(unreachable_project, f"flask==3.1.3 {HASH}\n")
    assert "trusts what the index serves" not in done.stdout + done.stderr
    assert done.returncode == 3


def test_a_source_that_others_could_replace_is_refused_before_a_host_is_asked(
    unreachable_project: Path,
) -> None:
    done = deploy(unreachable_project, "lib @ http://example.com/lib-1.0.tar.gz\n")
    assert "requirements.txt, line 1: lib @ http://example.com/" in done.stdout + done.stderr
    assert "use https" in done.stdout + done.stderr
    assert done.returncode == 2


def test_links_that_lead_out_are_refused_before_a_host_is_asked(unreachable_project: Path) -> None:
    inventory = unreachable_project / "inventory" / "production.toml"
    text = inventory.read_text()
    inventory.write_text(text.replace("[tls]", 'static = { "/s/" = "static" }\n\n[tls]'))
    static = unreachable_project / "hello" / "static"
    static.mkdir()
    (static / "a.css").write_text("a")
    (static / "name").symlink_to("/etc/hostname")
    done = deploy(unreachable_project, f"flask==3.1.3 {HASH}\n")
    assert "static/name -> /etc/hostname leads out of the release" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 2
    (static / "name").unlink()
    (static / "name").symlink_to("../not-there")
    done = deploy(unreachable_project, f"flask==3.1.3 {HASH}\n")
    assert "hello: static/name -> ../not-there leads to no file" in done.stdout + done.stderr
    assert done.returncode == 3


def test_a_mistake_in_an_own_template_is_told_before_a_host_is_asked(
    unreachable_project: Path,
) -> None:
    own = unreachable_project / "templates" / "gunicorn" / "server.py.j2"
    own.parent.mkdir(parents=True)
    own.write_text("bind = '{{ no_such_name }}'\n")
    done = deploy(unreachable_project, f"flask==3.1.3 {HASH}\n")
    assert "no_such_name" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 2


def test_a_key_file_that_others_can_read_is_told(unreachable_project: Path) -> None:
    inventory = unreachable_project / "inventory" / "production.toml"
    key = 'secrets = { KEY = { file = "key" } }\n\n[tls]'
    inventory.write_text(inventory.read_text().replace("[tls]", key))
    (unreachable_project / "inventory" / "key").write_text("canary-value\n")
    (unreachable_project / "inventory" / "key").chmod(0o644)
    said = deploy(unreachable_project, f"flask==3.1.3 {HASH}\n")
    assert "key can be read by others (mode 0644); chmod 600 it" in said.stdout + said.stderr
    assert "canary-value" not in said.stdout + said.stderr
