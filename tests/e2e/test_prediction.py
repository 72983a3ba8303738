"""What `--check` says will change is exactly what a run then changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from provisioning.lab import LabHost
from tests.e2e.damages import DAMAGES, TOGETHER
from tests.e2e.listing import APT_MEMORY, listing_of, touched, without
from tests.e2e.project import Project
from tests.e2e.roads import Road, lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import wait_until_python_is_given_back
from tests.suites import BOTH, FIRST_TRIXIE

pytestmark = pytest.mark.lab


FETCHED = (*APT_MEMORY, "/home/operator/.sudo_as_admin_successful")
"""What a check of a bare host leaves: apt's lists, and what Debian's sudo notes of a user."""


@dataclass
class Patient:
    """A host that is damaged again and again; a run puts it right each time."""

    project: Project
    host: LabHost
    is_well: bool = False

    def heal(self) -> None:
        """Have it as it was deployed, unless the last run has seen to that."""
        lead_domains_to(self.project.lab, self.host)
        if not self.is_well or not self.host.is_on:
            self.host.restore("deployed")
        self.is_well = False


@pytest.fixture(scope="module")
def patient(bookworm_road: Road) -> Iterator[Patient]:
    found = Patient(bookworm_road.project, bookworm_road.host)
    yield found
    found.host.power_cut()


@pytest.mark.parametrize("suite", BOTH)
def test_a_check_of_a_bare_host_names_exactly_what_a_run_changes_and_changes_nothing(
    request, bare_host, suite
):
    road: Road = request.getfixturevalue(f"{suite}_road")
    host = bare_host(suite)
    before = listing_of(host)
    assert "/usr/bin/dpkg" in before
    assert not any(path.startswith("/usr/bin/python3") for path in before)
    check = road.project.fab("-H", host.name, "provision", "--check", "--exit-code", "--json")
    wait_until_python_is_given_back(host)
    assert touched(without(before, FETCHED), without(listing_of(host), FETCHED)) == {}
    predicted = check.changed(host.name)
    assert predicted == road.provision.changed(road.host.name), check.output
    assert check.code == 5
    assert {"packages:base", "user:hello", "service:nginx", "certificate:hello"} <= set(predicted)


@pytest.mark.parametrize(
    "damage",
    [
        # All others are made at once, below.
        pytest.param(name, marks=pytest.mark.thorough) if script in TOGETHER else name
        for name, script in DAMAGES.items()
    ],
)
def test_a_check_names_exactly_what_is_then_repaired(patient, damage):
    patient.heal()
    patient.host.shell(quietly(DAMAGES[damage]))
    must_repair_as_predicted(patient.project, patient.host)
    must_serve(patient.project, patient.host)
    patient.is_well = True


@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_a_check_of_many_damages_at_once_names_exactly_what_is_repaired(
    project, deployed_host, suite
):
    host = deployed_host(suite)
    for script in TOGETHER:
        host.shell(quietly(script), check=False)
    repaired = must_repair_as_predicted(project, host)
    assert len(repaired) >= 25, repaired
    must_serve(project, host)
    again = project.fab("-H", host.name, "provision", "--json", "--check", "--exit-code")
    assert (again.code, again.changed(host.name)) == (0, []), again.output


def quietly(script: str) -> str:
    return f"export DEBIAN_FRONTEND=noninteractive; exec >/dev/null; {script}"


def must_repair_as_predicted(project: Project, host: LabHost) -> list[str]:
    """Check, run and run again; return the ids of what the first run changed."""
    provision = ("-H", host.name, "provision", "--json")
    before = listing_of(host)
    check = project.fab(*provision, "--check", "--exit-code")
    assert without_apt(touched(before, listing_of(host))) == {}
    predicted = check.changed(host.name)
    assert check.code == 5, check.output
    assert predicted
    run = project.fab(*provision).must_succeed()
    assert run.changed(host.name) == predicted
    third = project.fab(*provision).must_succeed()
    assert third.changed(host.name) == [], third.output
    return predicted


def without_apt(paths: dict) -> dict:
    return {path: entry for path, entry in paths.items() if not path.startswith(APT_MEMORY)}


def must_serve(project: Project, host: LabHost) -> None:
    """Check that the app still answers over HTTPS, with a certificate that is trusted."""
    assert Site(project.lab, host).get("/healthz").status == 200
