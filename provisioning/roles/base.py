"""What every host has: Python, security updates, the right time, a journal that stays."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.agent import layout
from provisioning.agent.facts import Facts
from provisioning.agent.resources.settings import APT, INI, SYSCTL
from provisioning.inventory.models.host import Host
from provisioning.render import render
from provisioning.resources import (
    Absent,
    Directory,
    PackageManager,
    Packages,
    Resource,
    Service,
    Settings,
    User,
)

EARLIER_BUILD_CACHE = "/var/cache/homeport"

TIME = "systemd-timesyncd | chrony | ntpsec | openntpd"
"""What sets the clock: if one of these is installed already, it stays."""

UPDATES = {
    # Which archives: Debian's own list, in 50unattended-upgrades: those of security updates.
    "APT::Periodic::Enable": "1",
    "APT::Periodic::Update-Package-Lists": "1",
    "APT::Periodic::Unattended-Upgrade": "1",
    "APT::Periodic::AutocleanInterval": "7",
    # A reboot is for a person to decide; /var/run/reboot-required says that one is due.
    "Unattended-Upgrade::Automatic-Reboot": "false",
}

JOURNAL = {
    # Kept over a reboot, or what led to it is lost. How much of it: systemd's own bounds, which
    # leave room on the disk and cut no longer journal that is there already.
    "Storage": "persistent",
}

KERNEL = {
    # Nobody but a router may tell this host where to send packets, and it is none itself.
    "net.ipv4.conf.all.accept_redirects": "0",
    "net.ipv4.conf.default.accept_redirects": "0",
    "net.ipv4.conf.all.secure_redirects": "0",
    "net.ipv4.conf.default.secure_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.default.accept_source_route": "0",
    "net.ipv4.tcp_syncookies": "1",
    # Addresses of the kernel, and what it prints, are not for every user.
    "kernel.kptr_restrict": "2",
    "kernel.dmesg_restrict": "1",
    "net.core.bpf_jit_harden": "2",
    # Links, queues and files in directories that all may write to.
    "fs.protected_hardlinks": "1",
    "fs.protected_symlinks": "1",
    "fs.protected_fifos": "2",
    "fs.protected_regular": "2",
    "fs.suid_dumpable": "0",
}

KERNEL_IPV6 = {
    "net.ipv6.conf.all.accept_redirects": "0",
    "net.ipv6.conf.default.accept_redirects": "0",
}
"""Only where the kernel has it: it refuses names that it does not know."""


def base(host: Host, facts: Facts) -> Iterator[Resource]:
    """Yield what every host has, and the Debian packages that this one asks for."""
    names = ["python3", "python3-venv", "ca-certificates", "unattended-upgrades", "logrotate"]
    # By it a deploy asks systemd for a unit of its own; minimal images lack it.
    names += ["dbus"]
    # A container has the time of the machine that it runs on.
    names += [] if facts.container else [TIME]
    packages = Packages("base", tuple(names))
    yield PackageManager()
    yield packages
    if host.packages:
        yield Packages("host", host.packages)
    yield from _security_updates(host)
    yield from _journal(host)
    if not facts.container:
        yield Service("systemd-timesyncd", restart_on=(packages,), yields=True)
        yield from _kernel(host, facts)
    yield User(layout.BUILDER)
    # All apps' builds shared it once, so that what one of them put there ran in all others.
    yield Absent(EARLIER_BUILD_CACHE)


def _security_updates(host: Host) -> Iterator[Resource]:
    # A file of our own: Debian's 20auto-upgrades belongs to its package's questions.
    yield _settings(
        host,
        "updates",
        "/etc/apt/apt.conf.d/52homeport-upgrades",
        APT,
        ("/etc/apt/apt.conf", "/etc/apt/apt.conf.d"),
        UPDATES,
    )
    yield Service("apt-daily.timer", yields=True)
    yield Service("apt-daily-upgrade.timer", yields=True)


def _journal(host: Host) -> Iterator[Resource]:
    directory = Directory("/etc/systemd/journald.conf.d")
    settings = _settings(
        host,
        "journal",
        f"{directory.path}/homeport.conf",
        INI,
        ("/etc/systemd/journald.conf", directory.path),
        JOURNAL,
    )
    # Source: Debian's /usr/lib/tmpfiles.d/systemd.conf, which keeps it so at every boot.
    journal = Directory("/var/log/journal", mode="2755", group="systemd-journal")
    yield from (directory, settings, journal)
    yield Service("systemd-journald", restart_on=(settings, journal))


def _kernel(host: Host, facts: Facts) -> Iterator[Resource]:
    settings = _settings(
        host,
        "kernel",
        "/etc/sysctl.d/60-homeport.conf",
        SYSCTL,
        ("/etc/sysctl.conf", "/etc/sysctl.d"),
        {**KERNEL, **(KERNEL_IPV6 if facts.ipv6 else {})},
    )
    yield settings
    yield Service("systemd-sysctl", restart_on=(settings,))


def _settings(
    host: Host, area: str, path: str, syntax: str, others: tuple[str, ...], values: dict[str, str]
) -> Settings:
    """Return settings of the host in one area; files of others come before ours, or override."""
    head = render(f"base/{area}.j2")
    return Settings(path, syntax, head, values, others, override=area in host.override)
