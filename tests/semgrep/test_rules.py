"""Each rule finds the bad lines of its samples, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.commands.check import RULES, SEMGREP

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLES = HERE / "samples" / "provisioning" / "agent"

FILES = {
    "root-runs-nothing-of-an-app": {"running.py"},
    "root-loads-nothing-from-elsewhere": {"loading.py"},
    "what-is-read-is-bounded": {"reading.py"},
}
"""Rule -> its samples."""


def found(rule: str, *targets: Path) -> set[tuple[str, int]]:
    """Return file name and line of all that a rule finds."""
    semgrep, *arguments = SEMGREP
    argv = [Path(sys.executable).with_name(semgrep), *arguments]
    done = subprocess.run(
        [*argv, "--json", "--config", HERE / "rules" / f"{rule}.yml", *targets],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["errors"] == []
    assert answer["paths"]["scanned"]
    return {(Path(each["path"]).name, each["start"]["line"]) for each in answer["results"]}


@pytest.mark.parametrize("rule", sorted(FILES))
def test_a_rule_finds_the_bad_lines_and_no_good_one(rule):
    targets = [SAMPLES / name for name in sorted(FILES[rule])]
    bad = {
        (path.name, number)
        for path in targets
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.endswith("# bad")
    }
    assert found(rule, *targets) == bad
    assert len(bad) >= 6


def test_every_rule_is_checked():
    rules = sorted(path.stem for path in (HERE / "rules").iterdir())
    assert sorted(RULES) == rules == sorted(FILES)


@pytest.mark.parametrize(
    "line", ["os.chmod(path, 0o755)", "os.makedirs(path)", "shutil.rmtree(path)", "os.rename(a, b)"]
)
@pytest.mark.parametrize(
    ("module", "is_bad"),
    [
        ("provisioning/agent/resources/release.py", True),
        ("provisioning/agent/apps/leftovers.py", True),
        ("provisioning/agent/machine/files/changing.py", False),
        ("provisioning/lab/files.py", False),
    ],
)
def test_the_linter_keeps_changes_by_path_in_one_module_of_the_agent(line, module, is_bad):
    done = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--no-cache", "--select=TID251",
         "--output-format=concise", f"--stdin-filename={module}", "-"],
        cwd=ROOT, capture_output=True, text=True, input=f"import os, shutil\n{line}\n",
    )  # fmt: skip
    assert done.stderr == ""
    assert ("TID251" in done.stdout) == is_bad, done.stdout
