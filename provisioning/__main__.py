"""The program `fab`: Fabric's own, which here also works where no fabfile is yet.

`fab init` writes the fabfile; Fabric alone refuses to do anything before there is one. Homeport
is installed after Fabric, which it needs, so this script takes the place of Fabric's. Should
Fabric's come back with an upgrade of its own, only `fab init` in an empty folder is lost.
"""

# ruff: noqa: E402
from __future__ import annotations

import gc

# Nearly all of what a command imports lives until its end. Python's collector would look through
# it again and again while it grows: a tenth of the time of a run that changes nothing, which makes
# some 70,000 objects. Longer commands are looked through as they go on.
# Source of the usual values, 700, 10 and 10: gc.set_threshold's documentation.
gc.set_threshold(200_000, 20, 100)

import os
import re
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from fabric.config import Config
from fabric.main import Fab
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser
from invoke.parser.argument import Argument

from provisioning.cli.early_flags import behind_command
from provisioning.cli.executor import FleetExecutor, FleetTask
from provisioning.cli.exit import BROKEN_PIPE_EXIT_CODE
from provisioning.errors import ConfigurationError

USAGE = ConfigurationError.exit_code

_UNKNOWN = re.compile(r"No idea what '(.+)' is!")
"""What Invoke says of a word that is no command."""


class Program(Fab):
    """Fabric's program with Homeport's commands to fall back on."""

    def load_collection(self) -> None:
        """Load the fabfile, or Homeport's own commands if there is no fabfile.

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
        else:
            self._know_init()

    def _know_init(self) -> None:
        """Have `fab init` work beside a fabfile of the person's own, too: it says what to add."""
        if "init" not in self.collection.task_names:
            from provisioning.commands import init

            self.collection.add_task(init)

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the flags before the command.

        Invoke keeps Python from caching what it compiles unless it is given `--write-pyc`. In a
        checkout, which no installer has compiled, each command would compile all of Homeport.
        """
        as_started = sys.dont_write_bytecode
        try:
            with _usage_errors():
                core = self.core_args()  # type: ignore[no-untyped-call]
                words = behind_command(sys.argv if argv is None else argv, core)
                super().parse_core(words)  # type: ignore[no-untyped-call]
        finally:
            sys.dont_write_bytecode = as_started

    def parse_tasks(self) -> None:
        """Read the commands and their flags."""
        with _usage_errors(self._commands_of_ours):
            super().parse_tasks()

    def _commands_of_ours(self) -> frozenset[str]:
        """Return Homeport's commands that the fabfile does not have."""
        from provisioning.commands import namespace

        return frozenset(namespace.task_names) - frozenset(self.collection.task_names)

    def _make_parser(self) -> Parser:
        """Return what the commands are read with, and give it what it can read.

        Here, because a parser may be made only once: that takes the flags' help away.
        """
        parser: Parser = super()._make_parser()
        named = {
            name: f"--{task.may_name}"
            for name, task in self._tasks_by_name().items()
            if isinstance(task, FleetTask) and task.may_name
        }
        flags = {
            name: {**self.initial_context.flags, **context.flags}
            for name, context in parser.contexts.items()
        }
        self.core.unparsed = with_flags(self.core.unparsed, named, flags)
        return parser

    def _tasks_by_name(self) -> dict[str, Any]:
        return {name: self.collection[name] for name in self.collection.task_names}


def with_flags(
    tokens: Sequence[str],
    named: Mapping[str, str],
    flags: Mapping[str, Mapping[str, Argument]],
) -> list[str]:
    """Return a command line in which words that stand alone have got their flag.

    The parser knows no word that may be left out: it takes `fab logs hello` for two commands.

    Args:
        tokens: The command line from the first command on, without `--` and what follows it.
        named: Command -> the flag that a word alone after it is the value of.
        flags: Command -> its flags.
    """
    result: list[str] = []
    command, missing, is_value = "", "", False
    for token in tokens:
        if is_value:
            is_value = False
        elif token.startswith("-"):
            name, has_value, _ = token.partition("=")
            flag = flags.get(command, {}).get(name)
            is_value = flag is not None and flag.takes_value and not has_value
            missing = "" if name == missing else missing
        elif missing:
            result.append(missing)
            missing = ""
        elif token in flags:
            command, missing = token, named.get(token, "")
        result.append(token)
    return result


@contextmanager
def _usage_errors(lacking: Callable[[], Container[str]] = frozenset) -> Iterator[None]:
    """Have wrong usage end with 2, like a wrong configuration; invoke ends with 1.

    Args:
        lacking: Returns Homeport's commands that the fabfile does not have.
    """
    try:
        yield
    except ParseError as error:
        unknown = _UNKNOWN.fullmatch(str(error))
        if unknown and unknown[1] in lacking():
            raise Exit(
                f"error: cannot run {unknown[1]}: the fabfile does not have Homeport's commands\n"
                "  try: fab init, which says which lines to add to it",
                USAGE,
            ) from None
        raise Exit(_told(error), USAGE) from None
    except ValueError as error:
        # Of a flag that takes a number.
        raise Exit(f"error: {error}\n  try: fab --help COMMAND", USAGE) from None


def _told(error: ParseError) -> str:
    """Return what invoke cannot read, in words; with what is missing where something is."""
    context = error.context
    missing = (
        [str(each.name).upper() for each in context.missing_positional_args] if context else []
    )
    if context is None or not missing:
        return f"error: {error}\n  try: fab --list, fab --help COMMAND"
    words = " ".join(str(each.name).upper() for each in context.positional_args)
    return (
        f"error: fab {context.name} needs {' and '.join(missing)}: fab {context.name} {words}\n"
        f"  try: fab --help {context.name}"
    )


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


if __name__ == "__main__":
    main()
