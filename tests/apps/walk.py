"""The walk of every app: from a bare host to visitors who find again what they left there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.apps.app import App
from tests.apps.browser import Browser
from tests.apps.crowd import crowd
from tests.apps.repository import Repository
from tests.e2e.site import Site
from tests.e2e.steps import RELEASE

DEPLOYS = 3
"""Under load, before the rollback; after it there is one more."""


@dataclass
class Walked:
    """What was seen.

    Args:
        app: The app's name.
        suite: The host's Debian.
        changes: Ids of what a second provision has changed.
        deploys, rollbacks: How many there were under load.
        requests, failures: Of visitors meanwhile.
        wrong: What was not as it must be, in words. Empty is good.
    """

    app: str
    suite: str
    changes: list[str] = field(default_factory=list)
    deploys: int = 0
    rollbacks: int = 0
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    wrong: str = ""

    @property
    def is_good(self) -> bool:
        """Whether everything was as it must be."""
        return not self.all_wrong()

    def all_wrong(self) -> list[str]:
        """Return all that was not as it must be, in words."""
        changed = [f"changed again: {each}" for each in self.changes]
        none = [] if self.requests or self.wrong else ["no visitor has asked for anything"]
        return [*([self.wrong] if self.wrong else []), *changed, *self.failures[:10], *none]


class Walk:
    """One app on one host.

    Args:
        lab: Where the host is.
        directory: For the repository; it must have another name for each walk.
        app: The app.
        suite: The host's Debian.
    """

    def __init__(self, lab: Lab, directory: Path, app: App, suite: str) -> None:
        self._lab, self._app, self._suite = lab, app, suite
        self._repository = Repository(app, directory / app.name)
        self._host: LabHost = lab.up([directory.name], suite=suite)[0]
        lab.set_domain(app.domain, self._host.name)

    def close(self) -> None:
        """Have the host be no more."""
        self._lab.set_domain(self._app.domain, None)
        self._lab.remove(self._host.name)

    def go(self) -> Walked:
        """Go all the way."""
        seen = Walked(self._app.name, self._suite)
        self._begin()
        browser = Browser(Site(self._lab, self._host, self._app.domain))
        self._app.first_visit(browser)
        again = self._repository.fab("provision", "--json").must_succeed()
        seen.changes = again.changed(self._host.name)
        with crowd(self._lab, self._host, self._app.domain, self._app.pages) as visitors:
            releases = [self._deploy(seen) for _ in range(DEPLOYS)]
            back = self._live(self._repository.fab("rollback").must_succeed().output)
            assert back == releases[-2], f"the rollback of {releases} made {back} live"
            seen.rollbacks += 1
            self._deploy(seen)
        seen.requests, seen.failures = visitors.requests, visitors.failures
        self._app.later_visit(browser)
        return seen

    def _begin(self) -> None:
        self._repository.initialise(self._lab, self._host)
        self._repository.fab("provision").must_succeed()
        for command in self._app.commands:
            self._host.shell(command)
        self._repository.fab("deploy").must_succeed()
        for command in self._app.once:
            self._repository.fab("run", self._app.name, "--", command).must_succeed()

    def _deploy(self, seen: Walked) -> str:
        self._repository.change()
        release = self._live(self._repository.fab("deploy").must_succeed().output)
        seen.deploys += 1
        return release

    def _live(self, output: str) -> str:
        found = re.search(rf"^{self._app.name} ({RELEASE.pattern}) is live", output, re.MULTILINE)
        assert found, output
        return found[1]
