"""Look at one host from all sides, and hold what is seen against the checklist."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.agent import layout
from provisioning.doctor import checks, history, inside, visitor
from provisioning.doctor.finding import Finding
from provisioning.doctor.seen import AppSays, AppSeen, Drift, History, HostSeen, SiteSeen
from provisioning.errors import ConnectionLostError, HomeportError
from provisioning.hosts.exec import Program, attach
from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.types.units import ACME_DIRECTORIES
from provisioning.operations.provision import plan_provision, provision_host
from provisioning.protocol import queries
from provisioning.roles import load_own_roles, read_given_certificate
from provisioning.roles.site import site_name

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.agent.answers import AppExamination
    from provisioning.agent.facts import Facts
    from provisioning.hosts.host import RemoteHost
    from provisioning.inventory import Inventory
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.host import Host
    from provisioning.protocol.plan import Plan


@dataclass(frozen=True)
class Line:
    """One line of the result: which check, of which app ("": of the host), and what it found."""

    app: str
    check: str
    finding: Finding


@dataclass(frozen=True)
class Doctor:
    """Looks at hosts; it changes nothing on them.

    Args:
        inventory: Of the environment.
        project: The folder of the fabfile.
        authority: PEM of an authority that is trusted besides the usual ones, or "".
        renews: Whether renewals of certificates are tried.
        say: Told what is being looked at: host and text.
        salt: What digests of secrets begin with.
    """

    inventory: Inventory
    project: Path
    authority: str = ""
    renews: bool = False
    say: Callable[[str, str], None] = lambda host, text: None
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def examine(self, run: RemoteHost, host: Host, apps: Iterable[App]) -> list[Line]:
        """Return what all checks find on a host.

        Raises:
            HomeportError: The host cannot be looked at.
        """
        apps = list(apps)
        self.say(run.name, "looking at the host")
        examination = run.ask(queries.examination([self._question(app, host) for app in apps]))
        facts = run.facts()
        # A check of a bare host would fetch package lists there.
        drift = self._drift(run, host) if examination.managed else None
        seen = HostSeen(run.name, run.place().ssh_port, examination, drift)
        # What follows may take a while: an agent that hears nothing for long would give us up.
        run.close()
        lines = list(_judged("", checks.of_hosts(), seen))
        for app in apps:
            lines += _judged(
                app.name,
                checks.of_apps(),
                self._of_app(run, app, seen, facts, self._site_name(app, host)),
            )
        return lines

    def _site_name(self, app: App, host: Host) -> str:
        return site_name(app, self.inventory.apps_on(host))

    def _question(self, app: App, host: Host) -> dict[str, str]:
        return {
            "app": app.name,
            "site": self._site_name(app, host),
            "health": app.at(app.health),
            "host": app.domains[0],
            "salt": self.salt,
        }

    def _drift(self, run: RemoteHost, host: Host) -> Drift | None:
        if host.name not in self.inventory.hosts:
            return None
        self.say(run.name, "checking what a provision would change")
        try:
            own, given = load_own_roles(self.project), read_given_certificate(self.inventory)

            def plan_for(facts: Facts) -> Plan:
                return plan_provision(self.inventory, host, facts, own, given)

            preview = run.preview()
            provision_host(run, host, self.inventory, plan_for, carry_out=preview.carry_out)
        except ConnectionLostError:
            raise
        except HomeportError as error:
            return Drift(error=error.message)
        if preview.report.failed:
            return Drift(error=preview.report.failed.message)
        return Drift(tuple(each.id for each in preview.report.changed))

    def _of_app(
        self, run: RemoteHost, app: App, host: HostSeen, facts: Facts, site: str
    ) -> AppSeen:
        found = host.examination.apps.get(app.name)
        is_live = found is not None and bool(found.live)
        self.say(run.name, f"asking {app.name} about itself")
        says = (
            inside.ask_app(run, app, facts, found) if found and is_live else
            AppSays(error="no release of it is live")
        )  # fmt: skip
        dry_run = self._dry_run(run, site) if self.renews and found and found.renewal else None
        self.say(run.name, f"visiting {app.domains[0]}")
        return AppSeen(
            app=app,
            tls=self.inventory.tls,
            host=host,
            examination=found,
            says=says,
            site=self._site(app, run.place().address, found),
            history=self._history(app, found),
            sets_client=APP_SERVERS[app.server].sets_client or app.interface == "asgi",
            dry_run=dry_run,
        )

    def _site(self, app: App, address: str, found: AppExamination | None) -> SiteSeen:
        if not address:
            return SiteSeen(error="the controller reaches the host through another one only")
        return visitor.look(
            app,
            address,
            https=self.inventory.tls.https,
            authority=self.authority,
            static=found.static if found else (),
            sources=found.sources if found else (),
        )

    def _history(self, app: App, found: AppExamination | None) -> History:
        try:
            source = self.inventory.source_of(app)
        except HomeportError:
            return History(error="the source is not on this machine")
        # A short value is a word that any file may have.
        digests = {
            name: each.digest for name, each in (found.secrets if found else {}).items()
            if each.chars >= history.SHORTEST_CHARS
        }  # fmt: skip
        return history.search(source, digests, self.salt)

    def _dry_run(self, run: RemoteHost, site: str) -> str:
        """Return why a renewal as a test fails; "" if it does not."""
        self.say(run.name, f"renewing the certificate {site} as a test")
        printed = inside.Printed("")
        argv = [layout.CERTBOT, "renew", "--dry-run", "--no-random-sleep-on-renew",
                "--no-directory-hooks", "--cert-name", site]  # fmt: skip
        # Without it certbot asks Let's Encrypt's staging authority, as it should for that one.
        if self.inventory.tls.directory != ACME_DIRECTORIES["letsencrypt"]:
            argv += ["--server", self.inventory.tls.directory]
        status = attach(Program(argv, stop=("true",)), run.open, printed)
        return "" if status == 0 else f"certbot ended with exit status {status}"


def _judged(app: str, all_checks: Iterable[checks.Check], seen: object) -> Iterator[Line]:
    for check in all_checks:
        finding = check.judge(seen)
        if finding is not None:
            yield Line(app, check.name, finding)
