"""Where things are on a host: one place that knows every path of Homeport's own.

`/srv/<app>` holds what must survive a reboot, `/run/<app>` the sockets, and
`/var/lib/homeport` what Homeport remembers between runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Tuple

STATE = "/var/lib/homeport"
"""Root-only: remembered digests, cached agents, run journals."""

RUNTIME = "/run/homeport"
"""Root-only, gone after a reboot: the lock, staged files, the agent."""

BORROWED_PYTHON = "/var/lib/homeport-borrowed-python"
"""Root-only: the first run's Python on a bare host. As in bootstrap/start.sh."""

LOCK = RUNTIME + "/lock"
"""flock()ed for the length of a run and never removed, so that it cannot go stale.

Not in /run/lock, where every user may write: any user could hold it forever.
"""

RUN_SOCKET = RUNTIME + "/run.sock"
"""Socket of a run in the background: for its listeners, and for its next plan or a stop."""

MEMORY = STATE + "/memory.json"
RUNS = STATE + "/runs"
OWNED = STATE + "/owned.json"
"""The record of what Homeport made on this host: see agent/machine/record.py."""

BACKUPS = "/var/backups/homeport"
"""Root-only: copies of what a person handed over."""

UV = "/opt/homeport/uv"
PYTHONS = "/opt/homeport/pythons"
"""Pythons that uv has downloaded, which apps share; below it are no others."""

BUILDER = "homeport-build"
"""The user without rights that runs the proxy through which builds reach the package index."""

BUILDS = tuple(
    f"{place}/{BUILDER}"
    for place in ("/var/cache/private", "/var/cache", "/var/lib/private", "/var/lib")
)
"""Where systemd keeps what a build's user of the moment downloads and makes."""

SOCKETS = "/run/homeport-sockets"
"""The sockets of all releases. systemd makes them here: no app can write below it."""
ACME_WEBROOT = "/var/lib/homeport-acme"
"""Visitors see it as /.well-known/acme-challenge/, so it stands outside the root-only STATE."""

ACME = "/etc/homeport/acme"
"""Homeport's certificates, as certbot keeps them, apart from others' in certbot's directory."""

ACME_WORK = STATE + "/certbot"
ACME_LOGS = "/var/log/homeport-certbot"
CERTBOT = "/opt/homeport/certbot"
"""Debian's certbot, with these directories: templates/certbot/certbot.j2."""

RENEWAL = "homeport-renewal"
"""The units that renew them, one of each for a site: no app may have this name."""

EARLIER_ACME = "/etc/letsencrypt"
"""certbot's own directory. An earlier Homeport had its certificates there, among others'."""

WEB_USER = "www-data"

READY = ".ready"
"""Written last into a virtualenv: one without it is incomplete."""

VENVS = "venvs"
"""The folder of an app's virtualenvs."""

PART = ".part"
"""Suffix of a release, and of what releases run on, until it is complete."""

TEMPORARY = ".homeport-new"
"""Suffix of files that are being written: ".<name>.homeport-new", renamed when complete."""

UNIT_FILES = "/etc/systemd/system"
"""Unit files of this host's own. Source: systemd.unit(5), "UNIT FILE LOAD PATH"."""

TEMPORARY_FILES = "/etc/tmpfiles.d"
"""Files that must exist after each boot. Source: tmpfiles.d(5)."""

MARK = b"Made by Homeport from templates/"
"""In the first lines of every file that Homeport renders: OWNED in provisioning/render."""

RUNTIME_UNITS = "/run/systemd/system"
"""Unit files that are gone after a reboot. Source: systemd.unit(5), "UNIT FILE LOAD PATH"."""


def temporary(path: str) -> str:
    """Return where a file is written before it is put at its path, by a rename."""
    directory, base = os.path.split(path)
    return os.path.join(directory, f".{base}{TEMPORARY}")


def is_temporary(name: str) -> bool:
    """Return whether a name is one of `temporary`."""
    return name.startswith(".") and name.endswith(TEMPORARY)


APPS = "/srv"
"""The directories of apps, and what others have there."""


@dataclass(frozen=True)
class AppLayout:
    """The paths of one app.

    Args:
        app: The app's name: also its system user, and its units' prefix.
    """

    app: str

    @property
    def root(self) -> str:
        return f"/srv/{self.app}"

    @property
    def releases(self) -> str:
        return f"{self.root}/releases"

    @property
    def venvs(self) -> str:
        return f"{self.root}/{VENVS}"

    @property
    def env(self) -> str:
        return f"{self.root}/env"

    @property
    def static(self) -> str:
        """Static files of old and new releases, laid out by URL path: the web server's root."""
        return f"{self.root}/static"

    @property
    def shared(self) -> str:
        return f"{self.root}/shared"

    @property
    def home(self) -> str:
        """HOME of all programs of an app: caches and settings, which survive releases."""
        return f"{self.root}/home"

    @property
    def temporary(self) -> str:
        """What an app's web servers see as /tmp."""
        return f"{self.root}/tmp"  # noqa: S108  # nosec B108 # a name below /srv

    @property
    def live_socket(self) -> str:
        """The pointer: a symlink to the live release's socket. Renaming it is the switch."""
        return f"{self.root}/live.sock"

    @property
    def current(self) -> str:
        """A symlink to the live release's directory, for people and cron only."""
        return f"{self.root}/current"

    @property
    def history(self) -> str:
        return f"{self.root}/history.jsonl"

    @property
    def secrets(self) -> str:
        """Generated secrets, root-only JSON: made once, kept over every run."""
        return f"{self.root}/secrets.json"

    @property
    def maintenance(self) -> str:
        """A part of the web server's configuration that is there in maintenance only."""
        return f"{self.root}/maintenance.conf"

    @property
    def sockets(self) -> str:
        """Root's, open to the web server's group: a socket in it is the named release's."""
        return f"{SOCKETS}/{self.app}"

    @property
    def earlier_runtime(self) -> str:
        """Where releases of an earlier Homeport, which made their sockets themselves, have them."""
        return f"/run/{self.app}"

    def release(self, release_id: str) -> str:
        return f"{self.releases}/{release_id}"

    def code(self, release_id: str) -> str:
        return f"{self.release(release_id)}/code"

    def units(self, release_id: str) -> str:
        """The unit files of a release's processes and timers, where it has any."""
        return f"{self.release(release_id)}/units"

    def socket(self, release_id: str) -> str:
        """Must stay under 108 bytes: Source: unix(7), sun_path."""
        return f"{self.sockets}/{release_id}.sock"

    def earlier_socket(self, release_id: str) -> str:
        """The socket of a release that an earlier Homeport made."""
        return f"{self.earlier_runtime}/{release_id}.sock"

    def socket_unit(self, release_id: str) -> str:
        return f"{self.app}@{release_id}.socket"

    def unit(self, release_id: str) -> str:
        return f"{self.app}@{release_id}.service"

    def web_units(self, release_id: str) -> Tuple[str, str]:
        """What a release's web server is to systemd: its socket and its service."""
        return self.socket_unit(release_id), self.unit(release_id)

    @property
    def earlier_template(self) -> str:
        """The unit of which releases of an earlier Homeport are instances, in /etc."""
        return f"{self.app}@.service"

    @property
    def tmpfiles(self) -> str:
        """Has the directory of the sockets made. With a dot, which no other app's name has."""
        return f"{TEMPORARY_FILES}/homeport.{self.app}.conf"

    @property
    def earlier_tmpfiles(self) -> str:
        """The same for `earlier_runtime`."""
        return f"{TEMPORARY_FILES}/homeport-{self.app}.conf"

    @property
    def boot_unit(self) -> str:
        """Starts the release that is live when the host boots."""
        return f"{self.app}-boot.service"

    # An app's name has no dot: no other app's units can be meant by these.

    def process_unit(self, process: str, number: int, release_id: str) -> str:
        return f"{self.app}.{process}.{number}@{release_id}.service"

    def timer_unit(self, timer: str, suffix: str = "timer") -> str:
        """Without a release: systemd keeps when it last fired under this name."""
        return f"{self.app}.{timer}.{suffix}"
