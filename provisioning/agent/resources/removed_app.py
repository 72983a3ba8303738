"""Nothing of an app on the host."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar, Iterable, List, Tuple

from provisioning.agent import layout
from provisioning.agent.apps.current_link import CurrentLink
from provisioning.agent.apps.names import named, shapes
from provisioning.agent.claims import CERTIFICATE, PATH, UNIT, USER, Claim, thing_id
from provisioning.agent.debian.certbot import Lineage
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.ownership import things
from provisioning.agent.resource import Change, Resource, State, normalise
from provisioning.agent.resources.stopped import Stopped
from provisioning.agent.resources.user import User

KEPT = ("shared", "home", "secrets.json")
"""What remains of an app without `data`."""


@dataclass(frozen=True)
class RemovedApp(Resource):
    """Have nothing of an app on the host: releases, virtualenvs, units, certificate and account.

    The web server's files are not among it: they are gone before, so that no visitor is led to what
    is being taken away. Without `data` the app's shared folder and its generated secrets stay, and
    its account, to which they belong.

    Args:
        app: The app's name.
        data: Whether its data goes too.
        by: Who does this.
        drain_timeout_s: How long requests in flight may take.
        sites: Names of sites on which no other app is: their certificates go too.
    """

    kind: ClassVar[str] = "removed-app"

    app: str
    data: bool = False
    by: str = ""
    drain_timeout_s: int = 30
    sites: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(self, sites=tuple(self.sites))

    @property
    def name(self) -> str:
        return self.app

    def claims(self) -> Iterable[Claim]:
        # /srv/<app> as a whole: what is in there is Homeport's if it is.
        yield Claim(PATH, AppLayout(self.app).root, always=True)
        yield from (Claim(PATH, path, removes=True) for path in self._files)
        yield from (Claim(CERTIFICATE, label, removes=True) for label in self._certificates)
        yield Claim(USER, self.app, removes=self.data)

    @property
    def _certificates(self) -> Tuple[str, ...]:
        """Names of certificates: that of a site which the app had to itself is its own."""
        return (self.app, *self.sites)

    @property
    def _files(self) -> List[str]:
        paths = AppLayout(self.app)
        return [
            f"{layout.UNIT_FILES}/{paths.boot_unit}",
            f"{layout.UNIT_FILES}/{paths.earlier_template}",
            paths.tmpfiles,
            paths.earlier_tmpfiles,
            *(f"/etc/homeport/tls/{label}" for label in self._certificates),
            paths.sockets,
            *(f"{place}/{kind}-{self.app}" for place in layout.BUILDS for kind in ("app", "image")),
        ]

    def desired(self) -> State:
        going = ("code", "settings", "certificate", "entry in the record")
        return dict.fromkeys((*going, *(("data", "account") if self.data else ())), "absent")

    def actual(self, system: System) -> State:
        paths = AppLayout(self.app)
        data = (paths.shared, paths.home, paths.secrets)
        code = [path for path in self._directories(system) if path not in data]
        there = {
            "code": any(map(system.stat, code)),
            "settings": any(map(system.stat, (*self._files, *self._links(system)))),
            "certificate": any(system.stat(Lineage(each).renewal) for each in self._certificates),
            "entry in the record": self.app in system.owned.apps,
            "data": any(map(system.stat, data)),
            "account": system.user(self.app) is not None,
        }
        return {name: "present" if is_there else "absent" for name, is_there in there.items()}

    def _links(self, system: System) -> List[str]:
        """Return the link from a certificate's earlier place, which others may know."""
        path = Lineage(self.app, layout.EARLIER_ACME).live
        found = system.stat(path)
        return [path] if found and found.target == Lineage(self.app).live else []

    def _directories(self, system: System) -> List[str]:
        """Return what goes below /srv/<app>: what Homeport made there, and the data if it is to go.

        What others put there stays, and with it the directory.
        """
        paths = AppLayout(self.app)
        found: List[str] = []
        for directory, shape in shapes(paths).items():
            ours = named(system, directory, shape)
            found += [os.path.join(directory, name) for name in ours]
            if len(ours) == len(system.list(directory)):
                found.append(directory)
        current = [paths.current] if CurrentLink(self.app, system).is_ours else []
        found += [paths.static, paths.temporary, *current, paths.live_socket, paths.maintenance]
        found.append(paths.history)
        if self.data:
            found += [paths.shared, paths.home, paths.secrets]
        names = {os.path.join(paths.root, name) for name in system.list(paths.root)}
        if self.data and names <= set(found):
            found.append(paths.root)
        return found

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            for path in (*self._files, *self._directories(system)):
                system.remove(path)
            system.owned.remove_app(self.app)
            return
        paths = AppLayout(self.app)
        stopped = Stopped(self.app, by=self.by, drain_timeout_s=self.drain_timeout_s)
        if system.stat(paths.releases):
            stopped.apply(system, {})
        if system.stat(f"{layout.UNIT_FILES}/{paths.boot_unit}"):
            systemctl.disable_and_stop(
                system, paths.boot_unit, why=f"keep {self.app} from being started at boot"
            )
        self._remove_units(system)
        for label in self._certificates:
            self._remove_certificate(system, label)
        going = (*self._links(system), *self._files, *self._directories(system))
        for path in going:
            system.remove(path)
        systemctl.read_units_again(system)
        if self.data and system.user(self.app):
            system.end_processes(self.app)
            system.act(["userdel", self.app], why=f"remove the account {self.app}")
        self._forget(system)

    @staticmethod
    def _remove_certificate(system: System, label: str) -> None:
        if not system.stat(Lineage(label).renewal):
            return
        timer = f"{layout.RENEWAL}@{label}.timer"
        systemctl.disable_and_stop(system, timer, why=f"stop {timer}")
        system.owned.forget([thing_id(UNIT, timer)])
        for path in list(Lineage(label).copies(system)):
            system.remove(path)
        system.act(
            [layout.CERTBOT, "delete", "--non-interactive", "--cert-name", label],
            why=f"delete the certificate {label}",
        )

    def _remove_units(self, system: System) -> None:
        """Remove the units of releases, which systemd knows until the next boot."""
        for name in system.list(layout.RUNTIME_UNITS):
            if name.startswith((f"{self.app}@", f"{self.app}.")):
                system.remove(os.path.join(layout.RUNTIME_UNITS, name))

    def _forget(self, system: System) -> None:
        """Take out of the record what is gone, of whatever kind, and last the app itself."""
        system.forget_cached()
        claims = [Claim(*thing.partition(":")[::2]) for thing in system.owned.things()]
        system.owned.forget([each.id for each in claims if not things.is_there(system, each)])
        system.owned.remove_app(self.app)
        system.memory.forget_all(
            key
            for key in system.memory.known()
            if any(is_about(key, each) for each in self._certificates)
            and (self.data or key != User(self.app).id)
        )
        kept = [name for name in system.list(AppLayout(self.app).root) if name not in KEPT]
        if kept:
            system.notes.append(
                f"left in {AppLayout(self.app).root}, because Homeport did not make it: "
                + ", ".join(kept)
            )


def is_about(key: str, app: str) -> bool:
    """Return whether something that the host remembers is of an app: "unit:hello-boot.service"."""
    kind, _, rest = key.partition(":")
    subject = rest.split(" ")[0].removesuffix(".service")
    paths = AppLayout(app)
    own = {
        "user": {app},
        "tmpfiles": {f"homeport-{app}"},
    }.get(kind, {app, paths.boot_unit.removesuffix(".service"), f"{layout.RENEWAL}@{app}.timer"})
    # The last: the web server once it went on without the app.
    ending = f"-without-{app}"
    return subject in own or subject.startswith((f"{app}/", f"{app}@")) or subject.endswith(ending)
