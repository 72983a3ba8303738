"""The live release once more, under a new id: with another environment, or only restarted.

What visitors have is switched as in any deploy: a renewed release that does not start, or
does not answer, never sees one. Nothing is uploaded: the code is the host's own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioning.agent.layout import AppLayout
from provisioning.deploy.artifact import release_id
from provisioning.deploy.deployment import (
    import_probe,
    instance,
    operators_environment,
    propose_secrets,
)
from provisioning.deploy.processes import calendars, trial
from provisioning.errors import ConfigurationError
from provisioning.resources import (
    Release,
    Resource,
    StaticFiles,
)
from provisioning.roles import (
    APP_SERVERS,
    put_in_order_before,
    release_units,
)

if TYPE_CHECKING:
    from provisioning.agent.facts import Facts
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App


@dataclass(frozen=True)
class Renewal:
    """One app's live release, to be made anew on all its hosts.

    Args:
        app: The app.
        env: The environment as given by the operator; None keeps what the release has.
        tls: Whether its site is served on 443.
        by: Who does this.
        proposed: Values for secrets that are to be generated; a host's own win.
        rotate: All that are generated get new values.
    """

    app: App
    env: Mapping[str, str] | None = field(repr=False)
    tls: bool
    by: str
    proposed: Mapping[str, str] = field(default_factory=dict, repr=False)
    rotate: bool = False

    @property
    def what(self) -> str:
        """What others are told that it is."""
        if self.rotate:
            return f"rotation of the secrets of {self.app.name}"
        return f"{'restart' if self.env is None else 'new environment'} of {self.app.name}"


def plan_renewal(
    inventory: Inventory, app: App, by: str, *, new_environment: bool, rotate: bool = False
) -> Renewal:
    """Gather what a renewal needs from the operator's machine.

    Raises:
        ConfigurationError: a secret is missing, or there is none to be rotated.
    """
    if rotate and not propose_secrets(app):
        raise ConfigurationError(
            f"{app.name} has no secrets that Homeport generates: there is nothing to rotate",
            hint="give the others new values where they come from, then fab deploy --env-only",
        )
    env = operators_environment(inventory, app) if new_environment else None
    proposed = propose_secrets(app) if rotate else {}
    return Renewal(
        app, env, tls=inventory.tls.method != "off", by=by, proposed=proposed, rotate=rotate
    )


def renewed_id(live: str) -> str:
    """Return an id for a release with the code of another."""
    return release_id(time.time(), live.rpartition("-")[2])


def renew(
    renewal: Renewal, release: str, live: Mapping[str, Any], facts: Facts
) -> Iterator[Resource]:
    """Yield what the renewed release needs before it may go live.

    Args:
        renewal: What is wanted.
        release: Its new id.
        live: Manifest of the host's live release.
        facts: The host's.
    """
    app = renewal.app
    yield from calendars(app)
    yield from put_in_order_before(app)
    yield Release(
        app=app.name,
        release=release,
        files={},
        base=live["release"],
        shared=tuple(app.shared),
        static=live["static"],
        # Those that it had stay masked, whatever the inventory says now.
        secrets=tuple({**dict.fromkeys(live["secrets"]), **dict.fromkeys(app.secrets)}),
        venv=f"{AppLayout(app.name).venvs}/{live['venv']}",
        python=live["python"],
        server=APP_SERVERS[app.server].server_config(app, facts, release),
        units=release_units(app, facts, release),
        env=json.dumps(renewal.env),
        proposed=json.dumps(renewal.proposed),
        rotate=renewal.rotate,
        about={
            "by": renewal.by,
            "commit": live.get("commit", ""),
            "dirty": live.get("dirty", ""),
            "migrates": "",
            "renews": live["release"],
        },
    )
    yield StaticFiles(app.name, release)
    yield import_probe(app, release, facts)
    yield instance(app, release)
    yield trial(app, release, known=True)
