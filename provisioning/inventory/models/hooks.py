"""Hooks before and after the steps of a deploy: `[[apps.<name>.hooks]]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import AnyCommand, Seconds, Yes
from provisioning.inventory.types.sources import LocalSource

Stage = Literal[
    "before-build",
    "after-build",
    "before-migrate",
    "after-migrate",
    "before-switch",
    "after-switch",
    "before-rollback",
    "after-rollback",
    "after-failure",
]

EARLIER = {"before-flip": "before-switch", "after-flip": "after-switch"}
"""Earlier names of stages -> what they are called now."""


def _called_otherwise(value: object) -> object:
    if isinstance(value, str) and value in EARLIER:
        raise ValueError(f'is called "{EARLIER[value]}" now')
    return value


BLOCKING: frozenset[Stage] = frozenset(
    {"before-build", "after-build", "before-migrate", "after-migrate", "before-switch",
     "before-rollback"}
)  # fmt: skip
"""Until then visitors still have the old release: a hook that fails keeps it so."""

ON_HOSTS: frozenset[Stage] = frozenset(
    {"before-migrate", "after-migrate", "before-switch", "after-switch", "before-rollback",
     "after-rollback"}
)  # fmt: skip
"""When the release lies on the hosts, so that a hook can run in it there."""

PROGRAM_TIMEOUT_S, WEBHOOK_TIMEOUT_S = 600, 10


class Hook(Model):
    """A command or a notification at one step of a deploy or a rollback."""

    at: Annotated[Stage, BeforeValidator(_called_otherwise)] = Field(
        description="When it runs. Before the switch, a hook that fails stops the deploy; after "
        "it, a failure is a warning. Both a deploy and a rollback switch."
    )
    run: AnyCommand | None = Field(
        default=None,
        description="A command, as a line or a list of words; on the controller in the app's "
        "source, on a host in the release's code.",
    )
    webhook: LocalSource | None = Field(
        default=None,
        description="Instead of run: the source of the URL to which Homeport posts a JSON object.",
    )
    on: Literal["controller", "host"] = Field(
        default="controller",
        description="Where it runs. host: on each, as the app, in its sandbox and environment.",
    )
    once: Yes = Field(
        default=False,
        description="On the first host only. Migration hooks always run on one host only.",
    )
    timeout_s: Seconds | None = Field(
        default=None,
        description="Seconds after which the hook is ended, with everything that it started, and "
        f"counts as failed. Default: {PROGRAM_TIMEOUT_S}; of each attempt of a "
        f"webhook {WEBHOOK_TIMEOUT_S}.",
    )

    @property
    def limit_s(self) -> int:
        """Seconds after which it is ended."""
        return self.timeout_s or (WEBHOOK_TIMEOUT_S if self.webhook else PROGRAM_TIMEOUT_S)

    @property
    def stops(self) -> bool:
        """Whether its failure stops the command, or is only worth a warning."""
        return self.at in BLOCKING

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Hook:
        if (self.run is None) == (self.webhook is None):
            raise ValueError("must have either run or webhook")
        if self.on == "host" and self.webhook:
            raise ValueError("a webhook is called from the controller; remove on")
        if self.on == "host" and self.at not in ON_HOSTS:
            raise ValueError(
                f"at {self.at} there may be no release on the host to run it in; "
                'it needs on = "controller"'
            )
        if self.once and self.on != "host":
            raise ValueError('once is for hooks with on = "host"')
        return self
