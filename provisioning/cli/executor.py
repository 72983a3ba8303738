"""How `fab` runs Homeport's commands: each once, with all the hosts of -H, and a clean end."""

from __future__ import annotations

import sys
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

from provisioning.cli.exit import clean_ending
from provisioning.errors import ConfigurationError
from provisioning.secrets import Secret


class FleetContext(Context):
    """The first argument of a command.

    Attributes:
        hosts: The hosts of -H as given, without repetitions; empty without -H.
        remainder: The words after `--`, for a command that takes them.
    """

    def __init__(
        self, config: Config, hosts: Sequence[str] = (), remainder: Sequence[str] = ()
    ) -> None:
        super().__init__(config)
        self._set(_fleet_hosts=tuple(hosts), _fleet_remainder=tuple(remainder))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of -H, as given; empty without -H."""
        hosts: tuple[str, ...] = self._fleet_hosts
        return hosts

    @property
    def remainder(self) -> tuple[str, ...]:
        """The words after `--`, as they were typed."""
        remainder: tuple[str, ...] = self._fleet_remainder
        return remainder

    @property
    def dry(self) -> bool:
        """Whether `fab --dry` was given: show what would be done, and do nothing."""
        return bool(self.config.run.dry)

    @property
    def connect_options(self) -> dict[str, Any]:
        """The connection options of `fab`, as arguments for `transport.connect`.

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
    """A command that is called once for all hosts, and whose errors end without a traceback.

    Args:
        takes_remainder: Whether the words after `--` are for it.
        may_name: The flag whose value may also stand alone after the command's name, or "".
    """

    def __init__(
        self, *args: Any, takes_remainder: bool = False, may_name: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.takes_remainder = takes_remainder
        self.may_name = may_name

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
                    "cannot run on several hosts: fabric.yml next to the fabfile does not name "
                    "the executor",
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
    takes_remainder: bool = False,
    may_name: str = "",
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
        takes_remainder, may_name: See `FleetTask`.
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
            takes_remainder=takes_remainder,
            may_name=may_name,
        )

    return decorate


class FleetCall(Call):
    """One call of a command, the hosts that it is for, and the words after `--`."""

    def __init__(
        self,
        *args: Any,
        hosts: Sequence[str] = (),
        remainder: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.hosts = tuple(hosts)
        self.remainder = tuple(remainder)

    def clone_data(self) -> dict[str, Any]:
        """Return what a copy is made from."""
        return {**super().clone_data(), "hosts": self.hosts, "remainder": self.remainder}

    def make_context(self, config: Config) -> FleetContext:
        """Return what the command is called with."""
        return FleetContext(config, self.hosts, self.remainder)


class FleetExecutor(fabric_executor.Executor):
    """Calls our commands once with all hosts; everything else runs as Fabric runs it.

    Named in fabric.yml as `tasks.executor_class`.
    """

    def expand_calls(self, calls: Sequence[Any], apply_hosts: bool = True) -> list[Any]:
        """Return the calls to make, in order, commands before and after each included."""
        fabric_s: Any = super()
        expanded: list[Any] = []
        if not calls and not apply_hosts:
            # Nothing before or after a command; Fabric would want hosts for what follows `--`.
            return expanded
        if not any(isinstance(_task_of(call), FleetTask) for call in calls):
            expanded += fabric_s.expand_calls(calls, apply_hosts)
            return expanded
        remainder = words_after_dashes(self.core.remainder, sys.argv)
        # What runs before and after a command is not asked: it gets none of it.
        if remainder and apply_hosts and not (len(calls) == 1 and _takes_remainder(calls[0])):
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
            given = {"hosts": hosts, "remainder": remainder if task.takes_remainder else ()}
            expanded.append(call.clone(into=FleetCall, with_=given))
            expanded += self.expand_calls(task.post, apply_hosts=False)
        return expanded

    def _hosts(self) -> tuple[str, ...]:
        given = self.core[0].args.hosts.value or ""
        return tuple(dict.fromkeys(host.strip() for host in given.split(",") if host.strip()))


def _takes_remainder(call: Any) -> bool:
    task = _task_of(call)
    return isinstance(task, FleetTask) and task.takes_remainder


def _task_of(call: Any) -> Any:
    return call if isinstance(call, Task) else call.task


def words_after_dashes(joined: str, argv: Sequence[str]) -> tuple[str, ...]:
    """Return what follows `--` word by word.

    Args:
        joined: The same as the parser keeps it: with spaces between, so that it cannot tell
            where a word ends.
        argv: The command line that it most likely comes from.
    """
    words = tuple(argv[argv.index("--") + 1 :]) if "--" in argv else ()
    # Whoever calls the program as a function gives it another command line.
    return words if " ".join(words) == joined else tuple(joined.split())
