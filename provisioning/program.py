"""The program `fab`: Fabric's own, which here also works where no fabfile is yet.

`fab init` writes the fabfile; Fabric alone refuses to do anything before there is one. Homeport
is installed after Fabric, which it needs, so this script takes the place of Fabric's. Should
Fabric's come back with an upgrade of its own, only `fab init` in an empty folder is lost.
"""

from __future__ import annotations

from importlib.metadata import version

from fabric.config import Config
from fabric.main import Fab
from invoke.exceptions import Exit

from provisioning.executor import FleetExecutor


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


def main() -> None:
    """Run the command line."""
    program = Program(
        name="Fabric", version=version("fabric"), executor_class=FleetExecutor, config_class=Config
    )
    program.run()
