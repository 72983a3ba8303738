"""Known holes in what Homeport brings onto hosts and in what it is run with: `pip-audit`.

    python -m tests.audit

Ends with 1 where a hole is known. Where the service that knows them cannot be reached, it says
so and ends with 0: a machine without it can run all other checks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "provisioning" / "roles" / "locks").glob("*.txt"))

PIP_AUDIT = ("pip-audit", "--vulnerability-service=osv", "--format=json", "--progress-spinner=off",
             "--timeout=10")  # fmt: skip
"""OSV has PyPI's advisories and others, and tells a service that is away from a package that is
unknown. Source: pip-audit's README."""

SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *(
        (lock.name, ("--disable-pip", "--require-hashes", f"--requirement={lock}"))
        for lock in LOCKS
    ),
    ("this environment", ("--local", "--skip-editable")),
)
"""What is audited: its name, and how pip-audit is told of it."""


def main() -> int:
    """Audit all; return the exit code."""
    code = 0
    for name, arguments in SUBJECTS:
        program = Path(sys.executable).with_name(PIP_AUDIT[0])
        done = subprocess.run(
            [program, *PIP_AUDIT[1:], *arguments], cwd=ROOT, capture_output=True, text=True
        )
        lines, is_ill = judged(name, done.stdout, done.stderr)
        print("\n".join(lines), flush=True)
        if is_ill:
            code = 1
        elif lines[0].startswith("not audited"):
            # The next one would wait for the same service.
            break
    return code


def judged(name: str, stdout: str, stderr: str) -> tuple[Sequence[str], bool]:
    """Say what pip-audit found; and whether a hole is known.

    Args:
        name: What was audited.
        stdout: What it printed: one JSON object, or nothing where it failed.
        stderr: What it said besides.
    """
    try:
        dependencies: list[dict[str, Any]] = json.loads(stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = (stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return [f"not audited: {name}: {why}"], False
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in "
        f"{', '.join(hole.get('fix_versions') or ()) or 'no version'}"
        for each in dependencies
        for hole in each.get("vulns", ())
    ]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    asked = len(dependencies) - len(skipped)
    if not asked:
        return [f"not audited: {name}: nothing is known of {', '.join(skipped) or 'it'}"], False
    unknown = f"; nothing is known of {', '.join(skipped)}" if skipped else ""
    return [f"{name}: {len(holes)} known holes in {asked} packages{unknown}", *holes], bool(holes)


if __name__ == "__main__":
    sys.exit(main())
