"""The environment of a release: the operator's variables and the generated secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.hosts.fleet import Fleet
from provisioning.protocol.queries import generated_secrets
from provisioning.secrets import GenerateSource, Secret, fetch_secrets, generate_secret

if TYPE_CHECKING:
    from provisioning.agent.answers import AppState
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App


Environment = Mapping[str, str | Secret]
"""Name -> value; a secret stays one until it is packed."""


def pack(environment: Environment) -> str:
    """Return an environment as the host reads it, secrets in the clear: for `Release` only."""
    return json.dumps(
        {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in environment.items()
        }
    )


def operators_environment(inventory: Inventory, app: App) -> tuple[Environment, tuple[str, ...]]:
    """Return an app's environment but for secrets that are generated, and warnings about them.

    Raises:
        ConfigurationError: a secret is missing, or `env_file` cannot be read.
    """
    directory = inventory.path.parent
    fetched = fetch_secrets(app.secrets, of=f"apps.{app.name}.secrets", directory=directory)
    if not app.env_file:
        return {**app.env, **fetched.values}, fetched.warnings
    # Few have one, and what reads it takes time to load.
    from provisioning.secrets.env_file import read_env_file

    of = f"apps.{app.name}.env_file"
    file = read_env_file(directory / Path(app.env_file).expanduser(), of)
    twice = sorted(file.variables.keys() & {*app.env, *app.secrets})
    if twice:
        raise ConfigurationError(
            f"{of}: {app.env_file} sets {', '.join(twice)}, which the inventory sets too",
            hint="remove each of them from one of the two",
        )
    warnings = (*fetched.warnings, *file.warnings)
    return {**app.env, **file.variables, **fetched.values}, warnings


def secret_names(app: App, environment: Environment | None) -> tuple[str, ...]:
    """Return the names of an app's variables that nobody may see, generated ones among them.

    Args:
        app: The app.
        environment: The operator's; None where it is not known.
    """
    found = (name for name, each in (environment or {}).items() if isinstance(each, Secret))
    return tuple({**dict.fromkeys(found), **dict.fromkeys(app.secrets)})


def build_secrets(inventory: Inventory, app: App) -> tuple[Environment, tuple[str, ...]]:
    """Return the variables that only an app's builds have, and warnings about them.

    Raises:
        ConfigurationError: a secret is missing.
    """
    fetched = fetch_secrets(
        app.build_secrets, of=f"apps.{app.name}.build_secrets", directory=inventory.path.parent
    )
    return fetched.values, fetched.warnings


def propose_secrets(app: App, known: Mapping[str, Secret] | None = None) -> dict[str, Secret]:
    """Return values for the secrets that are to be generated.

    Args:
        app: The app.
        known: Values that a host of the app has already; they must be the same everywhere.
    """
    return {
        name: (known or {}).get(name) or generate_secret(source.generate)
        for name, source in app.secrets.items()
        if isinstance(source, GenerateSource)
    }


def shared_secrets(fleet: Fleet, app: App, states: Mapping[str, AppState]) -> dict[str, Secret]:
    """Return the generated secrets, the same for all hosts: theirs where they have any.

    Raises:
        ConfigurationError: hosts have different ones.
        DeployRefusedError: a host does not tell one that it has.
    """
    held = {host: state.secrets for host, state in states.items()}
    known: dict[str, Secret] = {}
    for name in propose_secrets(app):
        holders = {host: digests[name] for host, digests in held.items() if name in digests}
        if len(set(holders.values())) > 1:
            raise ConfigurationError(
                f"the generated secret {name} of {app.name} differs between {', '.join(holders)}",
                hint=f"choose one value: remove {name} from /srv/{app.name}/secrets.json on the "
                "hosts with another value, then deploy again",
            )
        if holders and len(holders) < len(fleet.runs):
            holder = next(run for run in fleet.runs if run.name in holders)
            values = Fleet([holder]).all(lambda run: run.ask(generated_secrets(app.name)))
            if name not in values.get(holder.name, {}):
                raise DeployRefusedError(
                    f"cannot deploy {app.name}: {holder.name} does not send the generated secret "
                    f"{name} that it has, and all hosts must have the same value",
                    hint=f"check /srv/{app.name}/secrets.json there",
                )
            known[name] = Secret(values[holder.name][name])
    return propose_secrets(app, known)
