"""The commands: parse, call, exit code; no logic.

A fabfile needs one line: `from provisioning.commands import namespace`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke.collection import Collection

from provisioning.executor import FleetContext, fleet_task

if TYPE_CHECKING:
    from provisioning.commands.scene import Options

HELP = {
    "accept_new_host_keys": "Trust the key of a host that is seen for the first time.",
    "allow": "Networks that are let through: 203.0.113.7,2001:db8::/48. Default: you.",
    "app": "Only this app.",
    "check": "Change nothing; tell what would change.",
    "diff": "Show what changes in text files.",
    "env": "Environment: inventory/ENV.toml. Default: HOMEPORT_ENV, else production.",
    "env_only": "Upload nothing: the live release with its environment and secrets read anew.",
    "exit_code": "With --check: end with 5 if something would change.",
    "force": "Go back over a database migration (rollback); replace what is there (init).",
    "follow": "Go on showing what is logged, until Ctrl-C.",
    "grep": "Only lines that hold this text.",
    "hosts": "How many hosts.",
    "json": "Print events as JSON lines.",
    "limit": "Only these hosts or groups, with commas between.",
    "lines": "Only the last so many of each host; default: 100, or all of --since.",
    "parallel": "How many hosts are worked on at the same time.",
    "since": "How far back: 30m, 2h, 7d.",
    "suite": "Debian release: bookworm or trixie.",
    "tests": "Arguments for pytest, as one word.",
    "to": "The release to go back to: its id, or a beginning or end of it.",
}

COMMON = ("env", "limit", "parallel", "json", "accept_new_host_keys")


def _help(*names: str) -> dict[str, str]:
    return {name: HELP[name] for name in names}


def _options(**values: object) -> Options:
    from provisioning.commands.scene import Options

    return Options(**values)  # type: ignore[arg-type]


@fleet_task(help=_help(*COMMON, "check", "diff", "exit_code"))
def provision(
    context: FleetContext,
    env: str = "",
    limit: str = "",
    check: bool = False,
    diff: bool = False,
    exit_code: bool = False,
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Bring hosts to their desired state: those of -H, or all."""
    from provisioning.commands.provision import provision as run

    options = _options(env=env, limit=limit, check=check, diff=diff, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, given=context.connect_options,
               exit_code_on_change=exit_code)  # fmt: skip


@fleet_task(help=_help(*COMMON, "app", "env_only"))
def deploy(
    context: FleetContext,
    env: str = "",
    limit: str = "",
    app: str = "",
    env_only: bool = False,
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Make a new release live; no request is lost."""
    from provisioning.commands.deploy import deploy as run
    from provisioning.commands.deploy import renew

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    if env_only:
        return renew(options, context.hosts, app=app, new_environment=True,
                     given=context.connect_options)  # fmt: skip
    return run(options, context.hosts, app=app, given=context.connect_options)


@fleet_task(help=_help(*COMMON, "app"), may_name="app")
def restart(
    context: FleetContext,
    app: str = "",
    env: str = "",
    limit: str = "",
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Start the live release anew; no request is lost."""
    from provisioning.commands.deploy import renew as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, app=app, new_environment=False,
               given=context.connect_options)  # fmt: skip


@fleet_task(help=_help(*COMMON, "app", "to", "force"))
def rollback(
    context: FleetContext,
    env: str = "",
    limit: str = "",
    app: str = "",
    to: str = "",
    force: bool = False,
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Make the release before live again, or the one named with --to."""
    from provisioning.commands.deploy import rollback as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, app=app, to=to, force=force,
               given=context.connect_options)  # fmt: skip


@fleet_task(help=_help(*COMMON, "app"))
def releases(
    context: FleetContext,
    env: str = "",
    limit: str = "",
    app: str = "",
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Show which releases there are, which is live, and since when."""
    from provisioning.commands.deploy import releases as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, app=app, given=context.connect_options)


@fleet_task(help=_help(*COMMON))
def status(
    context: FleetContext,
    env: str = "",
    limit: str = "",
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Show how every app is doing on every host."""
    from provisioning.commands.status import status as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, given=context.connect_options)


@fleet_task(help=_help(*COMMON, "app", "follow", "since", "grep", "lines"), may_name="app")
def logs(
    context: FleetContext,
    app: str = "",
    follow: bool = False,
    since: str = "",
    grep: str = "",
    lines: int = 0,
    env: str = "",
    limit: str = "",
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Show what an app has logged on all its hosts."""
    from provisioning.commands.logs import logs as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, app=app, follow=follow, since=since, grep=grep, lines=lines,
               given=context.connect_options)  # fmt: skip


@fleet_task(name="run", help=_help("env", "accept_new_host_keys"), takes_remainder=True)
def run_in_release(
    context: FleetContext, app: str, env: str = "", accept_new_host_keys: bool = False
) -> int:
    """Run a command in the live release: fab run APP -- COMMAND."""
    from provisioning.commands.run import run

    options = _options(env=env, accept_new_host_keys=accept_new_host_keys)
    return run(options, context.hosts, app=app, command=context.remainder,
               given=context.connect_options)  # fmt: skip


@fleet_task(help=_help("env", "accept_new_host_keys"))
def shell(
    context: FleetContext, app: str, env: str = "", accept_new_host_keys: bool = False
) -> int:
    """Open a shell in the live release, on one host."""
    from provisioning.commands.run import shell as run

    options = _options(env=env, accept_new_host_keys=accept_new_host_keys)
    return run(options, context.hosts, app=app, given=context.connect_options)


@fleet_task(help=_help(*COMMON, "allow"))
def maintenance(
    context: FleetContext,
    app: str,
    state: str,
    allow: str = "",
    env: str = "",
    limit: str = "",
    parallel: int = 32,
    json: bool = False,
    accept_new_host_keys: bool = False,
) -> int:
    """Show visitors a page instead: fab maintenance APP on|off."""
    from provisioning.commands.maintenance import maintenance as run

    options = _options(env=env, limit=limit, parallel=parallel, json=json,
                       accept_new_host_keys=accept_new_host_keys)  # fmt: skip
    return run(options, context.hosts, app=app, state=state, allow=allow,
               given=context.connect_options)  # fmt: skip


@fleet_task(help=_help("force"))
def init(context: FleetContext, force: bool = False) -> int:
    """Write what a repository of yours needs to begin with."""
    from provisioning.commands.init import init as run

    return run(Path.cwd(), force=force)


@fleet_task()
def schema(context: FleetContext) -> int:
    """Print the JSON schema of an inventory, for editors."""
    from provisioning.commands.init import print_schema

    return print_schema()


@fleet_task(help=_help("tests"))
def check(context: FleetContext, tests: str = "") -> int:
    """Run all that CI runs, in a checkout of Homeport."""
    from provisioning.commands.check import check as run
    from provisioning.commands.scene import project_directory

    return run(project_directory(), tests)


@fleet_task(
    help={
        "faults": "Those of a live host that are tried, with commas between.",
        "large": "Every fault at every boundary, in place of a few of each.",
        "markdown": "Write the tables to this file.",
        "minutes": "End each part after so many.",
        "only": "Parts of the suite, with commas between.",
        "parallel": "How many parts run at the same time.",
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
    from provisioning.commands.chaos import chaos as run
    from provisioning.commands.scene import project_directory

    return run(project_directory(), large=large, only=only, faults=faults, seed=seed,
               minutes=minutes, parallel=parallel, markdown=markdown)  # fmt: skip


@fleet_task(help=_help("json"))
def demo(context: FleetContext, json: bool = False) -> int:
    """Take a bare throwaway host of yours to an app over HTTPS."""
    from provisioning.commands.lab import demo as run

    return run(json=json)


@fleet_task(name="up", help=_help("hosts", "suite", "json"))
def lab_up(
    context: FleetContext, hosts: int = 1, suite: str = "bookworm", json: bool = False
) -> int:
    """Start bare Debian hosts web1, web2, ... and an authority."""
    from provisioning.commands.lab import lab_up as run

    return run(hosts=hosts, suite=suite, json=json)


@fleet_task(name="down", help=_help("json"))
def lab_down(context: FleetContext, json: bool = False) -> int:
    """Stop the lab's hosts and remove whatever they left."""
    from provisioning.commands.lab import lab_down as run

    return run(json=json)


@fleet_task(name="status", help=_help("json"))
def lab_status(context: FleetContext, json: bool = False) -> int:
    """Show the lab's hosts."""
    from provisioning.commands.lab import lab_status as run

    return run(json=json)


namespace = Collection(
    provision, deploy, rollback, restart, releases, status, logs, run_in_release, shell,
    maintenance, init, schema, check, chaos, demo,
    lab=Collection(lab_up, lab_down, lab_status),
)  # fmt: skip
