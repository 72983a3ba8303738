"""`python -m provisioning.lab`: start a lab, look at it, go in, take it down."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.lab import Lab


def main(argv: list[str] | None = None) -> int:
    """Carry one command out and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m provisioning.lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "ssh", "reset"))
    parser.add_argument("arguments", nargs="*", help="host names; for ssh: a host and a command")
    parser.add_argument("--directory", type=Path, default=Path(".lab"))
    parser.add_argument("--hosts", type=int, default=1, help="number of hosts, if none is named")
    parser.add_argument("--suite", default="bookworm")
    options, rest = parser.parse_known_args(argv)
    options.arguments += rest
    try:
        return _carry_out(options)
    except HomeportError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _carry_out(options: argparse.Namespace) -> int:
    if options.command == "up":
        names = options.arguments or [f"web{n}" for n in range(1, options.hosts + 1)]
        Lab.create(options.directory, say=_say).up(names, suite=options.suite)
    lab = Lab.find(options.directory, say=_say)
    if lab is None:
        print(f"no lab in {options.directory}")
        return 0
    if options.command == "down":
        lab.down()
        return 0
    if options.command == "ssh":
        os.execvp("ssh", ["ssh", "-F", str(lab.ssh_config), *options.arguments])  # noqa: S606
    if options.command == "reset":
        for name in options.arguments or lab.hosts:
            lab.hosts[name].reset()
    for row in lab.status():
        print(
            f"{row.name:10} {row.suite:10} {row.address:15} {row.state:10}"
            f" {row.uptime_s:8.0f} s {row.memory_bytes / 1e6:6.0f} MB"
        )
    print(f"ssh -F {lab.ssh_config} HOST    ACME: {lab.acme.directory_url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
