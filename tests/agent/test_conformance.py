"""What holds for every resource type: see provisioning/agent/resource.py."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning import resources
from provisioning.agent.blob import Blob
from provisioning.agent.events import CHANGED, UNCHANGED
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Resource, decode, differences, encode
from provisioning.agent.resources import TYPES
from tests.agent.killing import kill_everywhere
from tests.agent.runs import Host, listing
from tests.agent.samples import EVERY_TYPE, HERE, Sample

everything = pytest.mark.parametrize("resource", EVERY_TYPE, ids=lambda each: each.id)


@pytest.fixture(params=sorted(HERE))
def sample(request: pytest.FixtureRequest, root: Path) -> Sample:
    made = HERE[request.param](root)
    made.prepare()
    return made


def test_every_type_has_a_sample() -> None:
    assert {type(each) for each in EVERY_TYPE} == set(TYPES.values())


@pytest.mark.parametrize("type_", TYPES.values(), ids=lambda type_: type_.__name__)
def test_a_kind_leads_to_its_file(type_: type[Resource]) -> None:
    assert type_.kind.replace("-", "_") == type_.__module__.rpartition(".")[2]


@pytest.mark.parametrize("type_", TYPES.values(), ids=lambda type_: type_.__name__)
def test_authors_of_roles_get_each_type_by_its_name(type_: type[Resource]) -> None:
    assert getattr(resources, type_.__name__) is type_
    rows = Path(resources.__file__).read_text()
    assert f"from {type_.__module__} import" in rows
    assert re.search(rf"\b{type_.__name__} as {type_.__name__}\b", rows)


def test_a_type_that_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Fiel'"):
        exec("from provisioning.resources import Fiel")


@everything
def test_what_was_encoded_decodes_to_the_same(resource: Resource) -> None:
    travelled = json.loads(json.dumps(encode(resource)))
    arrived = decode(TYPES, travelled)
    assert arrived == resource
    assert arrived.id == resource.id
    assert arrived.desired() == resource.desired()
    assert encode(arrived) == encode(resource)


@everything
def test_contents_stay_behind_when_a_resource_travels(resource: Resource) -> None:
    arrived = decode(TYPES, encode(resource))
    sent = {blob.digest for blob in resource.blobs()}
    assert {blob.digest for blob in arrived.blobs()} == sent
    fields = [getattr(arrived, each.name) for each in dataclasses.fields(arrived)]  # type: ignore[arg-type]
    blobs = [
        each
        for value in fields
        for each in (value.values() if isinstance(value, dict) else [value])
    ]
    assert all(each.data is None for each in blobs if isinstance(each, Blob))


@everything
def test_the_desired_state_is_flat_and_plain(resource: Resource) -> None:
    for name, value in resource.desired().items():
        assert isinstance(name, str)
        assert value is None or isinstance(value, (str, int, bool)), (name, value)


@everything
def test_a_resource_cannot_be_changed_by_accident(resource: Resource) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        resource.path = "/etc/passwd"  # type: ignore[attr-defined]


def test_reading_changes_nothing(sample: Sample, root: Path, own_paths: Path) -> None:
    before = listing(root), listing(own_paths)
    sample.resource.actual(System())
    list(sample.resource.missing(System()))
    assert (listing(root), listing(own_paths)) == before


def test_a_run_brings_the_desired_state_and_a_second_changes_nothing(
    sample: Sample, root: Path, own_paths: Path, host: Host
) -> None:
    first = host.run([sample.resource])
    assert first.statuses == {sample.resource.id: CHANGED}, first.finished
    assert not differences(sample.resource.desired(), sample.resource.actual(System()))
    before = listing(root), listing(own_paths)
    assert host.run([sample.resource]).statuses == {sample.resource.id: UNCHANGED}
    assert (listing(root), listing(own_paths)) == before


def test_a_check_predicts_what_the_run_changes_and_touches_nothing(
    sample: Sample, root: Path, own_paths: Path, host: Host
) -> None:
    before = listing(root)
    checked = host.check([sample.resource], diff=True)
    assert listing(root) == before
    assert host.check([sample.resource], diff=True).changes == checked.changes
    ran = host.run([sample.resource], diff=True)
    assert checked.changes == ran.changes
    assert [each.diffs for each in checked.finished] == [each.diffs for each in ran.finished]
    assert host.check([sample.resource]).statuses == {sample.resource.id: UNCHANGED}


def test_an_overlay_shows_what_it_was_told_to_make(sample: Sample) -> None:
    overlay = Overlay()
    change = differences(sample.resource.desired(), sample.resource.actual(overlay))
    sample.resource.apply(overlay, change)
    left = differences(sample.resource.desired(), sample.resource.actual(overlay))
    # What only a program or a release's own files can show is not imagined.
    assert left == {} or sample.resource.kind in ("command", "release", "static-files")


DAMAGES = [
    (name, damage) for name, make in HERE.items() for damage in make(Path("/nowhere")).damages
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=lambda each: each)
def test_damage_is_predicted_and_repaired(name: str, damage: str, root: Path, host: Host) -> None:
    sample = HERE[name](root)
    sample.prepare()
    assert not host.run([sample.resource]).done.failed
    sample.damages[damage]()
    before = listing(root)
    checked = host.check([sample.resource])
    assert listing(root) == before
    assert checked.statuses == {sample.resource.id: CHANGED}, "the damage was not seen"
    ran = host.run([sample.resource])
    assert checked.changes == ran.changes
    assert host.run([sample.resource]).statuses == {sample.resource.id: UNCHANGED}


def _everything_below(*roots: Path) -> set[str]:
    """Return all paths but the history's: it tells what happened, whatever that was."""
    paths = (path for each in roots for path in each.rglob("*"))
    return {str(path) for path in paths if path.name != "history.jsonl"}


def test_a_run_that_was_killed_anywhere_is_completed_by_the_next(
    sample: Sample, root: Path, own_paths: Path, host: Host
) -> None:
    def empty() -> None:
        for path in root.iterdir():
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        host.memory.unlink(missing_ok=True)
        sample.prepare()

    _must_be_completed_after_any_kill(empty, sample.resource, host, root, own_paths)


@pytest.mark.parametrize(
    ("name", "damage"),
    [each for each in DAMAGES if "place" in each[1] or each[1] in ("turned", "everything deleted")],
    ids=lambda each: each,
)
def test_a_repair_that_was_killed_anywhere_is_completed_by_the_next(
    name: str, damage: str, root: Path, own_paths: Path, host: Host
) -> None:
    sample = HERE[name](root)
    sample.prepare()

    def damaged() -> None:
        assert not host.run([sample.resource]).done.failed
        sample.damages[damage]()

    _must_be_completed_after_any_kill(damaged, sample.resource, host, root, own_paths)


def _must_be_completed_after_any_kill(
    prepare: Callable[[], None], resource: Resource, host: Host, root: Path, own_paths: Path
) -> None:
    prepare()
    assert not host.run([resource]).done.failed
    complete = _everything_below(root, own_paths)
    for changes in kill_everywhere(prepare, lambda: host.run([resource])):
        checked = host.check([resource])
        ran = host.run([resource])
        assert not ran.done.failed, (changes, ran.failure)
        assert checked.changes == ran.changes, changes
        assert not differences(resource.desired(), resource.actual(System())), changes
        assert host.run([resource]).statuses == {resource.id: UNCHANGED}, changes
        left = _everything_below(root, own_paths) ^ complete
        assert not left, f"killed after {changes} changes: {left}"
