"""Real hosts for tests: one lab per run, bare hosts for the asking."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from provisioning.lab import Lab, LabHost, guest, registry

_PREFIX, _OWNER = "homeport-lab-", "owner"

BareHost = Callable[..., LabHost]


def can_have_labs() -> bool:
    """Tell whether this machine and user can have real hosts."""
    return sys.platform == "linux" and os.geteuid() == 0


@contextlib.contextmanager
def lab_of_this_run() -> Iterator[Lab]:
    """Give a lab, and take it down at the end whatever happens."""
    take_down_abandoned_labs()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (directory / _OWNER).write_text(f"{os.getpid()} {guest.start_time_s(os.getpid())}")
    # SIGTERM is how CI ends what takes too long: let pytest finish its fixtures then, too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        lab = Lab.create(directory, say=lambda line: print(line, file=sys.stderr))
        lab.up([])
        yield lab
    finally:
        # From here on nobody may interrupt: it takes a second.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        Lab(directory).down()
        shutil.rmtree(directory)
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def bare_hosts(lab: Lab) -> Iterator[BareHost]:
    """Give a function that gives bare, running hosts; switch them off at the end."""
    given: list[LabHost] = []

    def give(suite: str = "bookworm", *, disk_size_mb: int | None = None) -> LabHost:
        number = sum(host.suite == suite for host in given) + 1
        name = f"{suite}{number}"
        if name in lab.hosts:
            lab.hosts[name].reset(disk_size_mb=disk_size_mb)
        else:
            lab.up([name], suite=suite, disk_size_mb=disk_size_mb)
        given.append(lab.hosts[name])
        return given[-1]

    try:
        yield give
    finally:
        for host in given:
            host.power_cut()
        for domain in list(lab.state().domains):
            if lab.state().domains[domain] in {host.name for host in given}:
                lab.set_domain(domain, None)


def take_down_abandoned_labs() -> None:
    """Take labs of test runs down whose process is gone, also half-way through doing so."""
    known = {directory for directory, _ in registry.entries().values()}
    for directory in known | set(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        owner = directory / _OWNER
        if owner.is_file() and not _is_alive(owner.read_text()):
            Lab(directory).down()
            shutil.rmtree(directory, ignore_errors=True)


def _is_alive(owner: str) -> bool:
    pid, started = owner.split()
    try:
        # The same id may belong to another process by now.
        return guest.start_time_s(int(pid)) == float(started)
    except OSError:
        return False
