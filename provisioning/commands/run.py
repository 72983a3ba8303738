"""`fab run` and `fab shell`: a program in the live release of an app."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from provisioning.cli.context import CommandContext
from provisioning.cli.options import Options
from provisioning.cli.selection import apps_named, hosts_of
from provisioning.errors import ConfigurationError
from provisioning.hosts.exec import Console, attach
from provisioning.inventory.types.commands import parse_command
from provisioning.operations.run import live_program, live_release
from provisioning.report.console import PipedConsole, TerminalConsole


def run(
    options: Options,
    *,
    app: str,
    command: Sequence[str],
) -> int:
    """Run a command once in the live release.

    Args:
        options: What the person said; without -H it is the first of the app's hosts.
        app: The app.
        command: Program and arguments, or one line, as everywhere in the inventory.

    Returns:
        The command's exit status.

    Raises:
        ConfigurationError: There is no command, or it is none.
    """
    if not command:
        raise ConfigurationError(
            "nothing to run: the command is missing", hint=f"fab run {app} -- COMMAND"
        )
    return _attended(options, app, _argv(command), lambda: nullcontext(PipedConsole()))


def _argv(command: Sequence[str]) -> Sequence[str]:
    """Return program and arguments; what came as one word is a line."""
    if len(command) > 1:
        return command
    try:
        return parse_command(command[0]).argv
    except ValueError as error:
        raise ConfigurationError(f"cannot run {shlex.quote(command[0])}: it {error}") from None


def shell(options: Options, *, app: str) -> int:
    """Open a shell in the live release. See `run`.

    Raises:
        ConfigurationError: There is no terminal.
    """
    if not TerminalConsole.is_possible():
        raise ConfigurationError(
            "cannot open a shell: this is not a terminal", hint=f"fab run {app} -- COMMAND"
        )
    return _attended(options, app, (), TerminalConsole)


def _attended(
    options: Options,
    app_name: str,
    argv: Sequence[str],
    console: Callable[[], AbstractContextManager[Console]],
) -> int:
    context = CommandContext(options)
    [app] = apps_named(context, app_name)
    hosts = hosts_of(context, [app])
    if len(options.hosts) > 1 and len(hosts) > 1:
        raise ConfigurationError(
            f"cannot run {shlex.join(argv)} on {', '.join(host.name for host in hosts)}: a "
            "command runs on one host only",
            hint=f"fab -H {hosts[0].name} ...",
        )
    host = context.run(hosts[0])
    # Whatever there is to say must not get between what the program prints.
    context.sink.begin("", [host.name], log=True)
    try:
        facts, live = host.facts(), live_release(host, app)
        host.close()
        context.sink.end([])
        with console() as attended:
            program = live_program(app, live, facts, argv, terminal=attended.size is not None)
            status = attach(program, host.open, attended)
        if isinstance(attended, PipedConsole) and attended.wanted_terminal:
            context.sink.note(
                f"the command wants a terminal, which fab run does not give it: fab shell "
                f"{app.name}, then run it there"
            )
        return status
    finally:
        context.sink.end([])
        context.close()
