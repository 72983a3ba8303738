"""What an app runs in addition to its web server: processes, and commands at set times."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import AnyCommand, At, HostNames, Seconds, Whole, Yes

LOG_FILES_TIMER = "log-files"
"""The timer that an app with `log_files` has besides its own: roles/log_files.py."""


class Placed(Model):
    """What runs on some of the app's hosts only."""

    hosts: HostNames = Field(
        default=(),
        description="Groups or hosts on which it runs, of those of the app. Default: all of them.",
    )
    once: Yes = Field(
        default=False,
        description="On the first of these hosts only, in the inventory's order.",
    )


class Process(Placed):
    """A program that runs as long as its release is live: `[apps.<name>.processes]`."""

    run: AnyCommand = Field(
        description="Command, looked for in the app's own environment first: a line, or a list of "
        "words."
    )
    count: Annotated[Whole, Field(ge=1, le=64)] = Field(
        default=1,
        description="Number of these processes. HOMEPORT_PROCESS tells them apart: worker.2.",
    )
    stop_timeout_s: Seconds | None = Field(
        default=None,
        description="Seconds that it gets, after SIGTERM, to finish its work. Default: "
        "drain_timeout_s.",
    )
    settle_s: Seconds = Field(
        default=3,
        description="Seconds that a process of a new release must keep running before the "
        "release goes live.",
    )
    handover: Literal["side-by-side", "stop-first"] = Field(
        default="side-by-side",
        description="side-by-side: a new release's starts while the old one still runs. "
        "stop-first: the old one is stopped before, for what must never run twice on a host, such "
        "as a scheduler; it comes back if the release is refused.",
    )


class Timer(Placed):
    """A command that runs at set times, in the live release: `[apps.<name>.timers]`."""

    run: AnyCommand = Field(
        description="Command, looked for in the app's own environment first: a line, or a list of "
        "words."
    )
    at: At = Field(
        description='When: "03:00" is daily; any calendar expression of systemd.time(7), in the '
        "host's time zone."
    )


def _process(given: object) -> object:
    """Return the table that a process is; a command alone stands for all of it."""
    return {"run": given} if isinstance(given, (str, list)) else given


AnyProcess = Annotated[
    Process, BeforeValidator(_process, json_schema_input_type=str | list[str] | Process)
]
