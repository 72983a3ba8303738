"""Live lines on the terminal: one for each running host, never more than fit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from provisioning.agent import events
from provisioning.agent.runs.messages import Hello, OtherFacts
from provisioning.protocol.session import Heard, Said
from provisioning.report.names import readable_id
from provisioning.report.sanitize import clean_line
from provisioning.report.styles import QUIET, STRONG, text

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_FRAMES = "|/-\\"
FRAMES_PER_S = 10

HOST_CHARS = 24
"""Of a longer name, the end is cut in live lines; permanent ones show it whole."""

NARROW_CHARS = 50
"""On a narrower terminal the step is worth more than the count of changes."""


@dataclass
class _Host:
    began: float | None = None
    resource: str = ""
    doing: str = "waiting"
    changed: int = 0
    ended: bool = False


@dataclass
class LiveLines:
    """The state of all hosts, redrawn several times a second. Not safe for threads.

    Args:
        names: The hosts.
        check: Changes are only counted.
        log: Nothing is changed; hosts are only asked.
    """

    names: Sequence[str]
    check: bool = False
    log: bool = False
    _hosts: dict[str, _Host] = field(init=False)

    def __post_init__(self) -> None:
        self._hosts = {name: _Host() for name in self.names}

    def hear(self, name: str, heard: Heard) -> None:
        """Follow what a host is doing."""
        host = self._hosts.setdefault(name, _Host())
        if host.began is None:
            host.began = time.monotonic()
        match heard:
            case Said(words):
                host.resource, host.doing = "", words
            case events.Progress(id, words):
                host.resource, host.doing = id, words
            case events.Started(id):
                host.resource, host.doing = id, ""
            case events.Finished(status=status):
                host.resource, host.doing = "", self._idle
                host.changed += status == events.CHANGED
            case Hello() | OtherFacts() | events.Unchanged():
                host.resource, host.doing = "", self._idle

    def end(self, name: str) -> None:
        """Show a host no more."""
        self._hosts.setdefault(name, _Host()).ended = True

    def lines(self, console: Console) -> RenderableType:
        """Draw the running hosts, and count the others."""
        at_work = [
            (name, host)
            for name, host in self._hosts.items()
            if not host.ended and (host.began is not None or len(self._hosts) == 1)
        ]
        at_work.sort(key=lambda each: each[1].began or 0.0)
        # Half of the screen stays for what was changed, and for what is read there.
        room = max(1, console.height // 2 - 2)
        shown = at_work if len(at_work) <= room else at_work[: room - 1]
        parts: list[RenderableType] = []
        if shown:
            parts.append(self._table(shown, console))
        if len(self._hosts) > 1:
            parts.append(self._counts(len(at_work), len(at_work) - len(shown)))
        # The cursor rests on a line of its own, as it does at a prompt.
        return Group(*parts, "") if parts else Group()

    def _table(self, shown: Sequence[tuple[str, _Host]], console: Console) -> Table:
        frames = FRAMES if console.encoding.lower().startswith("utf") else ASCII_FRAMES
        now = time.monotonic()
        frame = frames[int(now * FRAMES_PER_S) % len(frames)]
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=HOST_CHARS)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        narrow = console.width < NARROW_CHARS
        if not narrow:
            table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, justify="right", min_width=4)
        for name, host in shown:
            cells = [text(frame, "cyan"), _cut(name, STRONG), _step(host)]
            if not narrow:
                cells.append(text(self._changed(host), QUIET))
            elapsed = "" if host.began is None else duration(now - host.began)
            table.add_row(*cells, text(elapsed, QUIET))
        return table

    @property
    def _idle(self) -> str:
        return "asking" if self.log else "comparing"

    def _changed(self, host: _Host) -> str:
        if self.log:
            return ""
        return f"{host.changed} {'would change' if self.check else 'changed'}"

    def _counts(self, at_work: int, hidden: int) -> Text:
        total = len(self._hosts)
        done = sum(host.ended for host in self._hosts.values())
        waiting = total - done - at_work
        parts = [f"and {hidden} more running"] if hidden else []
        parts += [f"{waiting} waiting"] if waiting else []
        counts = ", ".join([*parts, f"{done} of {total} hosts done"])
        return Text("   ", QUIET).append_text(_cut(counts))


def duration(seconds: float) -> str:
    """Return a time as people say it: "12s", "2m05s"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def _step(host: _Host) -> Text:
    resource, doing = readable_id(clean_line(host.resource)), clean_line(host.doing)
    shown = _cut(resource)
    if resource and doing:
        shown.append("  ")
    return shown.append_text(text(doing, QUIET))


def _cut(words: str, style: str = "") -> Text:
    shown = text(clean_line(words), style)
    shown.no_wrap, shown.overflow = True, "ellipsis"
    return shown
