"""How `fab` calls our commands: once each, with all hosts of `-H`.

Fabric itself calls a task once per host, one after the other, and the first failure stops
the rest. `fabric.yml` names this executor in its place.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fabric.executor import Executor
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Call, Task

from provisioning.errors import ConfigurationError, HomeportError, InterruptedRunError
from provisioning.secrets import REDACTOR

HOSTS = "fleet_hosts"
"""Name under which a task's context carries the hosts of `-H`."""


class FleetTask(Task[Any]):
    """A task that is called once, whatever the number of hosts."""


class FleetCall(Call):
    """A call of a FleetTask with the hosts of `-H`."""

    def __init__(self, *args: Any, hosts: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hosts = tuple(hosts)

    def clone_data(self) -> dict[str, Any]:
        """Return what a copy of this call is made of."""
        return {**super().clone_data(), "hosts": self.hosts}

    def make_context(self, config: Any) -> Context:
        """Return the task's first argument."""
        context = super().make_context(config)
        # A Context keeps plain attributes in its configuration; this one is not for there.
        context._set(**{HOSTS: self.hosts})
        return context


class FleetExecutor(Executor):
    """Fabric's executor, but for our tasks."""

    def expand_calls(self, calls: Iterable[Any], apply_hosts: bool = True) -> list[Any]:
        """Return the calls to make, in order."""
        hosts = [name for name in (self.core[0].args.hosts.value or "").split(",") if name.strip()]
        expanded: list[Any] = []
        for call in calls:
            call = Call(task=call) if isinstance(call, Task) else call
            if isinstance(call.task, FleetTask):
                expanded.append(call.clone(into=FleetCall, with_={"hosts": hosts}))
            else:
                expanded += super().expand_calls([call], apply_hosts)  # type: ignore[no-untyped-call]
        return expanded


def fleet_task(*, name: str = "", help: dict[str, str] | None = None) -> Callable[[Any], FleetTask]:
    """Turn a function into a command that is called once with all hosts.

    The function takes the context and the command's flags, and returns an exit code.

    Args:
        name: The command's name; default: the function's.
        help: Flag -> one line.
    """

    def decorate(body: Callable[..., int]) -> FleetTask:
        def command(context: Context, *args: Any, **kwargs: Any) -> None:
            finish(lambda: body(context, *args, **kwargs))

        command.__doc__ = body.__doc__
        command.__name__ = name or body.__name__
        command.__wrapped__ = body  # type: ignore[attr-defined]  # invoke reads the signature
        return FleetTask(command, name=name or None, help=help or {}, auto_shortflags=False)

    return decorate


def hosts_of(context: Context) -> tuple[str, ...]:
    """Return the hosts of `-H`.

    Raises:
        ConfigurationError: fab runs without our executor, and would call a command once per
            host.
    """
    hosts = getattr(context, HOSTS, None)
    if hosts is None:
        raise ConfigurationError(
            "cannot run: fabric.yml beside the fabfile does not name Homeport's executor",
            hint="`fab init` writes it",
        )
    return tuple(hosts)


def sudo_password_of(context: Context) -> str | None:
    """Return what `fab --prompt-for-sudo-password` or the configuration gave."""
    password = context.config.sudo.password
    return str(password) if password else None


def finish(command: Callable[[], int]) -> None:
    """Run a command and end with its exit code; nobody sees a traceback.

    Raises:
        Exit: it did not end with 0.
    """
    try:
        code = command()
    except HomeportError as error:
        raise Exit(f"error: {REDACTOR.redact(str(error))}", error.exit_code) from None
    except KeyboardInterrupt:
        raise Exit("interrupted", InterruptedRunError.exit_code) from None
    except BrokenPipeError:
        raise Exit("", 1) from None
    except Exception as error:
        if os.environ.get("HOMEPORT_DEBUG"):
            raise
        raise Exit(_bug(error), 1) from None
    if code:
        raise Exit(code=code)


def _bug(error: Exception) -> str:
    """Return what a person is told of an error that nobody expected."""
    text = REDACTOR.redact("".join(traceback.format_exception(error)))
    descriptor, path = tempfile.mkstemp(prefix="homeport-", suffix=".traceback")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return (
        f"error: this is a bug in Homeport: {type(error).__name__}: {REDACTOR.redact(str(error))}\n"
        f"  try: report it with {Path(path)}, which says where; HOMEPORT_DEBUG=1 shows it here"
    )


__all__ = [
    "FleetExecutor",
    "finish",
    "fleet_task",
    "hosts_of",
    "sudo_password_of",
]
