"""What the host has of an app: releases, what happened to them, and digests of its secrets."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping

from provisioning.agent.answers import AppState, ReleaseInfo, plain
from provisioning.agent.apps.environment import generated_secrets
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import runtime_path
from provisioning.agent.machine.system import System
from provisioning.agent.resources.applied_settings import applied_settings

HISTORY_LINES = 200


def answer(message: Mapping[str, Any], system: System) -> Any:
    """Return what the host has of an app.

    Args:
        message: "app"; "salt" of the secrets' digests.
        system: The machine.
    """
    app = message["app"]
    releases = Releases(app, system)
    salt = message.get("salt", "")
    manifests = releases.manifests()
    conditions = {name: releases.condition(name, each) for name, each in manifests.items()}
    state = AppState(
        live=releases.live,
        previous=releases.previous,
        stopped=releases.stopped,
        provisioned=system.stat(releases.layout.releases) is not None,
        releases=tuple(map(_info, manifests.values())),
        lost={name: each.lost for name, each in conditions.items() if each.lost},
        lacks={name: tuple(each.lacks) for name, each in conditions.items() if each.lacks},
        history=tuple(releases.history()[-HISTORY_LINES:]),
        secrets={
            name: hashlib.sha256(f"{salt}{value}".encode()).hexdigest()
            for name, value in generated_secrets(system, app).items()
        },
        applied=applied_settings(system.memory, app),
    )
    return plain(state)


def _info(manifest: Mapping[str, Any]) -> ReleaseInfo:
    known = ReleaseInfo._fields
    said = {name: value for name, value in manifest.items() if name in known}
    return ReleaseInfo(**{**said, "runtime": runtime_path(manifest)})
