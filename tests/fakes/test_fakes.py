"""A stand-in has the shape of what it stands in for: a method that is renamed there fails here."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from provisioning.agent.facts import Facts
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.system import System
from provisioning.hooks.context import HookContext
from provisioning.hooks.hooks import Hooks
from provisioning.hosts import client, exec
from provisioning.hosts.host import RemoteHost
from provisioning.inventory.models.app import App
from provisioning.report import make_sink
from provisioning.report.console import PipedConsole
from provisioning.transport import Channel, Counters
from tests import fakes
from tests.fakes.channel import AgentChannel, AgentHost, PlayedChannel
from tests.fakes.console import FakeConsole
from tests.fakes.hooks import NoHooks
from tests.fakes.remote_host import (
    BareHost,
    BusyHost,
    FakeHost,
    LockedHost,
    LoggingHost,
    SwitchingHost,
)
from tests.fakes.system import (
    AppSystem,
    CheckedAppSystem,
    InstalledSystem,
    JournalSystem,
    QuietSystem,
    QuotaSystem,
    StrangerSystem,
    WrittenSystem,
)


def _remote_host() -> RemoteHost:
    def opened(command: str) -> Channel:
        raise AssertionError(command)

    return RemoteHost("web1", opened, counters=Counters, sink=make_sink(stream=io.StringIO()))


def _hooks() -> Hooks:
    app = App(name="hello", source=".", wsgi="app:app", domains=("hello.example",))
    context = HookContext("hello", "production", "deploy", "me", ())
    return Hooks(app, context, source=Path(), urls={}, say=lambda line: None)


IMITATIONS: list[tuple[object, object, Sequence[str]]] = [
    # The stand-in, what it stands in for, and what it has besides, for tests.
    (FakeHost(), _remote_host(), ["notes"]),
    (LockedHost("web1", {"web1": threading.Lock()}), _remote_host(), ["notes"]),
    (BusyHost("web1", live=""), _remote_host(), ["notes"]),
    (
        SwitchingHost("web1", "1", "2"),
        _remote_host(),
        ["notes", "live", "running", "go_silent", "make"],
    ),
    (LoggingHost(), _remote_host(), ["notes", "asked"]),
    (BareHost(Facts(), {}), _remote_host(), ["notes", "asked"]),
    (NoHooks(), _hooks(), ["left"]),
    (PlayedChannel(), Channel, ["sent", "closed"]),
    (AgentChannel(b""), Channel, ["heard", "cut", "answers"]),
    (AgentHost(), _remote_host(), ["connections", "failures"]),
    (FakeConsole(), PipedConsole(), ["seen", "wait_for"]),
    (QuietSystem(), System(), ["told", "loaded"]),
    (QuotaSystem("", ""), System(), ["told", "loaded"]),
    (WrittenSystem({}), System(), []),
    (StrangerSystem(0), System(), []),
    (AppSystem(0, 0), System(), []),
    (CheckedAppSystem(0, 0), Overlay(), []),
    (JournalSystem(longest=0), System(), ["asked"]),
    (InstalledSystem(), Overlay(), ["names", "dies"]),
]


def _public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def _shape(method: object) -> list[tuple[str, object, object]]:
    """Return a method's parameters but for self: names, kinds, defaults."""
    assert callable(method)
    parameters = list(inspect.signature(method).parameters.values())
    return [(each.name, each.kind, each.default) for each in parameters if each.name != "self"]


@pytest.mark.parametrize(
    ("fake", "real", "besides"), IMITATIONS, ids=[type(each[0]).__name__ for each in IMITATIONS]
)
def test_it_has_what_the_real_one_has_and_what_is_named_here(
    fake: object, real: object, besides: Sequence[str]
) -> None:
    assert _public(fake) - _public(real) == set(besides)
    for name in _public(fake) - set(besides):
        ours, theirs = getattr(fake, name), getattr(real, name)
        assert callable(ours) is callable(theirs), name
        if inspect.isroutine(ours):
            assert _shape(ours) == _shape(theirs), name


@pytest.mark.parametrize("protocol", [client.Channel, exec.Channel])
@pytest.mark.parametrize(
    "fake", [PlayedChannel(), AgentChannel(b"")], ids=lambda each: type(each).__name__
)
def test_a_channel_has_all_that_is_asked_of_one(fake: object, protocol: type) -> None:
    assert _public(protocol) <= _public(fake)


def test_hooks_and_consoles_have_all_that_is_asked_of_them() -> None:
    assert _public(_hooks()) - _public(NoHooks()) == {"of"}
    assert _public(exec.Console) | set(exec.Console.__annotations__) <= _public(FakeConsole())


def test_no_stand_in_is_left_out() -> None:
    found = set()
    for module in pkgutil.iter_modules(fakes.__path__):
        for each in vars(importlib.import_module(f"tests.fakes.{module.name}")).values():
            if inspect.isclass(each) and each.__module__ == f"tests.fakes.{module.name}":
                found.add(each.__name__)
    assert {type(each[0]).__name__ for each in IMITATIONS} == {
        name for name in found if not name.startswith("_")
    }


def test_a_method_that_is_renamed_is_noticed() -> None:
    class Renamed(PlayedChannel):
        def receive_some(self) -> bytes:
            return b""

    with pytest.raises(AssertionError):
        test_it_has_what_the_real_one_has_and_what_is_named_here(
            Renamed(), Channel, ["sent", "closed"]
        )
