"""The program `fab`: Fabric's own, which here also works where no fabfile is yet.

`fab init` writes the fabfile; Fabric alone refuses to do anything before there is one. Homeport
is installed after Fabric, which it needs, so this script takes the place of Fabric's. Should
Fabric's come back with an upgrade of its own, only `fab init` in an empty folder is lost.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from fabric.config import Config
from fabric.main import Fab
from invoke.exceptions import Exit, ParseError

from provisioning.endings import BROKEN_PIPE_EXIT_CODE
from provisioning.errors import ConfigurationError
from provisioning.executor import FleetExecutor

USAGE = ConfigurationError.exit_code


class Program(Fab):
    """Fabric's program with Homeport's commands to fall back on."""

    def load_collection(self) -> None:
        """Load the fabfile, or Homeport's own commands where there is none.

        Raises:
            Exit: A certain fabfile was asked for, and it is not there.
        """
        try:
            super().load_collection()  # type: ignore[no-untyped-call]
        except Exit:
            if self.args.collection.value or self.args["search-root"].value:
                raise
            from provisioning.commands import namespace

            self.collection = namespace

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the flags before the command."""
        with _usage_errors():
            super().parse_core(argv)  # type: ignore[no-untyped-call]

    def parse_tasks(self) -> None:
        """Read the commands and their flags."""
        with _usage_errors():
            super().parse_tasks()


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Have wrong usage end with 2, like a wrong configuration; invoke ends with 1."""
    try:
        yield
    except ParseError as error:
        raise Exit(f"error: {error}\n  try: fab --list, fab --help COMMAND", USAGE) from None


def main() -> None:
    """Run the command line."""
    program = Program(
        name="Fabric", version=version("fabric"), executor_class=FleetExecutor, config_class=Config
    )
    try:
        program.run()
    except BrokenPipeError:
        # Whoever read along has seen enough (`fab --list | head`); Python would say so again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(BROKEN_PIPE_EXIT_CODE)
