"""A provision that is about to apply something, and somebody who changes that very thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.chaos.faults import wait_until_free
from tests.chaos.moments import Moment
from tests.chaos.row import Row
from tests.chaos.sameness import Look
from tests.chaos.stage import Stage
from tests.chaos.strike import held_run
from tests.chaos.subjects import Provision
from tests.chaos.trouble import FAILED, Trouble, Undisturbed

PRECIOUS = "/root/precious"
"""A directory with a file in it, both not ours: what links that somebody makes lead to."""

MAKE_PRECIOUS = f"""
mkdir -p {PRECIOUS}; echo keep > {PRECIOUS}/file
chown -R daemon:daemon {PRECIOUS}; chmod 0751 {PRECIOUS}; chmod 0604 {PRECIOUS}/file
"""
_IS_PRECIOUS = f"find {PRECIOUS} -printf '%p %y %m %u:%g %T@\\n'; cat {PRECIOUS}/file"

CHANGES = {
    "gone": 'rm -rf "$1"',
    "a directory": 'rm -rf "$1"; mkdir "$1"; echo mine > "$1/mine"',
    "a link to a file": f'rm -rf "$1"; ln -s {PRECIOUS}/file "$1"',
    "a link to a directory": f'rm -rf "$1"; ln -s {PRECIOUS} "$1"',
    "a link to nothing": 'rm -rf "$1"; ln -s /nowhere/at/all "$1"',
    "a pipe": 'rm -rf "$1"; mkfifo "$1"',
    "other words": 'rm -rf "$1"; echo mine > "$1"',
    "another's": 'test -e "$1" || mkdir "$1"; chown daemon:daemon "$1"; chmod 0600 "$1"',
}
"""What somebody makes of a thing -> how, where $1 is its path."""

PLACE = 'mkdir -p "$(dirname "$1")"; '
"""What is there to be changed may be there no more."""

FILE_SETS = {
    "nginx": "/etc/nginx/homeport/http/headers.conf",
    "nginx-tls": "/etc/nginx/sites-tls/hello.conf",
}
"""File set -> one of its files."""


def change(subject: Provision, undisturbed: Undisturbed, tries: int) -> Iterator[Row]:
    """Change things by hand right before a provision changes them.

    Args:
        subject: The provision.
        undisturbed: What it is like otherwise, on a host with `MAKE_PRECIOUS`.
        tries: So many things and changes.
    """
    where = subject.stage
    counts, looks = undisturbed
    things = [(at, path) for at, calls in counts.items() if calls and (path := _path(at))]
    all_ = [(thing, how) for thing in things for how in CHANGES]
    for (at, path), how in where.scene.random.sample(all_, min(tries, len(all_))):
        where.scene.say(f"{where.host.name}: provision, {path} becomes {how}")
        row = _change_one(where, subject, looks, at, path, how)
        if row is not None:
            yield row


def _change_one(
    where: Stage, subject: Provision, looks: Mapping[str, Look], at: str, path: str, how: str
) -> Row | None:
    trouble = Trouble(where, subject, looks, f"by hand: {how}", at)
    before = where.host.shell(_IS_PRECIOUS)
    told = held_run(
        where.project,
        where.host,
        subject.arguments,
        Moment(at, 1),
        lambda *_: where.host.run("sh", "-ec", PLACE + CHANGES[how], "sh", path),
    )
    if told is None:
        # Another variant of the inventory changes another of the two.
        return None
    if not wait_until_free(where.host):
        trouble.row.left_over.append("a run")
    trouble.judge(told, at, codes=(0, *FAILED), hint=False)
    if where.host.shell(_IS_PRECIOUS) != before:
        trouble.row.wrong.append("what is behind the link was changed")
    return trouble.complete()


def _path(at: str) -> str:
    """Return where something lies that may be changed without harm to visitors; "" elsewhere."""
    kind, _, name = at.partition(":")
    if kind == "unit":
        return f"/etc/systemd/system/{name}"
    if kind == "file-set":
        return FILE_SETS.get(name, "")
    return name if kind in ("file", "directory") and name.startswith("/etc/") else ""
