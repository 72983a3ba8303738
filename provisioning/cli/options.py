"""The options of every command that works on hosts, and their flags."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from provisioning.cli.executor import FleetContext
from provisioning.errors import HomeportError, InterruptedRunError

COMMON = ("env", "limit", "parallel", "json", "accept_new_host_keys")
"""The flags of every command that works on many hosts."""


@dataclass(frozen=True)
class Options:
    """What was said, by flags and to `fab` itself.

    Args:
        env: The environment; "" chooses as `provisioning.inventory.load` says.
        limit: Hosts or groups, with commas between.
        parallel: How many hosts are worked on at the same time.
        json: Print events as JSON lines.
        accept_new_host_keys: Trust hosts that are seen for the first time.
        check, diff: See Mode.
        adopt: Things that are handed over, with commas between.
        hosts: Those of `-H`, as they were typed.
        connect: About connecting: see FleetContext.connect_options.
    """

    env: str = ""
    limit: str = ""
    parallel: int = 32
    json: bool = False
    accept_new_host_keys: bool = False
    check: bool = False
    diff: bool = False
    adopt: str = ""
    hosts: tuple[str, ...] = ()
    connect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def adopted(self) -> tuple[str, ...]:
        """The things that are handed over."""
        return tuple(name.strip() for name in self.adopt.split(",") if name.strip())


@contextmanager
def _errors_as_events(*, json: bool) -> Iterator[None]:
    """Have the last line of JSON say why a command ended that could not go on."""
    try:
        yield
    except (HomeportError, KeyboardInterrupt) as error:
        if json:
            from provisioning.report import make_sink

            interrupted = InterruptedRunError("interrupted")
            sink = make_sink(json=True)
            sink.error(error if isinstance(error, HomeportError) else interrupted)
        raise


def takes_options(*flags: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command flags that set fields of `Options`.

    Args:
        flags: Names of the fields. The command is called with its context, `options`, and
            the flags of its own; Invoke sees the flags of both in its signature.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        signature = inspect.signature(command)
        context, _, *own = signature.parameters.values()
        offered = [
            inspect.Parameter(name, context.kind, default=getattr(Options, name)) for name in flags
        ]

        @wraps(command)
        def with_flags(context: FleetContext, *args: Any, **given: Any) -> int:
            said = {name: given.pop(name) for name in flags if name in given}
            options = Options(**said, hosts=context.hosts, connect=context.connect_options)
            with _errors_as_events(json=options.json):
                return command(context, options, *args, **given)

        with_flags.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[context, *own, *offered]
        )
        return with_flags

    return decorate
