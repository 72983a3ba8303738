"""Clocks that are wrong: here, on the host, and while files were written.

Hosts of the lab share this machine's clock, which is everybody's, and no namespace has a
time of day of its own (time_namespaces(7)). So the clock is wrong for `fab` and for the
agent only, and files are given times to come. What systemd, nginx and certbot make of a
jump is not tried.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping

from tests.chaos.faults import RUN, Struck, wait_until_free
from tests.chaos.moments import Moment
from tests.chaos.row import Row
from tests.chaos.sameness import Look
from tests.chaos.stage import Stage
from tests.chaos.strike import held_run
from tests.chaos.subjects import Deploy, Provision, Subject
from tests.chaos.trouble import Trouble

HOUR_S = 3600
DAY_S = 24 * HOUR_S

CONTROLLERS_S = (-6 * HOUR_S, 6 * HOUR_S)
HOSTS_S = (-2 * DAY_S, 2 * DAY_S)

DATED = "/etc /opt/homeport /srv/hello /var/lib/homeport /var/lib/apt/lists"

CUT_OFF = "was interrupted"


def set_wrong(
    deploy: Deploy,
    deployed: Mapping[str, Look],
    provision: Provision,
    provisioned: Mapping[str, Look],
) -> Iterator[Row]:
    """Set clocks wrong under deploys, and file times under both commands.

    Args:
        deploy, provision: The commands.
        deployed, provisioned: Variant -> what the host is after them otherwise.
    """
    where = deploy.stage
    for ahead_s in CONTROLLERS_S:
        yield controller_wrong(where, deploy, deployed, ahead_s)
    for ahead_s in HOSTS_S:
        yield host_wrong(where, deploy, deployed, ahead_s)
        yield cut_off_in_another_time(where, deploy, deployed, ahead_s)
    yield files_from_tomorrow(where, deploy, deployed)
    yield files_from_tomorrow(where, provision, provisioned)


def controller_wrong(
    where: Stage, subject: Subject, undisturbed: Mapping[str, Look], ahead_s: int
) -> Row:
    """Give a command where the clock is wrong; then go back to the release before, and on."""
    trouble = Trouble(where, subject, undisturbed, f"controller's {_ahead(ahead_s)}", "throughout")
    before = where.live_edition()
    where.project.env["CHAOS_CLOCK_S"] = str(ahead_s)
    try:
        trouble.judge(where.fab(*subject.arguments), codes=(0,))
    finally:
        del where.project.env["CHAOS_CLOCK_S"]
    back = where.fab("rollback")
    if back.code != 0 or where.live_edition() != before:
        trouble.row.wrong.append(f"no way back to edition {before}: {back.output}")
    return trouble.complete()


def host_wrong(
    where: Stage, subject: Subject, undisturbed: Mapping[str, Look], ahead_s: int
) -> Row:
    """Carry a command out where the host's clock is wrong."""
    trouble = Trouble(where, subject, undisturbed, f"host's {_ahead(ahead_s)}", "throughout")
    where.moments.set_clock(ahead_s)
    try:
        trouble.judge(where.fab(*subject.arguments), codes=(0,))
    finally:
        where.moments.put_clock_right()
    return trouble.complete()


def cut_off_in_another_time(
    where: Stage, subject: Subject, undisturbed: Mapping[str, Look], ahead_s: int
) -> Row:
    """Kill a run where the host's clock is wrong; the next run says so, those after it do not."""
    state = "the live pointer"
    trouble = Trouble(where, subject, undisturbed, f"run killed, {_ahead(ahead_s)}", state)
    where.moments.set_clock(ahead_s)

    def kill(process: subprocess.Popen, run: int) -> None:
        RUN.strike(Struck(where.host, process, run, subject.background))
        where.moments.put_clock_right()

    try:
        told = held_run(
            where.project, where.host, subject.arguments, Moment("live-release:hello", 1), kill
        )
    finally:
        where.moments.put_clock_right()
    if told is None or not wait_until_free(where.host):
        trouble.row.wrong.append("it was not killed")
    if told is not None:
        trouble.judge(told, codes=(1, 3, 4), killed=True)
    first, second = where.fab("provision"), where.fab("provision")
    if CUT_OFF not in first.output:
        trouble.row.wrong.append(f"the next run does not say that one {CUT_OFF}: {first.output}")
    if CUT_OFF in second.output:
        trouble.row.wrong.append(f"the run after the next still says that one {CUT_OFF}")
    return trouble.complete()


def files_from_tomorrow(where: Stage, subject: Subject, undisturbed: Mapping[str, Look]) -> Row:
    """Give a command where files say that they were written tomorrow."""
    trouble = Trouble(where, subject, undisturbed, "files dated tomorrow", "throughout")
    where.host.shell(f"find {DATED} -xdev -exec touch -h -d '+1 day' {{}} +")
    trouble.judge(where.fab(*subject.arguments), codes=(0,))
    return trouble.complete()


def _ahead(ahead_s: int) -> str:
    return f"clock {abs(ahead_s) // HOUR_S} h {'ahead' if ahead_s > 0 else 'behind'}"
