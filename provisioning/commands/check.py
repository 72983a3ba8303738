"""`fab check`: everything that the continuous integration runs, for Homeport itself."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from provisioning.cli.child import run_to_its_end
from provisioning.errors import ConfigurationError

RULES = (
    "root-loads-nothing-from-elsewhere",
    "root-runs-nothing-of-an-app",
    "what-is-read-is-bounded",
)
"""Rules of semgrep: files below tests/semgrep/rules. That paths are changed in one module of the
agent only is the linter's to say (pyproject.toml, banned-api)."""

CODE = ("provisioning", "fabfile.py")

SEMGREP = ("semgrep", "scan", "--metrics=off", "--disable-version-check", "--quiet", "--error")
"""It asks nobody: no rules, no version, no telemetry. Source: `semgrep scan --help`."""

STEPS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports", "--no-cache")),
    ("security", ("bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *CODE)),
    (
        "own rules",
        (*SEMGREP, *(f"--config=tests/semgrep/rules/{rule}.yml" for rule in RULES), *CODE),
    ),
    ("known holes", ("python", "-m", "tests.audit")),
    # Side by side by file: most of the time of tests on real hosts is waiting. In their order:
    # files of few and long tests would come last otherwise, one of them all alone.
    (
        "tests",
        ("pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=20"),
    ),
)

QUICK = ("format", "lint", "types", "imports", "tests")
"""The steps of `fab check --quick`: nothing that needs a host or asks the network."""

GRID = ("python", "-m", "tests.grid")
"""What `fab check --grid` runs in place of the steps."""

APPS = ("python", "-m", "tests.apps")
"""The same for `fab check --apps`."""

QUICK_TESTS = (
    *("-n", str(2 * (os.cpu_count() or 1)), "--dist", "worksteal"),
    *("-m", "not lab and not thorough"),
)
"""More at a time than there are processors: a third of their time is waiting."""

DEBIAN_PACKAGES = {
    "sshd": "openssh-server",
    "openssl": "openssl",
    "git": "git",
    "nginx": "nginx",
    "ssh": "openssh-client",
    "sudo": "sudo",
}
"""Program -> Debian package: what the tests use besides the lab, which brings its own."""


def check(
    root: Path,
    tests: str = "",
    *,
    quick: bool = False,
    grid: bool = False,
    apps: bool = False,
) -> int:
    """Run the checks one after the other; stop at the first that fails.

    Args:
        root: The checkout.
        tests: Arguments for pytest, or with `grid` or `apps` for that; "" runs all.
        quick: Only what needs no host.
        grid: Only tests/grid: each app server behind each web server, on real hosts.
        apps: Only tests/apps: apps that others wrote, on real hosts.

    Returns:
        The exit code of the first that failed, or 0.
    """
    if not (root / "provisioning" / "agent").is_dir():
        raise ConfigurationError(
            "fab check is for a checkout of Homeport itself", hint="run your own tests"
        )
    if grid and apps:
        raise ConfigurationError(
            "--grid and --apps are two suites", hint="run them one after the other"
        )
    _install_missing()
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '')}:/usr/sbin"
    suite = GRID if grid else APPS if apps else ()
    for name, argv in _steps(shlex.split(tests), quick, suite):
        print(f"== {name}: {shlex.join(argv)}", flush=True)
        code = run_to_its_end(argv, cwd=root, env=environment)
        if code != 0:
            return code
    return 0


def _steps(
    arguments: list[str], quick: bool = False, suite: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[str]]]:
    """Yield the steps to run: name and command; a suite of its own comes in place of all."""
    if suite:
        yield suite[-1], [*suite, *arguments]
        return
    for name, argv in STEPS:
        if name == "tests":
            yield name, [*argv, *(QUICK_TESTS if quick else ()), *arguments]
        elif not quick or name in QUICK:
            yield name, list(argv)


def _install_missing() -> None:
    """Install the Debian packages that the tests need, where that can be done."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [
        package
        for program, package in DEBIAN_PACKAGES.items()
        if shutil.which(program, path=path) is None
    ]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ConfigurationError(
            f"the tests need {', '.join(missing)}",
            hint=f"as root: apt-get install {' '.join(missing)}",
        )
    print(f"== installing {', '.join(missing)}", flush=True)
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in ([*apt, "update"], [*apt, "install", "--no-install-recommends", *missing]):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=environment)
