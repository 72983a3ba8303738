"""A program in the live release of an app: as its user, in its sandbox and its environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provisioning.agent.apps.runtimes import name_of, surroundings_of
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.systemd import unexpanded
from provisioning.errors import ConfigurationError
from provisioning.hosts.exec import Program
from provisioning.protocol.queries import app_state
from provisioning.roles import sandbox_properties

if TYPE_CHECKING:
    from provisioning.agent.answers import ReleaseInfo
    from provisioning.agent.facts import Facts
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory.models.app import App

STOP_TIMEOUT_S = 10
"""What a program gets to end by itself when the person is gone."""

# Not `exec`: the shell stays, and tells which signal ended a program, as shells do.
COMMAND = ("/bin/sh", "-c", '"$@"; exit $?', "sh")


def live_release(run: RemoteHost, app: App) -> ReleaseInfo:
    """Ask a host which release of an app visitors see.

    Raises:
        ConfigurationError: There is none.
    """
    state = run.ask(app_state(app.name))
    if not state.provisioned:
        raise ConfigurationError(
            f"{run.name} is not provisioned for {app.name}",
            hint=f"fab -H {run.name} provision",
        )
    if not state.live:
        raise ConfigurationError(
            f"no release of {app.name} is live on {run.name}", hint=f"fab deploy --app {app.name}"
        )
    live = state.live
    if lost := state.lost.get(live):
        raise ConfigurationError(
            f"cannot run anything in release {live} of {app.name}: it was built for {lost}, "
            f"which {run.name} no longer has",
            hint=f"fab deploy --app {app.name}, which builds everything for what the host has",
        )
    found = next((each for each in state.releases if each.release == live), None)
    if found is None or not name_of(found.runtime):
        raise ConfigurationError(
            f"cannot run anything in release {live} of {app.name}: on {run.name} its manifest does "
            "not name its runtime",
            hint=f"fab deploy --app {app.name}, which builds a complete release",
        )
    return found


def live_program(
    app: App,
    live: ReleaseInfo,
    facts: Facts,
    argv: Sequence[str],
    *,
    terminal: bool,
    properties: Sequence[str] = (),
) -> Program:
    """Return how a program is run in a release.

    Args:
        app: The app.
        live: The release.
        facts: Of the host.
        argv: Program and arguments; a program of the release needs no path. None of them for a
            shell, but no login shell: that would set PATH anew.
        terminal: Whether it gets a terminal; else pipes.
        properties: More of its unit, as "Key=Value" of systemd.
    """
    layout = AppLayout(app.name)
    unit = f"{app.name}-run-{secrets.token_hex(4)}.service"
    there = surroundings_of(layout, live.release, live.runtime, live.shared, live.words)
    variables = dict(there.environment)
    if terminal:
        variables["TERM"] = os.environ.get("TERM", "dumb")
    of_unit = (
        f"WorkingDirectory={there.directory}",
        *(f"EnvironmentFile={each}" for each in there.environment_files),
        f"EnvironmentFile={layout.release(live.release)}/env",
        f"TimeoutStopSec={STOP_TIMEOUT_S}",
        *sandbox_properties(app, facts),
        *there.properties,
        *properties,
    )
    return Program(
        argv=(
            "systemd-run",
            "--quiet",
            "--wait",
            "--collect",
            "--pty" if terminal else "--pipe",
            f"--unit={unit}",
            f"--description={app.name}: a program in release {live.release}",
            *(f"--setenv={name}={value}" for name, value in variables.items()),
            *(f"--property={each}" for each in of_unit),
            "--",
            *(unexpanded(word) for word in (*COMMAND, *(argv or (there.shell,)))),
        ),
        stop=("systemctl", "stop", unit),
    )
