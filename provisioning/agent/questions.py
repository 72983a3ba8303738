"""What a controller may ask without changing anything."""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Dict, Mapping

from provisioning.agent.apps.environment import generated_secrets
from provisioning.agent.apps.logs import logs
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.status import host_status
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.client_address import caller
from provisioning.agent.machine.record import Record
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import backups
from provisioning.agent.read_facts import gather_facts
from provisioning.agent.runs.relay import current_run

Question = Callable[[Mapping[str, Any], System], Any]


def _facts(message: Mapping[str, Any], system: System) -> Any:
    return gather_facts(system, message.get("candidates", ())).to_json()


def _app(message: Mapping[str, Any], system: System) -> Any:
    """Tell what is there of an app: releases, what became of them, and secrets' digests."""
    app = message["app"]
    releases = Releases(app, system)
    salt = message.get("salt", "")
    return {
        "live": releases.live,
        "previous": releases.previous,
        "stopped": releases.stopped,
        "provisioned": system.stat(releases.layout.releases) is not None,
        "releases": [
            {
                key: value
                for key, value in releases.manifest(each).items()
                if key not in ("files", "links")
            }
            for each in releases.complete()
        ],
        "lacks": {each: lacks for each in releases.complete() if (lacks := releases.lacks(each))},
        "history": releases.history()[-HISTORY_LINES:],
        "secrets": {
            name: hashlib.sha256(f"{salt}{value}".encode()).hexdigest()
            for name, value in generated_secrets(system, app).items()
        },
    }


def _owned(message: Mapping[str, Any], system: System) -> Any:
    """Tell what Homeport made here, for whom, and what was handed over to it."""
    record = Record.of_host(writable=False)
    return {
        "apps": {
            name: {"owner": entry.owner, "domains": list(entry.domains)}
            for name, entry in record.apps.items()
        },
        "things": {
            thing: {"owners": owners, "since": since}
            for thing, (owners, since) in record.things().items()
        },
        "adopted": {
            when: [each["id"] for each in kept.things]
            for when, kept in backups.kept(system).items()
            if not kept.is_restored
        },
    }


def _run(message: Mapping[str, Any], system: System) -> Any:
    """Tell of the run that is under way in the background; null if there is none."""
    return current_run()


def _secrets(message: Mapping[str, Any], system: System) -> Any:
    """Tell the values of an app's generated secrets, for another host of the app."""
    return generated_secrets(system, message["app"])


HISTORY_LINES = 200

QUESTIONS: Dict[str, Question] = {
    "app": _app,
    "caller": caller,
    "facts": _facts,
    "logs": logs,
    "owned": _owned,
    "run": _run,
    "secrets": _secrets,
    "status": host_status,
}


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Answer a question.

    Args:
        message: {"ask": name, ...} with what the question needs besides.
        system: The machine.

    Raises:
        AgentError: the question is unknown or cannot be answered.
    """
    try:
        question = QUESTIONS[message["ask"]]
    except KeyError:
        raise AgentError(f"unknown question {message['ask']!r}") from None
    return question(message, system)
