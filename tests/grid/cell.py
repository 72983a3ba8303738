"""One cell of the grid: an app server behind a web server, from a bare host on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import deploy, deploy_change, live_on, provision, rollback
from tests.e2e.visitors import visitors
from tests.grid.bad import BAD, IMPATIENT
from tests.grid.result import Result
from tests.grid.rows import Inventory, Row

DEPLOYS = 5
ROLLBACK_AFTER = (2, 4)
"""After which of the deploys there is a rollback."""

REFUSED = 4
"""The exit code of a deploy that was refused."""

LOAD = "uploads"
"""See kinds.LOADS."""


def tour(places: Sequence[str]) -> Iterator[str]:
    """Yield where to go so that the way from each place to each other one is gone once.

    Args:
        places: The first is where it begins, and ends.
    """
    for number, place in enumerate(places[:-1]):
        for further in places[number + 2 :]:
            yield from (further, place)
        yield places[number + 1]
    yield from places[-2::-1]


class Cell:
    """One host, and the project that it belongs to.

    Args:
        lab: Where the host is; nothing else needs the names of the site meanwhile.
        directory: For the project; it is made.
        web_server: In front of the app.
        suite: The host's Debian.
    """

    def __init__(self, lab: Lab, directory: Path, web_server: str, suite: str) -> None:
        self._lab, self._web_server, self._suite = lab, web_server, suite
        self._project = Project.create(directory, lab)
        self._inventory = Inventory(self._project, web_server)
        self._host: LabHost = lab.up([directory.name], suite=suite)[0]
        lead_domains_to(lab, self._host)

    def close(self) -> None:
        """Have the host be no more."""
        self._lab.remove(self._host.name)

    def try_server(self, row: Row) -> Result:
        """Go from the bare host to HTTPS, then deploy, roll back and fail under load."""
        result = Result(row.name, self._web_server, self._suite)
        self._inventory.use(row)
        self._begin(result)
        with self._load(result) as went_live:
            for number in range(1, DEPLOYS + 1):
                went_live.append(deploy_change(self._project, self._host))
                result.deploys += 1
                if number in ROLLBACK_AFTER:
                    went_live.append(rollback(self._project, self._host))
                    result.rollbacks += 1
        self._refuse(result)
        return result

    def try_ways(self, rows: Sequence[Row]) -> Result:
        """Go from each app server to each other one, by rollbacks under load."""
        result = Result("from each to each other", self._web_server, self._suite)
        self._inventory.use(rows[0])
        self._begin(result)
        releases = [live_on(self._host)]
        with self._load(result) as went_live:
            for row in rows[1:]:
                self._inventory.use(row)
                releases.append(deploy_change(self._project, self._host))
                result.deploys += 1
            went_live += releases[1:]
            for after in tour(releases[::-1]):
                assert rollback(self._project, self._host, "--to", after) == after
                result.rollbacks += 1
        return result

    def _begin(self, result: Result) -> None:
        provision(self._project, self._host).must_succeed()
        deploy(self._project, self._host)
        again = provision(self._project, self._host, "--json").must_succeed()
        result.changes = again.changed(self._host.name)
        page = Site(self._lab, self._host).get("/")
        if page.status != 200 or b"https://hello.lab/" not in page.body:
            result.wrong.append(f"the site answers {page.status}, or not with its own address")

    @contextmanager
    def _load(self, result: Result) -> Iterator[list[str]]:
        """Have visitors there meanwhile; each of the releases in the list must be seen by them."""
        went_live = [live_on(self._host)]
        with visitors(self._lab, self._host, load=LOAD) as visits:
            yield went_live
        result.requests += visits.requests
        result.failed += len(visits.failures)
        result.wrong += visits.failures[:5]
        if reopened := visits.result["reopened"]:
            result.wrong.append(f"{reopened} idle connections were closed")
        if unseen := set(went_live) - visits.releases:
            result.wrong.append(f"no visitor has seen {', '.join(sorted(unseen))}")

    def _refuse(self, result: Result) -> None:
        live = live_on(self._host)
        self._project.configure("migrate_compatible", f"{IMPATIENT}migrate_compatible")
        with self._load(result):
            for bad in BAD:
                text = bad.spoil(self._project)
                refused = self._project.fab("-H", self._host.name, "deploy")
                bad.mend(self._project, text)
                if refused.code == REFUSED and bad.words in refused.output:
                    result.refused += 1
                else:
                    said = refused.output[-1000:]
                    result.wrong.append(f"{bad.name}: exit code {refused.code}:\n{said}")
                if live_on(self._host) != live:
                    result.wrong.append(f"{bad.name}: {live} is no longer live")
