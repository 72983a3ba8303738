"""What a release runs in addition to its web server: processes and timers, as unit files.

They belong to the release and lie in its directory, so that a rollback brings back what the
release was made to run. How they get to systemd: provisioning/agent/apps/release_services.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provisioning.agent.facts import Facts
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.systemd import quoted, unexpanded
from provisioning.inventory.models.app import App
from provisioning.inventory.types.commands import Command
from provisioning.render import render
from provisioning.roles.log_files import timers_of
from provisioning.roles.sandbox import sandbox_properties
from provisioning.roles.surroundings import surroundings


def process_units(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the unit files of a release's processes and timers: name -> text.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    return {**dict(_processes(app, facts, release_id)), **dict(_timers(app, facts, release_id))}


def _processes(app: App, facts: Facts, release_id: str) -> Iterator[tuple[str, str]]:
    layout, there = AppLayout(app.name), surroundings(app, release_id)
    for name, process in app.processes.items():
        for number in range(1, process.count + 1):
            text = render(
                "app/process.service.j2",
                app=app,
                name=name,
                number=number,
                release_id=release_id,
                layout=layout,
                kill_mode=kill_mode(process.run),
                handover=process.handover,
                surroundings=there,
                exec_start=exec_start(process.run.argv, there.directory),
                stop_timeout_s=process.stop_timeout_s or app.drain_timeout_s,
                sandbox=sandbox_properties(app, facts),
            )
            yield layout.process_unit(name, number, release_id), text


def _timers(app: App, facts: Facts, release_id: str) -> Iterator[tuple[str, str]]:
    layout, there = AppLayout(app.name), surroundings(app, release_id)
    for name, timer in timers_of(app, release_id).items():
        service = render(
            "app/timed.service.j2",
            app=app,
            name=name,
            release_id=release_id,
            layout=layout,
            kill_mode=kill_mode(timer.run),
            surroundings=there,
            exec_start=exec_start(timer.run.argv, there.directory),
            sandbox=sandbox_properties(app, facts),
        )
        yield layout.timer_unit(name, "service"), service
        yield layout.timer_unit(name), render("app/timer.j2", app=app, name=name, at=timer.at)


def exec_start(argv: Sequence[str], directory: str) -> str:
    """Return a command as systemd reads it: the same words, and nothing but words.

    Source: systemd.service(5), "COMMAND LINES": quotes and backslashes as in C, "%" and "$"
    stand for themselves when doubled. A program with a slash is looked for in their directory.

    Args:
        argv: Program and arguments.
        directory: Where the programs of the release run.
    """
    program, *arguments = argv
    if "/" in program and not program.startswith("/"):
        program = f"{directory}/{program}"
    return " ".join(
        # The name of a program is not searched for variables.
        [quoted(program), *(unexpanded(quoted(each)) for each in arguments)]
    )


def kill_mode(command: Command) -> str:
    """Return to which processes of a unit systemd sends the first signal.

    Of a shell, which passes no signal on, to all: so the programs that it has started end in their
    own way. Source: systemd.kill(5), KillMode=.
    """
    return "control-group" if command.is_shell else "mixed"
