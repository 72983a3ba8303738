"""How `fab` runs Homeport's commands: each once, with all the hosts of -H, and a clean end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fabric import executor as fabric_executor
from fabric import tasks as fabric_tasks
from fabric.connection import Connection
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Call, Task

from provisioning.endings import clean_ending
from provisioning.errors import ConfigurationError
from provisioning.secrets import Secret


class FleetContext(Context):
    """What a command is called with, as its first argument.

    Attributes:
        hosts: The hosts of -H as given, without repetitions; empty without -H.
    """

    def __init__(self, config: Config, hosts: Sequence[str] = ()) -> None:
        super().__init__(config)
        self._set(_fleet_hosts=tuple(hosts))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of -H, as given; empty without -H."""
        hosts: tuple[str, ...] = self._fleet_hosts
        return hosts

    @property
    def dry(self) -> bool:
        """Whether `fab --dry` was given: show what would be done, and do nothing."""
        return bool(self.config.run.dry)

    @property
    def connect_options(self) -> dict[str, Any]:
        """What `fab` was told about connecting, as arguments for `transport.connect`.

        They are -i, -S, -t and the --prompt-for-... flags, or the same in fabric.yml;
        what was not given is not in it.
        """
        given: Mapping[str, Any] = self.config.connect_kwargs
        identities = given.get("key_filename") or []
        paths = [identities] if isinstance(identities, str) else identities
        ssh_config = getattr(self.config, "_runtime_ssh_path", None)
        passphrase = _secret(given.get("passphrase"))
        timeout_s = given.get("timeout") or self.config.timeouts.connect
        options = {
            "identities": [Path(path).expanduser() for path in paths],
            "ssh_config": Path(ssh_config).expanduser() if ssh_config else None,
            "connect_timeout_s": float(timeout_s) if timeout_s else None,
            "login_password": _secret(given.get("password")),
            "sudo_password": _secret(self.config.sudo.password),
            "ask_passphrase": (lambda path: passphrase) if passphrase else None,
        }
        return {name: value for name, value in options.items() if value}


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


class FleetTask(fabric_tasks.Task):
    """A command that is called once for all hosts, and whose errors end without a traceback."""

    def __call__(self, context: Context, *args: Any, **kwargs: Any) -> Any:
        """Call the command.

        Returns:
            What it returned; a number is an exit code, and then it is 0.

        Raises:
            Exit: The command failed; `fab` prints the message and ends with the code.
        """
        with clean_ending():
            if isinstance(context, Connection):
                raise ConfigurationError(
                    "cannot run on several hosts: fabric.yml beside the fabfile "
                    "does not name the executor",
                    hint="`fab init` in that folder writes it",
                )
            if not isinstance(context, FleetContext):
                context = FleetContext(context.config)
            result = super().__call__(context, *args, **kwargs)
            if isinstance(result, int) and result:
                raise Exit(code=int(result))
            return result


def fleet_task(
    *,
    name: str = "",
    aliases: Iterable[str] = (),
    help: Mapping[str, str] | None = None,
    default: bool = False,
    iterable: Iterable[str] = (),
    optional: Iterable[str] = (),
    positional: Iterable[str] | None = None,
) -> Callable[[Callable[..., Any]], FleetTask]:
    """Turn a function into a command that is called once with all hosts.

    The function takes a `FleetContext` and the command's flags, and returns an exit
    code (or nothing). There are no one-letter flags: one of them would take -h away.

    Args:
        name: The command's name; "" for the function's.
        aliases: Other names.
        help: Flag -> one line.
        default: Whether it is what the name of its group alone calls.
        iterable: Flags that may be given several times.
        optional: Flags that may be given without a value.
        positional: Parameters that need no flag; None for those without a default.
    """
    make: Callable[..., FleetTask] = FleetTask

    def decorate(body: Callable[..., Any]) -> FleetTask:
        return make(
            body,
            name=name or None,
            aliases=tuple(aliases),
            help=dict(help or {}),
            default=default,
            iterable=list(iterable),
            optional=tuple(optional),
            positional=positional,
            auto_shortflags=False,
        )

    return decorate


class FleetCall(Call):
    """One call of a command, and the hosts that it is for."""

    def __init__(self, *args: Any, hosts: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hosts = tuple(hosts)

    def clone_data(self) -> dict[str, Any]:
        """Return what a copy is made from."""
        return {**super().clone_data(), "hosts": self.hosts}

    def make_context(self, config: Config) -> FleetContext:
        """Return what the command is called with."""
        return FleetContext(config, self.hosts)


class FleetExecutor(fabric_executor.Executor):
    """Calls our commands once with all hosts; everything else runs as Fabric runs it.

    Named in fabric.yml as `tasks.executor_class`.
    """

    def expand_calls(self, calls: Sequence[Any], apply_hosts: bool = True) -> list[Any]:
        """Return the calls to make, in order, commands before and after each included."""
        fabric_s: Any = super()
        expanded: list[Any] = []
        if not any(isinstance(_task_of(call), FleetTask) for call in calls):
            expanded += fabric_s.expand_calls(calls, apply_hosts)
            return expanded
        if self.core.remainder:
            raise Exit("cannot run both a command and what follows `--`: give one of them", 2)
        for call in calls:
            task = _task_of(call)
            if not isinstance(task, FleetTask):
                expanded += fabric_s.expand_calls([call], apply_hosts)
                continue
            if isinstance(call, Task):
                call = Call(task)
            expanded += self.expand_calls(task.pre, apply_hosts=False)
            hosts = self._hosts() if apply_hosts else ()
            expanded.append(call.clone(into=FleetCall, with_={"hosts": hosts}))
            expanded += self.expand_calls(task.post, apply_hosts=False)
        return expanded

    def _hosts(self) -> tuple[str, ...]:
        given = self.core[0].args.hosts.value or ""
        return tuple(dict.fromkeys(host.strip() for host in given.split(",") if host.strip()))


def _task_of(call: Any) -> Any:
    return call if isinstance(call, Task) else call.task
