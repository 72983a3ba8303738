"""Resources -> plan: unique ids, references that exist, digests of inputs.

All mistakes that can be found without a host are found here, before any connection.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioning.agent.blob import as_blob
from provisioning.agent.resource import Resource
from provisioning.agent.resources.file_set import FileSet
from provisioning.agent.resources.unit import DIRECTORY as UNITS
from provisioning.agent.resources.unit import Unit
from provisioning.errors import ConfigurationError


@dataclass(frozen=True)
class Plan:
    """What one run is to make true on one host.

    Args:
        run: A random id, which the run's last event repeats.
        resources: In order; each with the digest of its inputs.
        blobs: Digest -> content, for a host that lacks it.
        facts: Digest of the facts that the resources were made for; "" for any.
        candidates: Facts that were looked at of programs that may not be installed.
        roles: Id of a resource -> the role that made it, where one did.
    """

    run: str
    resources: Sequence[Resource]
    blobs: Mapping[str, bytes] = field(repr=False)
    facts: str = ""
    candidates: Sequence[str] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    def texts(self) -> dict[str, str]:
        """Return path on the host -> text, for the files that a validation may speak of."""
        texts = {
            f"{resource.root}/{path}": as_blob(content).text
            for resource in self.resources
            if isinstance(resource, FileSet)
            for path, content in resource.files.items()
        }
        units = (resource for resource in self.resources if isinstance(resource, Unit))
        return texts | {f"{UNITS}/{unit.path}": as_blob(unit.content).text for unit in units}


def make_plan(
    resources: Iterable[Resource], *, facts: str = "", roles: Mapping[str, str] | None = None
) -> Plan:
    """Check that resources make sense together, and bind each to its inputs.

    Args:
        resources: In order.
        facts: Digest of the facts that they were made for; "" for any.
        roles: Id of a resource -> the role that made it.

    Raises:
        ConfigurationError: two resources share an id, or one refers to a resource that does
            not come before it.
    """
    bound: list[Resource] = []
    digests: dict[str, str] = {}
    blobs: dict[str, bytes] = {}
    for resource in resources:
        if resource.id in digests:
            raise ConfigurationError(
                f"two resources are called {resource.id}",
                hint="merge them, or give one of them another name",
            )
        for input_id, _ in resource.inputs:
            if input_id not in digests:
                raise ConfigurationError(
                    f"{resource.id} refers to {input_id}, which does not come before it",
                    hint=f"put {input_id} before {resource.id} in the role's list",
                )
        resource = resource.bound(lambda ids: _digest([digests[each] for each in ids]))
        digests[resource.id] = _digest(resource.as_input())
        bound.append(resource)
        for blob in resource.blobs():
            if blob.data is not None:
                blobs[blob.digest] = blob.data
    return Plan(secrets.token_hex(8), tuple(bound), blobs, facts, roles=roles or {})


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
