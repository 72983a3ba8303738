"""What a hook gets to know: the release, the hosts, the operator, and the result."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from provisioning.inventory.models.hooks import Stage

Command = Literal["deploy", "rollback", "restart"]


@dataclass(frozen=True)
class HookContext:
    """One app's deploy, rollback or restart, as far as it is known by now.

    Args:
        app: The app's name.
        environment: The inventory's.
        command: What was typed.
        by: Who did.
        hosts: All that it is for.
        release: What is to go live, or is; "" before it is built.
        previous: What was live before on the first host; "" while that is not known.
        commit: The full hash of the release's commit; "" where there is none.
        id: Of this one run of the command.
    """

    app: str
    environment: str
    command: Command
    by: str
    hosts: tuple[str, ...]
    release: str = ""
    previous: str = ""
    commit: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def variables(self, stage: Stage, host: str = "") -> dict[str, str]:
        """Return the environment variables of a hook.

        Args:
            stage: When it runs.
            host: The host on which it runs; "" for the controller.
        """
        told = {
            "HOMEPORT_APP": self.app,
            "HOMEPORT_RELEASE": self.release,
            "HOMEPORT_PREVIOUS": self.previous,
            "HOMEPORT_HOSTS": " ".join(self.hosts),
            "HOMEPORT_ENVIRONMENT": self.environment,
            "HOMEPORT_COMMAND": self.command,
            "HOMEPORT_STAGE": stage,
            "HOMEPORT_RESULT": _result(stage),
            "HOMEPORT_BY": self.by,
            "HOMEPORT_COMMIT": self.commit,
        }
        return {**told, "HOMEPORT_HOST": host} if host else told

    def message(self, stage: Stage) -> dict[str, Any]:
        """Return the message to a webhook; chats such as Slack show its `text`."""
        return {
            "text": self._text(stage),
            "id": self.id,
            "app": self.app,
            "release": self.release,
            "previous": self.previous,
            "hosts": list(self.hosts),
            "environment": self.environment,
            "command": self.command,
            "stage": stage,
            "result": _result(stage),
            "by": self.by,
            "commit": self.commit,
        }

    def _text(self, stage: Stage) -> str:
        what = f"{self.app} {self.release}".strip()
        said = {
            "after-switch": f"{what} is live",
            "after-rollback": f"{what} is live again",
            "after-failure": f"the {self.command} of {what} failed",
        }.get(stage, f"{self.command} of {what}: {stage}")
        return f"{said} ({self.environment}: {', '.join(self.hosts)}; {self.by})"


def _result(stage: Stage) -> str:
    if stage == "after-failure":
        return "failed"
    return "ok" if stage.startswith("after-") else ""
