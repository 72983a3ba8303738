"""Who may import whom: the contracts in pyproject.toml hold, and they bite."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINTER = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "agent/errors.py": "import rich\nfrom provisioning import errors\n",
    "roles/base.py": "import subprocess\n",
    "protocol/session.py": "import paramiko\n",
    "agent/events.py": "from provisioning.agent import main\n",
    "report/sanitize.py": "from provisioning.report.sinks import plain\n",
    "report/output.py": "from fabric import Connection\n",
}
"""One violation or more of each contract."""


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    if not LINTER.exists():
        pytest.skip("import-linter is not installed: pip install -e '.[dev]'")
    return subprocess.run(
        [str(LINTER), "--no-cache"],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_contract_notices_a_violation(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "provisioning",
        tmp_path / "provisioning",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in PLANTED.items():
        path = tmp_path / "provisioning" / name
        path.write_text(path.read_text() + line)
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept" in done.stdout, done.stdout


def test_a_new_module_must_be_given_its_place(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "provisioning",
        tmp_path / "provisioning",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "provisioning" / "newcomer.py").write_text("")
    done = _lint(tmp_path)
    assert done.returncode == 1
    assert "newcomer" in done.stdout


@pytest.mark.parametrize(
    "module",
    ["roles", "protocol.plan", "protocol.session", "protocol.payload", "hosts.client", "resources"],
)
def test_what_is_pure_loads_no_library_for_ssh(module: str) -> None:
    program = (
        f"import sys, provisioning.{module}\n"
        "print([each for each in ('fabric', 'invoke', 'paramiko', 'rich') if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr
