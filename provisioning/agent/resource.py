"""What every resource type is made of.

A resource is one frozen dataclass. Its fields are at once what the author of a role
types, what is sent to the host, and what is compared there:

    desired()               what should be: flat plain values; None means absent
    actual(system)          what is, under the same names
    apply(system, change)   make it so; must be safe to repeat after dying anywhere
"""

from __future__ import annotations

import dataclasses
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    Mapping,
    Sequence,
    Tuple,
    TypeVar,
    Union,
)

from provisioning.agent.blob import Blob
from provisioning.agent.claims import Claim, Obstacle

if TYPE_CHECKING:
    from provisioning.agent.machine.system import System

Value = Union[str, int, bool, None]
State = Mapping[str, Value]
Change = Mapping[str, Tuple[Value, Value]]
"""Name -> (actual, desired), for the names that differ."""


class Resource:
    """One thing on a host, with its desired state."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """What tells this resource from others of its kind."""
        raise NotImplementedError

    @property
    def id(self) -> str:
        """`kind:name`, unique within a plan."""
        return f"{self.kind}:{self.name}"

    @property
    def inputs(self) -> Iterable[Tuple[str, str]]:
        """Earlier resources that this one must act upon when they change.

        Pairs of a resource's id and the record in the host's memory that a change of it
        makes untrue.
        """
        return ()

    def bound(self, digest: Callable[[Tuple[str, ...]], str]) -> Resource:
        """Return a copy that carries the digest of its inputs. Called while planning."""
        return self

    def as_input(self) -> Dict[str, Any]:
        """Return what those that depend on this one remember of it: all that it says, mostly."""
        return encode(self)

    def blobs(self) -> Iterable[Blob]:
        """Contents this resource may need on the host."""
        return ()

    def missing(self, system: System) -> Iterable[Blob]:
        """Those of `blobs()` that applying will need: everything that is not there already."""
        return self.blobs()

    def desired(self) -> State:
        """What should be."""
        raise NotImplementedError

    def actual(self, system: System) -> State:
        """Return the actual state. Must not change anything."""
        raise NotImplementedError

    def apply(self, system: System, change: Change) -> None:
        """Make it so.

        Raises:
            AgentError: it could not be done.
        """
        raise NotImplementedError

    def test(self, system: System, change: Change) -> None:  # noqa: B027
        """Return if the change may be made; nothing has been touched or forgotten yet.

        Raises:
            AgentError: a program refuses what it would be given.
        """

    def claims(self) -> Iterable[Claim]:
        """Return the things that this resource makes, changes or removes.

        What is there of them and is not Homeport's stops a run before its first change.
        """
        return ()

    def obstacles(self, system: System, run: Sequence[Resource]) -> Iterable[Obstacle]:
        """Return other things in the way of this resource that belong to others.

        Args:
            system: The machine, as the run found it.
            run: All resources of the run.
        """
        return ()

    def text_changes(self, system: System) -> Iterable[Tuple[str, bytes, bytes]]:
        """Return (path, before, after) of texts for `--diff`; secrets are left out."""
        return ()


Ref = Union[Resource, str]


def reference_ids(references: Iterable[Ref]) -> Tuple[str, ...]:
    """Return the ids of resources given as resources or as ids."""
    return tuple(ref if isinstance(ref, str) else ref.id for ref in references)


def normalise(resource: object, **values: object) -> None:
    """Set fields of a frozen dataclass from within its `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(resource, name, value)


def differences(desired: State, actual: State) -> Dict[str, Tuple[Value, Value]]:
    """Return what differs, by name: (actual, desired)."""
    return {
        name: (actual.get(name), value)
        for name, value in desired.items()
        if actual.get(name) != value
    }


R = TypeVar("R", bound="Resource")


def encode(resource: Resource) -> Dict[str, Any]:
    """Turn a resource into plain values for the wire."""
    values: Dict[str, Any] = {"kind": resource.kind}
    for each in dataclasses.fields(resource):  # type: ignore[arg-type]
        value = _plain(getattr(resource, each.name))
        if value != _plain_default(each):
            values[each.name] = value
    return values


def decode(types: Mapping[str, type], values: Mapping[str, Any]) -> Resource:
    """Build a resource from plain values.

    Args:
        types: Kind -> dataclass.
        values: What `encode` made.
    """
    fields = {name: _rich(value) for name, value in values.items() if name != "kind"}
    resource = types[values["kind"]](**fields)
    assert isinstance(resource, Resource)
    return resource


def _plain_default(each: Any) -> Any:
    if each.default is not dataclasses.MISSING:
        return _plain(each.default)
    if each.default_factory is not dataclasses.MISSING:
        return _plain(each.default_factory())
    return dataclasses.MISSING


def _plain(value: Any) -> Any:
    if isinstance(value, Blob):
        return {"blob": value.digest, "size": value.size, "secret": value.secret}
    if isinstance(value, Mapping):
        return {"map": {key: _plain(each) for key, each in value.items()}}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise TypeError(f"cannot send a {type(value).__name__} to a host: {value!r}")


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_rich(each) for each in value)
    if isinstance(value, dict):
        if "blob" in value:
            return Blob(value["blob"], value["size"], value["secret"])
        return {key: _rich(each) for key, each in value["map"].items()}
    return value
