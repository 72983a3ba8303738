"""Before its first change a run is held against what others made."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.events import CHANGED, FAILED, UNCHANGED, Noted
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine.record import AppEntry, Record
from provisioning.resources import (
    Absent,
    Directory,
    File,
    FileSet,
    Link,
    RegisteredApp,
    Resource,
    Restored,
    SelfSigned,
    User,
)
from tests.agent.runs import Host, Outcome, listing

ONE, TWO = "shop/production", "blog/production"


@pytest.fixture(autouse=True)
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "backups"
    monkeypatch.setattr(layout, "BACKUPS", str(path))
    return path


def refusal(outcome: Outcome) -> str:
    assert outcome.statuses["gate:host"] == FAILED
    assert CHANGED not in outcome.statuses.values()
    return outcome.failure.message


def made_by_hand(root: Path) -> dict[str, tuple[Resource, Path]]:
    """Return a resource of each type that changes paths, and a path of a person's in its way."""
    (root / "etc" / "conf.d").mkdir(parents=True)
    ways = {
        "file": (File(str(root / "file"), "ours"), root / "file"),
        "link": (Link(str(root / "link"), "/etc"), root / "link"),
        "directory": (Directory(str(root / "directory"), mode="0700"), root / "directory"),
        "absent": (Absent(str(root / "absent")), root / "absent"),
        "a file of a set": (FileSet("set", str(root / "etc"), {"a": "ours"}), root / "etc" / "a"),
        "a link of a set": (
            FileSet("set", str(root / "etc"), {}, links={"b": "a"}),
            root / "etc" / "b",
        ),
        "a purged file": (
            FileSet("set", str(root / "etc"), {}, purge=("conf.d",)),
            root / "etc" / "conf.d" / "theirs",
        ),
    }
    for _, path in ways.values():
        path.write_text("theirs")
    return ways


WAYS = (
    "file",
    "link",
    "directory",
    "absent",
    "a file of a set",
    "a link of a set",
    "a purged file",
)


@pytest.mark.parametrize("way", WAYS)
def test_what_a_person_made_stops_the_run_and_stays(way: str, root: Path, host: Host) -> None:
    resource, path = made_by_hand(root)[way]
    first = File(str(root / "first"), "x")
    before = listing(root)
    told = refusal(host.run([first, resource], owner=ONE))
    assert listing(root) == before
    assert f"\n{path}\n" in told
    assert "1 thing is in the way" in told
    assert refusal(host.run([first, resource], owner=ONE, check=True)) == told
    assert listing(root) == before


@pytest.mark.parametrize("way", WAYS)
def test_what_is_handed_over_is_copied_first(
    way: str, root: Path, host: Host, backups: Path
) -> None:
    resource, path = made_by_hand(root)[way]
    outcome = host.run([resource], owner=ONE, adopt=[str(path)])
    assert outcome.statuses == {resource.id: CHANGED}
    [copy] = backups.glob(f"*/{path.relative_to('/')}")
    assert copy.read_text() == "theirs"
    assert any(str(copy.parents[len(path.parts) - 2]) in note for note in notes(outcome))
    # Once handed over it is Homeport's: nobody has to say so again.
    assert host.run([resource], owner=ONE).statuses == {resource.id: UNCHANGED}
    assert [each.kind for each in [resource] if Record(str(host.record)).things()] or way in (
        "absent",
        "a purged file",
    )


def notes(outcome: Outcome) -> list[str]:
    return [each.text for each in outcome.events if isinstance(each, Noted)]


def test_all_of_it_is_named_at_once(root: Path, host: Host) -> None:
    paths = [root / f"file{number}" for number in range(40)]
    for path in paths:
        path.write_text("theirs")
    told = refusal(host.run([File(str(path), "ours") for path in paths], owner=ONE))
    assert "40 things are in the way" in told
    assert all(f"\n{path}\n" in told for path in paths)


def test_to_hand_over_one_thing_is_not_to_hand_over_another(root: Path, host: Host) -> None:
    one, two = root / "one", root / "two"
    one.write_text("theirs")
    two.write_text("theirs")
    told = refusal(
        host.run([File(str(one), "x"), File(str(two), "x")], owner=ONE, adopt=[str(one)])
    )
    assert (str(one) in told, str(two) in told) == (False, True)
    assert (one.read_text(), two.read_text()) == ("theirs", "theirs")


def test_of_what_cannot_be_handed_over_that_is_said_to_whoever_names_it(host: Host) -> None:
    account = User("daemon", comment="Homeport app daemon")
    assert "cannot be handed over" not in refusal(host.run([account], owner=ONE))
    told = refusal(host.run([account], owner=ONE, adopt=["user:daemon"]))
    assert "user:daemon\n" in told
    assert "this cannot be handed over" in told
    assert "give the app another name" in told


def test_what_is_as_it_should_be_is_in_nobodys_way(root: Path, host: Host) -> None:
    path = root / "same"
    path.write_text("x")
    same, new = File(str(path), "x"), File(str(root / "new"), "y")
    assert host.run([same, new], owner=ONE).statuses == {same.id: UNCHANGED, new.id: CHANGED}
    # It does not become Homeport's by that.
    assert Record(str(host.record)).things().keys() == {f"path:{root}/new"}
    assert refusal(host.run([File(str(path), "other")], owner=ONE))


def test_what_homeport_made_it_may_change(root: Path, host: Host) -> None:
    path = str(root / "ours")
    for text in ("one", "two"):
        assert host.run([File(path, text)], owner=ONE).statuses == {f"file:{path}": CHANGED}
    assert host.run([Absent(path)], owner=ONE).statuses == {f"absent:{path}": CHANGED}
    assert not Record(str(host.record)).things()


def test_what_an_earlier_homeport_made_is_recognised_by_its_first_line(
    root: Path, host: Host
) -> None:
    path = root / "earlier"
    path.write_text("# Made by Homeport from templates/x.j2; an edit by hand is undone.\nold\n")
    assert host.run([File(str(path), "new")], owner=ONE).statuses[f"file:{path}"] == CHANGED


def test_it_is_written_down_before_it_is_made(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "new"

    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(File, "apply", dies)
    with pytest.raises(KeyboardInterrupt):
        host.run([File(str(path), "x")], owner=ONE)
    assert Record(str(host.record)).owners(f"path:{path}") == {ONE}


def test_two_owners_share_a_file_and_the_last_takes_it_away(root: Path, host: Host) -> None:
    wanted = FileSet("set", str(root), {"shared.conf": "x"})
    unwanted = FileSet("set", str(root), {}, absent=("shared.conf",))
    host.run([wanted], owner=ONE)
    host.run([wanted], owner=TWO)
    assert Record(str(host.record)).owners(f"path:{root}/shared.conf") == {ONE, TWO}
    assert host.run([unwanted], owner=ONE).statuses == {unwanted.id: CHANGED}
    assert (root / "shared.conf").exists()
    assert host.run([unwanted], owner=ONE).statuses == {unwanted.id: UNCHANGED}
    assert host.run([unwanted], owner=TWO).statuses == {unwanted.id: CHANGED}
    assert not (root / "shared.conf").exists()


def test_a_set_never_takes_away_what_a_person_made(root: Path, host: Host) -> None:
    (root / "theirs.conf").write_text("theirs")
    unwanted = FileSet("set", str(root), {}, absent=("theirs.conf",))
    assert host.run([unwanted], owner=ONE).statuses == {unwanted.id: UNCHANGED}
    assert (root / "theirs.conf").read_text() == "theirs"


# Apps


def test_an_app_belongs_to_one_project_and_environment(host: Host) -> None:
    app = RegisteredApp("gateshop", ("shop.test",))
    assert host.run([app], owner=ONE).statuses == {app.id: CHANGED}
    told = refusal(host.run([app], owner="shop/staging"))
    assert "app:gateshop" in told
    assert "an app of shop/production" in told
    assert 'set name = "shop" under [project]' in told
    assert host.run([app], owner=ONE).statuses == {app.id: UNCHANGED}


def test_a_domain_is_served_by_one_app(host: Host) -> None:
    host.run([RegisteredApp("gateshop", ("shop.test", "www.shop.test"))], owner=ONE)
    told = refusal(host.run([RegisteredApp("gateblog", ("www.shop.test",))], owner=TWO))
    assert "domain:www.shop.test" in told
    assert "the app gateshop of shop/production" in told


def test_an_app_that_was_renamed_is_not_made_twice(host: Host) -> None:
    host.run([RegisteredApp("gateshop", ("shop.test",))], owner=ONE)
    told = refusal(host.run([RegisteredApp("gatestore", ("shop.test",))], owner=ONE))
    assert "fab remove gateshop" in told


def test_a_domain_may_move_between_apps_of_one_inventory(host: Host) -> None:
    one, two = RegisteredApp("gateone", ("a.test", "b.test")), RegisteredApp("gatetwo", ("c.test",))
    host.run([one, two], owner=ONE)
    moved = [RegisteredApp("gateone", ("a.test",)), RegisteredApp("gatetwo", ("b.test", "c.test"))]
    for order in (moved, moved[::-1]):
        assert not host.run(order, owner=ONE).done.failed
    assert Record(str(host.record)).apps["gatetwo"] == AppEntry(ONE, ("b.test", "c.test"))


def test_a_deploy_leaves_the_domains_that_a_provision_wrote_down(host: Host) -> None:
    host.run([RegisteredApp("gateshop", ("shop.test",))], owner=ONE)
    without = RegisteredApp("gateshop")
    assert host.run([without], owner=ONE).statuses == {without.id: UNCHANGED}
    assert Record(str(host.record)).apps["gateshop"].domains == ("shop.test",)


def test_a_self_signed_certificate_is_never_put_over_a_persons(
    root: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SelfSigned, "directory", property(lambda self: str(root / "tls")))
    (root / "tls").mkdir()
    (root / "tls" / "privkey.pem").write_text("theirs")
    told = refusal(host.run([SelfSigned("shop", ("shop.test",))], owner=ONE))
    assert str(root / "tls") in told


# Handing over, and back


@pytest.mark.parametrize("written", ["{path}/", "path:{path}", "{path}"])
def test_a_thing_may_be_written_in_any_way(root: Path, host: Host, written: str) -> None:
    path = root / "theirs"
    path.mkdir()
    wanted = Directory(str(path), mode="0700")
    outcome = host.run([wanted], owner=ONE, adopt=[written.format(path=path)])
    assert outcome.statuses == {wanted.id: CHANGED}


def test_what_is_named_for_nothing_is_said(root: Path, host: Host) -> None:
    outcome = host.run([File(str(root / "new"), "x")], owner=ONE, adopt=["/srv/nots"])
    assert any(
        "/srv/nots is listed to be handed over, but is not in the way of this run" in n
        for n in notes(outcome)
    )


def handed_over(root: Path, host: Host, backups: Path) -> str:
    """Hand a file over, and return the time of its copy."""
    (root / "file").write_text("theirs")
    host.run([File(str(root / "file"), "ours")], owner=ONE, adopt=[str(root / "file")])
    [directory] = backups.iterdir()
    return directory.name


def test_it_comes_back_and_what_was_there_is_copied(root: Path, host: Host, backups: Path) -> None:
    when = handed_over(root, host, backups)
    (root / "file").write_text("of today")
    restored = Restored(when)
    assert host.run([restored], owner=ONE).statuses == {restored.id: CHANGED}
    assert (root / "file").read_text() == "theirs"
    copies = {path.read_text() for path in backups.glob(f"*/{(root / 'file').relative_to('/')}")}
    assert copies == {"theirs", "of today"}
    assert host.run([restored], owner=ONE).statuses == {restored.id: UNCHANGED}
    # It is the person's again.
    assert refusal(host.run([File(str(root / "file"), "ours")], owner=ONE))


def test_it_comes_back_where_it_is_gone_meanwhile(root: Path, host: Host, backups: Path) -> None:
    when = handed_over(root, host, backups)
    host.run([Absent(str(root / "file"))], owner=ONE)
    host.run([Restored(when)], owner=ONE)
    assert (root / "file").read_text() == "theirs"


def test_another_owner_does_not_put_it_back(root: Path, host: Host, backups: Path) -> None:
    when = handed_over(root, host, backups)
    told = refusal(host.run([Restored(when)], owner=TWO))
    assert "a copy made for shop/production" in told
    assert (root / "file").read_text() == "ours"


def test_it_is_not_put_over_an_app_at_work(host: Host, backups: Path) -> None:
    place = Path(AppLayout("gateshop").root)
    place.mkdir(parents=True)
    (place / "old.txt").write_text("theirs")
    app = RegisteredApp("gateshop", ("shop.test",))
    assert refusal(host.run([app], owner=ONE))
    host.run([app], owner=ONE, adopt=[str(place)])
    [directory] = backups.iterdir()
    (place / "old.txt").write_text("of today")
    told = refusal(host.run([Restored(directory.name)], owner=ONE))
    assert "fab remove gateshop" in told
    assert (place / "old.txt").read_text() == "of today"


def test_a_copy_that_is_not_there_is_told(host: Host) -> None:
    outcome = host.run([Restored("20260102T030405Z")], owner=ONE)
    assert "there is no copy from 20260102T030405Z" in outcome.failure.message
