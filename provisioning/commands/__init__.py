"""The commands: parse, call, exit code; no logic.

A fabfile needs one line: `from provisioning.commands import namespace`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from invoke.collection import Collection

from provisioning.cli.executor import FleetContext, FleetTask, fleet_task
from provisioning.cli.options import COMMON, Options, takes_options
from provisioning.errors import ConfigurationError

HELP = {
    "adopt": "Hand over to Homeport what others made: paths, or names from a refusal, with commas.",
    "accept_new_host_keys": "Trust the key of a host that is seen for the first time.",
    "allow": "Networks that still get the app: 203.0.113.7,2001:db8::/48. Default: your address.",
    "app": "Only this app.",
    "check": "Change nothing; show what would change.",
    "copy": "Which copy: the time in its name, as `fab owns` lists it.",
    "data": "Remove its data too: the shared folder, generated secrets, and the account.",
    "diff": "Show what changes in text files.",
    "env": "Environment: inventory/ENV.toml. Default: HOMEPORT_ENV, else production.",
    "env_only": "Upload nothing: restart the live release with current environment and secrets.",
    "exit_code": "With --check: exit with 5 if something would change.",
    "force": "Roll back across a database migration.",
    "follow": "Keep showing new log lines, until Ctrl-C.",
    "grid": "Only each app server behind each web server, on real hosts. Takes an hour.",
    "grep": "Only lines that contain this text.",
    "hosts": "Number of hosts to start.",
    "json": "Print events as JSON lines.",
    "limit": "Only these hosts or groups, separated by commas.",
    "lines": "Only the last N lines of each host. Default: 100, or all of --since.",
    "now": "Kill its processes instead of letting them finish: for a compromised app.",
    "parallel": "Number of hosts to work on at the same time.",
    "renew_dry_run": "Also renew certificates as a test.",
    "apps": "Only apps that others wrote, on real hosts. Takes hours.",
    "allow_missing": "Deploy although the checkout lacks files that git tracks.",
    "replace": "Stop the live release first and rebuild everything: for a compromised app.",
    "rotate_secrets": "Give new values to the secrets that Homeport generates.",
    "since": "How far back: 30m, 2h, 7d.",
    "suite": "Debian release: bookworm or trixie.",
    "quick": "Only the checks that need no host.",
    "tests": "Arguments for pytest, or those of --grid or --apps, as one quoted string.",
    "wide": "Show all columns.",
    "yes": "Do not ask for confirmation.",
    "to": "The release to roll back to: its id, or the beginning or end of it.",
}


def _help(*names: str) -> dict[str, str]:
    return {name: HELP[name] for name in names}


def on_hosts(
    *flags: str, name: str = "", takes_remainder: bool = False, may_name: str = ""
) -> Callable[[Callable[..., int]], FleetTask]:
    """Turn a function of `Options` and its own flags into a command that works on hosts.

    Args:
        flags: Fields of `Options` that it offers.
        name, takes_remainder, may_name: See `fleet_task`.
    """

    def decorate(function: Callable[..., int]) -> FleetTask:
        command = takes_options(*flags)(function)
        optional = [
            parameter.name
            for parameter in inspect.signature(command).parameters.values()
            if parameter.default is not parameter.empty
        ]
        make = fleet_task(
            name=name, help=_help(*optional), takes_remainder=takes_remainder, may_name=may_name
        )
        return make(command)

    return decorate


@on_hosts(*COMMON, "check", "diff", "adopt")
def provision(context: FleetContext, options: Options, exit_code: bool = False) -> int:
    """Bring hosts to their desired state: those of -H, or all."""
    from provisioning.commands.provision import provision as run

    return run(options, exit_code_on_change=exit_code)


@on_hosts(*COMMON)
def deploy(
    context: FleetContext,
    options: Options,
    app: str = "",
    env_only: bool = False,
    replace: bool = False,
    allow_missing: bool = False,
) -> int:
    """Make a new release live; no request is lost."""
    if env_only and replace:
        raise ConfigurationError(
            "--env-only and --replace exclude each other: the one keeps the code, the other "
            "replaces it",
            hint="fab deploy --replace uses the current environment as well",
        )
    if env_only and allow_missing:
        raise ConfigurationError(
            "--allow-missing has no effect with --env-only, which deploys no files",
            hint="fab deploy --env-only",
        )
    if env_only:
        from provisioning.commands.restart import renew

        return renew(options, app=app, new_environment=True)
    from provisioning.commands.deploy import deploy as run

    return run(options, app=app, replace=replace, allow_missing=allow_missing)


@on_hosts(*COMMON, may_name="app")
def restart(
    context: FleetContext, options: Options, app: str = "", rotate_secrets: bool = False
) -> int:
    """Restart the live release; no request is lost."""
    from provisioning.commands.restart import renew as run

    return run(options, app=app, new_environment=False, rotate=rotate_secrets)


@on_hosts(*COMMON)
def stop(context: FleetContext, options: Options, app: str, now: bool = False) -> int:
    """Stop an app on all its hosts; fab start undoes that."""
    from provisioning.commands.stop import stop as run

    return run(options, app=app, now=now)


@on_hosts(*COMMON)
def start(context: FleetContext, options: Options, app: str) -> int:
    """Start the release that fab stop stopped."""
    from provisioning.commands.rollback import start as run

    return run(options, app=app)


@on_hosts(*COMMON, "check")
def remove(
    context: FleetContext, options: Options, app: str, data: bool = False, yes: bool = False
) -> int:
    """Remove an app from its hosts; its data only with --data."""
    from provisioning.commands.remove import remove as run

    return run(options, app=app, data=data, yes=yes)


@on_hosts(*COMMON)
def owns(context: FleetContext, options: Options) -> int:
    """Show what Homeport made on hosts, and for whom."""
    from provisioning.commands.owns import owns as run

    return run(options)


@on_hosts(*COMMON, name="restore-adopted")
def restore_adopted(context: FleetContext, options: Options, copy: str) -> int:
    """Put back what was handed over with --adopt."""
    from provisioning.commands.owns import restore_adopted as run

    return run(options, copy=copy)


@on_hosts(*COMMON)
def rollback(
    context: FleetContext,
    options: Options,
    app: str = "",
    to: str = "",
    force: bool = False,
) -> int:
    """Make the previous release live again, or that of --to."""
    from provisioning.commands.rollback import rollback as run

    return run(options, app=app, to=to, force=force)


@on_hosts(*COMMON)
def releases(context: FleetContext, options: Options, app: str = "") -> int:
    """Show the releases of each app, and which one is live."""
    from provisioning.commands.releases import releases as run

    return run(options, app=app)


@on_hosts(*COMMON)
def status(context: FleetContext, options: Options, wide: bool = False) -> int:
    """Show how every app is doing on every host."""
    from provisioning.commands.status import status as run

    return run(options, wide=wide)


@on_hosts(*COMMON)
def doctor(
    context: FleetContext, options: Options, app: str = "", renew_dry_run: bool = False
) -> int:
    """Verify the checklist of production on live hosts."""
    from provisioning.commands.doctor import doctor as run

    return run(options, app=app, renew_dry_run=renew_dry_run)


@on_hosts(*COMMON, may_name="app")
def logs(
    context: FleetContext,
    options: Options,
    app: str = "",
    follow: bool = False,
    since: str = "",
    grep: str = "",
    lines: int = 0,
) -> int:
    """Show what an app has logged on all its hosts."""
    from provisioning.commands.logs import logs as run

    return run(options, app=app, follow=follow, since=since, grep=grep, lines=lines)


@on_hosts("env", "accept_new_host_keys", name="run", takes_remainder=True)
def run_in_release(context: FleetContext, options: Options, app: str) -> int:
    """Run a command in the live release: fab run APP -- COMMAND."""
    from provisioning.commands.run import run

    return run(options, app=app, command=context.remainder)


@on_hosts("env", "accept_new_host_keys")
def shell(context: FleetContext, options: Options, app: str) -> int:
    """Open a shell in the live release, on one host."""
    from provisioning.commands.run import shell as run

    return run(options, app=app)


@on_hosts(*COMMON)
def maintenance(
    context: FleetContext, options: Options, app: str, state: str, allow: str = ""
) -> int:
    """Show visitors a page instead: fab maintenance APP on|off."""
    from provisioning.commands.maintenance import maintenance as run

    return run(options, app=app, state=state, allow=allow)


@fleet_task(
    help={
        "force": "Replace files that already exist.",
        "container": "The app runs in a container: write a Dockerfile too.",
    }
)
def init(context: FleetContext, force: bool = False, container: bool = False) -> int:
    """Write the files that your repository needs."""
    from provisioning.commands.init import init as run

    return run(Path.cwd(), force=force, container=container)


@fleet_task()
def schema(context: FleetContext) -> int:
    """Print the JSON schema of an inventory, for editors."""
    from provisioning.commands.init import print_schema

    return print_schema()


@fleet_task(help=_help("quick", "grid", "apps", "tests"))
def check(
    context: FleetContext,
    quick: bool = False,
    grid: bool = False,
    apps: bool = False,
    tests: str = "",
) -> int:
    """Run all that CI runs, in a checkout of Homeport."""
    from provisioning.cli.context import project_directory
    from provisioning.commands.check import check as run

    return run(project_directory(), tests, quick=quick, grid=grid, apps=apps)


@fleet_task(
    help={
        "faults": "Faults to try, of a live host or of services, separated by commas.",
        "large": "Every fault at every boundary, instead of a few of each.",
        "markdown": "Write the tables to this file.",
        "minutes": "End each part after this many minutes.",
        "only": "Parts of the suite, separated by commas.",
        "parallel": "Number of parts to run at the same time.",
        "seed": "The same seed breaks the same things in the same order.",
    }
)
def chaos(
    context: FleetContext,
    large: bool = False,
    only: str = "",
    faults: str = "",
    seed: int = 1,
    minutes: int = 0,
    parallel: int = 2,
    markdown: str = "",
) -> int:
    """Break real hosts on purpose, in a checkout of Homeport."""
    from provisioning.cli.context import project_directory
    from provisioning.commands.chaos import chaos as run

    return run(project_directory(), large=large, only=only, faults=faults, seed=seed,
               minutes=minutes, parallel=parallel, markdown=markdown)  # fmt: skip


@fleet_task(
    help={
        "latencies": "Round trips to try, in milliseconds, separated by commas.",
        "markdown": "Write the tables to this file.",
        "parts": "Parts of the benchmark, separated by commas.",
        "rounds": "How often each side runs.",
    }
)
def bench(
    context: FleetContext,
    parts: str = "",
    latencies: str = "",
    rounds: int = 0,
    markdown: str = "",
) -> int:
    """Compare with ssh and others, in a checkout of Homeport."""
    from provisioning.cli.context import project_directory
    from provisioning.commands.bench import bench as run

    return run(project_directory(), parts=parts, latencies=latencies, rounds=rounds,
               markdown=markdown)  # fmt: skip


@fleet_task(help=_help("json"))
def demo(context: FleetContext, json: bool = False) -> int:
    """Deploy an example app over HTTPS to a throwaway host."""
    from provisioning.commands.lab import demo as run

    return run(json=json)


@fleet_task(name="up", help=_help("hosts", "suite", "json"))
def lab_up(
    context: FleetContext, hosts: int = 1, suite: str = "bookworm", json: bool = False
) -> int:
    """Start bare Debian hosts web1, web2, ... and an ACME server."""
    from provisioning.commands.lab import lab_up as run

    return run(hosts=hosts, suite=suite, json=json)


@fleet_task(name="down", help=_help("json"))
def lab_down(context: FleetContext, json: bool = False) -> int:
    """Stop the lab's hosts and remove all that they left."""
    from provisioning.commands.lab import lab_down as run

    return run(json=json)


@fleet_task(name="status", help=_help("json"))
def lab_status(context: FleetContext, json: bool = False) -> int:
    """Show the lab's hosts."""
    from provisioning.commands.lab import lab_status as run

    return run(json=json)


namespace = Collection(
    provision, deploy, rollback, restart, stop, start, remove, owns, restore_adopted, releases,
    status, doctor, logs, run_in_release, shell, maintenance, init, schema, check, chaos, bench,
    demo,
    lab=Collection(lab_up, lab_down, lab_status),
)  # fmt: skip
