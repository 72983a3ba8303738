"""What is there of an app: releases, what became of them, and secrets' digests."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Mapping

from provisioning.agent.apps.environment import generated_secrets
from provisioning.agent.apps.releases import Releases
from provisioning.agent.machine.system import System

HISTORY_LINES = 200


def answer(message: Mapping[str, Any], system: System) -> Dict[str, Any]:
    """Return what is there of an app.

    Args:
        message: "app"; "salt" of the secrets' digests.
        system: The machine.
    """
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
