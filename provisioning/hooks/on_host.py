"""Hooks on hosts: programs of a release, as the app itself would run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.resources import OneOff
from provisioning.roles import sandbox_properties

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.hooks.context import HookContext
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.hooks import Hook


def program(
    app: App, hook: Hook, number: int, context: HookContext, facts: Facts, host: str
) -> OneOff:
    """Return a hook as a resource.

    Args:
        app: The app.
        hook: One with `run`.
        number: Which of the app's hooks it is, from 1.
        context: What it is told.
        facts: Of the host.
        host: The host's name.
    """
    assert hook.run
    return OneOff(
        app.name,
        context.release,
        f"{hook.at}-hook-{number}",
        hook.run.argv,
        tuple(sandbox_properties(app, facts)),
        hint=f"correct `{hook.run}` of apps.{app.name}.hooks"
        + ("; no traffic reached this release" if hook.stops else ""),
        timeout_s=hook.limit_s,
        env=context.variables(hook.at, host),
        occasion=context.id,
        required=hook.stops,
    )
