"""Log files that an app writes below its shared folders: bounded by logrotate, as the app itself.

Never by the host's own logrotate, which is root's: in an app's folder a path leads where the app
wants it to.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.agent.layout import AppLayout
from provisioning.inventory.models.app import App
from provisioning.inventory.models.processes import LOG_FILES_TIMER, Timer
from provisioning.inventory.types.commands import parse_command
from provisioning.render import render

SETTINGS = "logrotate.conf"
"""The file in a release that logrotate reads."""

PROGRAM = "/usr/sbin/logrotate"
"""Of a package that every host has: see base.py."""

EVERY = "*:0/10"
"""Every ten minutes: so long may a file grow beyond its size."""


def log_settings(app: App) -> dict[str, str]:
    """Return what logrotate reads: path below the release -> text."""
    if not app.log_files:
        return {}
    shared = AppLayout(app.name).shared
    return {
        SETTINGS: render(
            "app/logrotate.conf.j2",
            paths=[f"{shared}/{each}" for each in app.log_files],
            size_bytes=app.log_files_max.size_bytes,
            kept=app.log_files_kept,
        )
    }


def timers_of(app: App, release_id: str) -> Mapping[str, Timer]:
    """Return the timers of a release: those of the app, and the one that bounds its log files."""
    if not app.log_files:
        return app.timers
    layout = AppLayout(app.name)
    state, settings = f"{layout.home}/.logrotate", f"{layout.release(release_id)}/{SETTINGS}"
    words = [PROGRAM, "--state", state, settings]
    return {**app.timers, LOG_FILES_TIMER: Timer(run=parse_command(words), at=EVERY)}
