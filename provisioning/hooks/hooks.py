"""An app's hooks during one command: run where and when the inventory says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.hooks.context import Command, HookContext
from provisioning.hooks.failure import HookFailedError
from provisioning.hooks.on_host import program
from provisioning.hooks.program import run_program
from provisioning.hooks.webhook import check_url, post
from provisioning.secrets import Secret, fetch_secrets

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.agent.resources.one_off import OneOff
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.hooks import Hook, Stage


class Hooks:
    """The hooks of one app.

    Args:
        app: The app.
        context: What hooks are told, as far as it is known; `tell` adds to it.
        source: Where commands run on the controller.
        urls: Number of a hook -> its webhook's URL.
        say: Called with each line that a person should see.
    """

    def __init__(
        self,
        app: App,
        context: HookContext,
        *,
        source: Path,
        urls: Mapping[int, Secret],
        say: Callable[[str], None],
    ) -> None:
        self._app = app
        self._hooks = app.hooks
        self._context = context
        self._source = source
        self._urls = urls
        self._say = say

    @classmethod
    def of(
        cls,
        inventory: Inventory,
        app: App,
        command: Command,
        *,
        by: str,
        hosts: tuple[str, ...],
        say: Callable[[str], None],
    ) -> Hooks:
        """Gather what an app's hooks need from the operator's machine.

        Raises:
            ConfigurationError: a webhook's URL is missing or none, or the source is not there.
        """
        context = HookContext(app.name, inventory.environment, command, by, hosts)
        urls, warnings = _urls(inventory, app)
        for warning in warnings:
            say(f"warning: {warning}")
        commands = any(hook.run and hook.on == "controller" for hook in app.hooks)
        source = inventory.source_of(app) if commands else Path()
        return cls(app, context, source=source, urls=urls, say=say)

    def tell(self, **known: Any) -> None:
        """Let hooks know more from now on.

        Args:
            known: Fields of HookContext: release, previous, commit.
        """
        self._context = replace(self._context, **known)

    def leave_it(self) -> None:
        """Run no more hooks: the run in progress is another command's, which has its own hooks."""
        self._hooks = ()

    def has(self, *stages: Stage, on: Literal["controller", "host"] = "controller") -> bool:
        """Tell whether there is anything to run at one of these stages."""
        return any(hook.at in stages and hook.on == on for hook in self._hooks)

    def run(self, stage: Stage) -> None:
        """Run the hooks of the controller, in the inventory's order.

        Raises:
            DeployRefusedError: a hook failed while visitors still have the old release.
        """
        for number, hook in self._at(stage, "controller"):
            what = f"`{hook.run}`" if hook.run else "the webhook"
            self._say(f"{stage}: {what}")
            try:
                self._run(number, hook)
            except HookFailedError as failure:
                if hook.stops:
                    raise DeployRefusedError(
                        f"the {self._context.command} of {self._app.name} was stopped: the hook "
                        f"{stage}, {what}, {failure.reason}",
                        hint="correct the hook or the problem that it found, then "
                        f"{self._context.command} again; no traffic reached this release",
                        # A command's lines were shown as they came.
                        output="" if hook.run else failure.output,
                    ) from None
                self._say(f"warning: the hook {stage}, {what}, {failure.reason}")

    def on_host(self, stage: Stage, facts: Facts, host: str, *, first: bool) -> Iterator[OneOff]:
        """Yield the hooks of a host as resources, which run at their place in the plan.

        Args:
            stage: When.
            facts: The host's.
            host: Its name.
            first: Whether this is the host for what is to run on one only.
        """
        for number, hook in self._at(stage, "host"):
            if first or not hook.once:
                yield program(self._app, hook, number, self._context, facts, host)

    def _at(self, stage: Stage, on: str) -> Iterator[tuple[int, Hook]]:
        for number, hook in enumerate(self._hooks, 1):
            if hook.at == stage and hook.on == on:
                yield number, hook

    def _run(self, number: int, hook: Hook) -> None:
        if hook.run:
            run_program(
                hook.run.text,
                directory=self._source,
                environ={**os.environ, **self._context.variables(hook.at)},
                timeout_s=hook.limit_s,
                say=lambda line: self._say(f"| {line}"),
            )
        else:
            url, message = self._urls[number], self._context.message(hook.at)
            post(url, message, timeout_s=hook.limit_s)


def _urls(inventory: Inventory, app: App) -> tuple[dict[int, Secret], tuple[str, ...]]:
    """Fetch the URLs of an app's webhooks (number of the hook, from 1, -> URL), and warnings."""
    of = f"apps.{app.name}.hooks"
    sources = {f"{n} ({hook.at})": hook.webhook for n, hook in enumerate(app.hooks, 1)}
    fetched = fetch_secrets(
        {name: source for name, source in sources.items() if source},
        of=of,
        directory=inventory.path.parent,
    )
    for name, url in fetched.values.items():
        problem = check_url(url)
        if problem:
            raise ConfigurationError(
                f"cannot use the webhook {of}.{name}: the value from its source {problem}",
                hint="nothing was done; correct the source of the URL",
            )
    urls = {int(name.partition(" ")[0]): url for name, url in fetched.values.items()}
    return urls, fetched.warnings
