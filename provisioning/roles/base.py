"""What every host has: Python, security updates, the right time, a journal that stays."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.agent import layout
from provisioning.agent.facts import Facts
from provisioning.inventory.host import Host
from provisioning.render import render
from provisioning.resources import (
    Absent,
    Directory,
    File,
    PackageManager,
    Packages,
    Resource,
    Service,
    User,
)

EARLIER_BUILD_CACHE = "/var/cache/homeport"


def base(host: Host, facts: Facts) -> Iterator[Resource]:
    """Yield what every host has, and the Debian packages that this one asks for."""
    names = ["python3", "python3-venv", "ca-certificates", "unattended-upgrades", "logrotate"]
    # By it a deploy asks systemd for a unit of its own; minimal images lack it.
    names += ["dbus"]
    # A container has the time of the machine that it runs on.
    names += [] if facts.container else ["systemd-timesyncd"]
    packages = Packages("base", tuple(names))
    yield PackageManager()
    yield packages
    if host.packages:
        yield Packages("host", host.packages)
    yield from _security_updates()
    yield from _journal()
    if not facts.container:
        yield Service("systemd-timesyncd", restart_on=(packages,))
        yield from _kernel(facts)
    yield User(layout.BUILDER)
    # All apps' builds shared it once, so that what one of them put there ran in all others.
    yield Absent(EARLIER_BUILD_CACHE)


def _security_updates() -> Iterator[Resource]:
    # A file of our own: Debian's 20auto-upgrades belongs to its package's questions.
    yield File("/etc/apt/apt.conf.d/52homeport-upgrades", render("base/52homeport-upgrades.j2"))
    # Some images mask them.
    yield Service("apt-daily.timer")
    yield Service("apt-daily-upgrade.timer")


def _journal() -> Iterator[Resource]:
    directory = Directory("/etc/systemd/journald.conf.d")
    settings = File(f"{directory.path}/homeport.conf", render("base/journald.conf.j2"))
    # Source: Debian's /usr/lib/tmpfiles.d/systemd.conf, which keeps it so at every boot.
    journal = Directory("/var/log/journal", mode="2755", group="systemd-journal")
    yield from (directory, settings, journal)
    yield Service("systemd-journald", restart_on=(settings, journal))


def _kernel(facts: Facts) -> Iterator[Resource]:
    settings = File(
        "/etc/sysctl.d/60-homeport.conf", render("base/sysctl.conf.j2", ipv6=facts.ipv6)
    )
    yield settings
    yield Service("systemd-sysctl", restart_on=(settings,))
