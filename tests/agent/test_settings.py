"""Settings of the whole host: what others have set is left, and said once."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.events import CHANGED, UNCHANGED, Noted
from provisioning.agent.resources.settings import APT, INI, SYSCTL, parse
from provisioning.resources import Settings
from tests.agent.runs import Host, Outcome

HEAD = "# Made by Homeport from templates/x; ...\n[Journal]\n"


@pytest.mark.parametrize(
    ("syntax", "text", "found"),
    [
        (INI, "[Journal]\n#Storage=auto\nStorage=persistent\n; x=y\n", {"Storage": "persistent"}),
        (INI, "  SystemMaxUse = 4G  \r\n", {"SystemMaxUse": "4G"}),
        (SYSCTL, "# a=b\nkernel.x = 1\n-net/ipv4/y=2\n", {"kernel.x": "1", "net.ipv4.y": "2"}),
        (SYSCTL, "net.ipv4.conf.*.rp_filter = 2\n", {"net.ipv4.conf.*.rp_filter": "2"}),
        (APT, 'APT::Periodic::Enable "0";', {"APT::Periodic::Enable": "0"}),
        (
            APT,
            '// no\nAPT { Periodic { Enable "1"; Unattended-Upgrade "0"; }; };\n# A "b";\n',
            {"APT::Periodic::Enable": "1", "APT::Periodic::Unattended-Upgrade": "0"},
        ),
        (APT, "/* X \"1\";\n */ Y '1'; Z 2;", {"Y": "'1'", "Z": "2"}),
        (APT, 'Dir::Ignore { "a"; "b"; }; Q "";', {"Q": ""}),
        (APT, "}}; {{ ; unfinished", {}),
        (INI, "", {}),
    ],
)
def test_what_others_write_is_understood(syntax: str, text: str, found: dict[str, str]) -> None:
    assert dict(parse(syntax, text)) == found


@pytest.fixture
def others(root: Path) -> Path:
    (root / "main.conf").write_text("[Journal]\n#Storage=auto\n")
    (root / "conf.d").mkdir()
    return root / "conf.d"


def settings(root: Path, **options: bool) -> Settings:
    values = {"Storage": "persistent", "Compress": "yes"}
    places = (str(root / "main.conf"), str(root / "conf.d"))
    return Settings(str(root / "conf.d" / "homeport.conf"), INI, HEAD, values, places, **options)


def notes(outcome: Outcome) -> list[str]:
    return [each.text for each in outcome.events if isinstance(each, Noted)]


def test_where_nobody_has_set_anything_all_is_set(root: Path, others: Path, host: Host) -> None:
    ours = settings(root)
    assert host.run([ours]).statuses == {ours.id: CHANGED}
    text = (others / "homeport.conf").read_text()
    assert text == HEAD + "Storage=persistent\nCompress=yes\n"
    assert host.run([ours]).statuses == {ours.id: UNCHANGED}


def test_what_a_person_has_set_is_left_and_said_once(root: Path, others: Path, host: Host) -> None:
    (root / "main.conf").write_text("[Journal]\nStorage=volatile\nCompress=no\n")
    ours = settings(root)
    first = host.run([ours])
    assert first.statuses == {ours.id: UNCHANGED}
    note, another = notes(first)
    assert "sets Compress to no" in another
    assert "sets Storage to volatile, where Homeport would set persistent" in note
    assert str(root / "main.conf") in note
    assert not (others / "homeport.conf").exists()
    assert notes(host.run([ours])) == []


def test_what_a_person_sets_later_goes_from_homeports_file(
    root: Path, others: Path, host: Host
) -> None:
    ours = settings(root)
    host.run([ours])
    (others / "mine.conf").write_text("[Journal]\nStorage=none\n")
    assert host.run([ours]).statuses == {ours.id: CHANGED}
    assert (others / "homeport.conf").read_text() == HEAD + "Compress=yes\n"
    (others / "mine.conf").unlink()
    assert host.run([ours]).statuses == {ours.id: CHANGED}
    assert "Storage=persistent" in (others / "homeport.conf").read_text()


def test_a_key_in_the_inventory_decides(root: Path, others: Path, host: Host) -> None:
    (root / "main.conf").write_text("[Journal]\nStorage=volatile\n")
    ours = settings(root, override=True)
    assert host.run([ours]).statuses == {ours.id: CHANGED}
    assert "Storage=persistent" in (others / "homeport.conf").read_text()


@pytest.mark.parametrize(("name", "wins"), [("zz-mine.conf", True), ("10-mine.conf", False)])
def test_a_file_that_wins_over_the_key_is_named(
    root: Path, others: Path, host: Host, name: str, wins: bool
) -> None:
    (others / name).write_text("[Journal]\nStorage=volatile\n")
    ours = settings(root, override=True)
    first = host.run([ours])
    assert first.statuses == {ours.id: CHANGED}
    said = [each for each in notes(first) if f"{others / name} sets Storage to volatile" in each]
    assert len(said) == wins
    assert all("`override` has no effect" in each for each in said)


@pytest.mark.parametrize("damage", ["", "Storage=auto\n", "# edited\n"])
def test_homeports_own_file_is_repaired(root: Path, others: Path, host: Host, damage: str) -> None:
    ours = settings(root)
    host.run([ours])
    (others / "homeport.conf").write_text(damage)
    assert host.run([ours]).statuses == {ours.id: CHANGED}
    assert (others / "homeport.conf").read_text() == HEAD + "Storage=persistent\nCompress=yes\n"
