"""`fab doctor`: a finished host passes, and whatever is broken is found, with the mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from provisioning.doctor import checks
from provisioning.lab import Lab, LabHost
from tests.e2e import roads
from tests.e2e.breaks import IN_THE_APP, ON_THE_HOST, Break
from tests.e2e.listing import listing_of, touched
from tests.e2e.project import Project, Result
from tests.e2e.steps import deploy, deploy_change, only, provision
from tests.e2e.test_idempotence import services_of

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

NOT_BROKEN_HERE = {
    # A container has the clock and the memory of this machine.
    "clock", "memory",
    # See test_doctor_django.py.
    "django-deploy-check",
}  # fmt: skip


class Patient(NamedTuple):
    """A host that all tests of this file look at, and the project it belongs to."""

    project: Project
    host: LabHost

    def doctor(self, *arguments: str) -> tuple[Result, dict[str, dict]]:
        """Run `fab doctor` and return what it says: check -> row."""
        result = self.project.fab("-H", self.host.name, "doctor", "--json", *arguments)
        return result, {row["check"]: row for row in only(result.events, "table")["rows"]}


@pytest.fixture(scope="module", params=("bookworm", "trixie"))
def patient(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Patient]:
    road = request.getfixturevalue(f"{request.param}_road")
    with roads.restored_hosts(lab, lambda suite: road, "deployed") as give:
        host = give(request.param)
        project = Project.create(tmp_path_factory.mktemp("doctor") / "project", lab)
        project.inventory.write_text(road.project.inventory.read_text())
        project.env.update(road.project.env)
        # So that there is a release to go back to.
        deploy_change(project, host)
        yield Patient(project, host)


def test_a_finished_host_passes_without_a_warning_and_is_left_as_it_was(patient: Patient):
    patient.doctor()
    before = listing_of(patient.host, without=SELF_MOVING), services_of(patient.host)
    result, rows = patient.doctor()
    assert {name: row for name, row in rows.items() if row["verdict"] != "pass"} == {}
    assert result.code == 0
    everything = {each.name for each in (*checks.of_apps(), *checks.of_hosts())}
    assert rows.keys() == everything - {"django-deploy-check"}
    after = listing_of(patient.host, without=SELF_MOVING), services_of(patient.host)
    assert touched(before[0], after[0]) == {}
    assert touched(before[1], after[1]) == {}
    assert patient.host.shell("systemctl list-units --all --plain --no-legend 'hello-run-*'") == ""
    assert patient.host.shell("ls /var/tmp | grep hello-run || true") == ""


SELF_MOVING = ("/srv/hello/shared", "/var/tmp")
"""The app opens its database as it would for any visitor, in a process with a /tmp of its own."""


def test_a_renewal_is_tried_on_request_only(patient: Patient):
    result, rows = patient.doctor("--renew-dry-run")
    assert result.code == 0, rows
    assert "as a test went well" in rows["renewal"]["evidence"]


def test_it_is_told_to_people_and_without_secrets(patient: Patient):
    key = json.loads(patient.host.path("/srv/hello/secrets.json").read_text())["SECRET_KEY"]
    patient.host.shell("chmod 0644 /srv/hello/secrets.json")
    told = patient.project.fab("-H", patient.host.name, "doctor")
    patient.host.shell("chmod 0600 /srv/hello/secrets.json")
    assert told.code == 1
    assert "mend: chmod o-rwx,g-w /srv/hello/secrets.json" in told.output
    assert "1 fail, 0 warn, 0 not seen" in told.output
    assert key not in told.output
    assert "Traceback" not in told.output


@pytest.mark.parametrize("what", ON_THE_HOST)
def test_what_is_broken_on_a_host_is_found(patient: Patient, what: str):
    broken = ON_THE_HOST[what]
    patient.host.shell(broken.script)
    try:
        must_be_found(patient, broken)
    finally:
        if broken.undo == "provision":
            provision(patient.project, patient.host).must_succeed()
        else:
            patient.host.shell(broken.undo)


@pytest.mark.parametrize("what", IN_THE_APP)
def test_what_is_wrong_in_an_app_is_found(patient: Patient, what: str):
    project = patient.project
    for path, old, new in IN_THE_APP[what].edits:
        project.edit(path, old, new)
    try:
        deploy(project, patient.host)
        must_be_found(patient, IN_THE_APP[what])
    finally:
        project.git("revert", "--no-edit", f"HEAD~{len(IN_THE_APP[what].edits)}..HEAD")


def test_a_secret_in_the_history_of_the_source_is_found(patient: Patient):
    key = json.loads(patient.host.path("/srv/hello/secrets.json").read_text())["SECRET_KEY"]
    project = patient.project
    deploy(project, patient.host)
    (project.app / "old_settings.py").write_text(f'SECRET_KEY = "{key}"\n')
    project.commit("the key")
    project.git("rm", "--quiet", "old_settings.py")
    project.commit("and without it")
    must_be_found(patient, Break("secrets-in-source", "old_settings.py in "))


def test_every_check_is_tried_on_a_broken_host():
    broken = {each.check for each in (*ON_THE_HOST.values(), *IN_THE_APP.values())}
    everything = {each.name for each in (*checks.of_apps(), *checks.of_hosts())}
    assert broken == everything - NOT_BROKEN_HERE


def must_be_found(patient: Patient, broken: Break) -> None:
    result, rows = patient.doctor()
    row = rows[broken.check]
    assert row["verdict"] == broken.verdict, row
    assert broken.words in row["evidence"]
    assert row["mend"]
    worse = {name for name, each in rows.items() if each["verdict"] != "pass"}
    assert worse - {broken.check, *broken.also} == set(), [rows[name] for name in worse]
    fails = [name for name in worse if rows[name]["verdict"] == "fail"]
    assert result.code == (1 if fails else 0)


def test_a_bare_host_is_looked_at_as_far_as_it_goes(lab: Lab, bare_host, tmp_path):
    project, host = Project.create(tmp_path / "project", lab), bare_host()
    result, rows = Patient(project, host).doctor()
    assert result.code in (0, 1), result.output
    assert rows["disk"]["verdict"] == "pass"
    assert rows["open-ports"]["verdict"] == "pass"
    assert rows["provision-check"]["verdict"] == "not seen"
    unseen = [row for row in rows.values() if row["app"] and row["verdict"] != "not seen"]
    assert unseen == []
    assert all(row["evidence"] for row in rows.values())
    assert "Homeport has not set up hello" in rows["rollback"]["evidence"]
