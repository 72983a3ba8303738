"""The record of what Homeport made: durable, shared by several owners, readable by people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.agent.errors import AgentError
from provisioning.agent.machine.record import AppEntry, Record

FILE, OTHER = "path:/etc/a", "path:/etc/b"
ONE, TWO = "shop/production", "blog/production"


def test_what_was_written_down_is_there_for_the_next_run(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "owned.json")
    record = Record(path)
    record.add(ONE, [FILE, OTHER])
    record.put_app("shop", AppEntry(ONE, ("shop.test",)))
    again = Record(path)
    assert again.things().keys() == {FILE, OTHER}
    assert again.owners(FILE) == {ONE}
    assert again.apps == {"shop": AppEntry(ONE, ("shop.test",))}


def test_only_root_reads_it(tmp_path: Path) -> None:
    Record(str(tmp_path / "state" / "owned.json")).add(ONE, [FILE])
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "owned.json").stat().st_mode & 0o777 == 0o600


def test_a_thing_of_two_owners_is_free_when_both_have_given_it_up(tmp_path: Path) -> None:
    path = str(tmp_path / "owned.json")
    record = Record(path)
    record.add(ONE, [FILE])
    record.add(TWO, [FILE])
    assert not record.release(ONE, FILE)
    assert Record(path).owners(FILE) == {TWO}
    # Still in the record: it is taken out when it is gone.
    assert record.release(TWO, FILE)
    assert Record(path).has(FILE)
    record.forget([FILE])
    assert not Record(path).has(FILE)


def test_what_is_not_in_the_record_is_never_given_up(tmp_path: Path) -> None:
    assert not Record(str(tmp_path / "owned.json")).release(ONE, FILE)


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    record = Record(str(tmp_path / "owned.json"), writable=False)
    record.add(ONE, [FILE])
    assert record.has(FILE)
    assert not (tmp_path / "owned.json").exists()


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "owned.json"
    Record(str(path)).add(ONE, [FILE])
    before = path.stat().st_mtime_ns, path.stat().st_ino
    record = Record(str(path))
    record.add(ONE, [FILE])
    record.forget([OTHER])
    record.remove_app("nobody")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"things": {}}', '{"things": {"x": 1}, "apps": {}}', "null"]
)
def test_a_damaged_record_is_no_licence_to_change_things(tmp_path: Path, text: str) -> None:
    path = tmp_path / "owned.json"
    path.write_text(text)
    with pytest.raises(AgentError, match="the record of what Homeport made") as caught:
        Record(str(path))
    assert "move it away" in caught.value.hint


def test_the_file_says_of_what_format_it_is(tmp_path: Path) -> None:
    Record(str(tmp_path / "owned.json")).add(ONE, [FILE])
    assert json.loads((tmp_path / "owned.json").read_text())["format"] == 1
