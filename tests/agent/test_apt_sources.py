"""Which package sources apt speaks of when it is in trouble, and what it is given instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.agent.debian import apt_sources
from provisioning.agent.machine.programs import Completed
from provisioning.agent.machine.system import System

DEBIAN = """\
# Debian's own.
Types: deb
URIs: http://deb.debian.org/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs:
 http://security.example/debian-security
 http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
"""

OTHERS = """\
# ours
deb [arch=amd64 signed-by=/k.gpg] https://apt.example/debian bookworm main
# deb https://apt.example/off bookworm main

deb-src https://apt.example/flat ./
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
foo bar
"""


@pytest.fixture
def system(root: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    main, parts = root / "sources.list", root / "sources.list.d"
    parts.mkdir()
    main.write_text("deb http://deb.debian.org/debian bookworm-backports main\n")
    (parts / "debian.sources").write_text(DEBIAN)
    (parts / "others.list").write_text(OTHERS)
    (parts / "others.list.bak").write_text("deb http://no.example x y\n")
    monkeypatch.setattr(apt_sources, "MAIN", str(main))
    monkeypatch.setattr(apt_sources, "PARTS", str(parts))
    monkeypatch.setattr(apt_sources, "DEBIANS", (f"{parts}/debian.sources", str(main)))
    monkeypatch.setattr(apt_sources, "_said", set())
    return System()


def _failed(*lines: str) -> Completed:
    return Completed(100, "\n".join(lines) + "\n", "")


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("E: The repository 'cdrom://[Debian GNU/Linux 12] bookworm Release' does not have a "
         "Release file.", ["others.list:6"]),
        ("E: Failed to fetch https://apt.example/debian/dists/bookworm/InRelease  Could not "
         "connect", ["others.list:2"]),
        ("Err:2 https://apt.example/debian bookworm InRelease", ["others.list:2"]),
        ("E: The repository 'https://apt.example/flat ./ Release' is not signed.",
         ["others.list:5"]),
        # Of those at one address, the one that is meant.
        ("W: GPG error: http://deb.debian.org/debian bookworm-backports InRelease: NO_PUBKEY 1",
         ["sources.list:1"]),
        ("E: Failed to fetch http://deb.debian.org/debian/dists/bookworm-updates/InRelease  x",
         ["debian.sources:3"]),
        ("E: Failed to fetch http://security.example/debian-security/dists/bookworm-security/x  y",
         ["debian.sources:9"]),
        ("E: Failed to fetch http://deb.debian.org/debian/dists/sid/InRelease  x", []),
        ("Hit:1 https://apt.example/debian bookworm InRelease", []),
        ("E: Some index files failed to download.", []),
    ],
)  # fmt: skip
def test_the_source_that_apt_speaks_of_is_named(
    system: System, line: str, places: list[str]
) -> None:
    troubles = apt_sources.in_trouble(_failed(line), system)
    assert [Path(each.split(" ")[0]).name for each in troubles] == places


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        ("Type 'foo' is not known on line 7 in source list {parts}/others.list",
         {("others.list", 7)}),
        ("Malformed entry 2 in list file {parts}/others.list (Suite)", {("others.list", 2)}),
        ("Malformed entry 1 in sources file {parts}/x.sources (Suite)", {("x.sources", 0)}),
        ("Unable to parse package file {parts}/x.sources (1)", {("x.sources", 0)}),
        ("Malformed entry 1 in list file {main} (Suite)", {("sources.list", 1)}),
        ("Conflicting values set for option Signed-By regarding source "
         "https://apt.example/debian/ bookworm: /a != /b", {("again.list", 1)}),
        ("Conflicting values set for option Signed-By regarding source "
         "http://deb.debian.org/debian/ bookworm: /a != /b", {("mirror.list", 1)}),
    ],
)  # fmt: skip
def test_what_apt_cannot_read_is_left_out_and_said_once(
    system: System, words: str, left_out: set[tuple[str, int]]
) -> None:
    parts = Path(apt_sources.PARTS)
    (parts / "again.list").write_text("deb [signed-by=/b] https://apt.example/debian bookworm x\n")
    (parts / "zz.list").write_text("deb http://z.example x y\n")
    if "deb.debian.org" in words:
        (parts / "mirror.list").write_text("deb http://deb.debian.org/debian bookworm main\n")
    if "apt.example" in words:
        # Which of two that contradict each other is right, nobody knows: the first stays.
        left_out = {("others.list", 2)}
    said = f"E: {words.format(parts=parts, main=apt_sources.MAIN)}"
    done = _failed(said, "E: The list of sources could not be read.")
    assert apt_sources.leave_out(done, system)
    assert {(Path(file).name, line) for file, line in system.unreadable_sources} == left_out
    assert len(system.notes) == 1
    # The same again: trying once more is of no use.
    assert not apt_sources.leave_out(done, system)
    assert len(system.notes) == 1
    options = apt_sources.options(system)
    assert any(each.startswith("Dir::Etc::sourceparts=") for each in options)
    copies = Path(next(each for each in options if "sourceparts=" in each).partition("=")[2])
    assert (copies / "zz.list").read_text() == "deb http://z.example x y\n"
    ((name, line),) = left_out
    copy = (copies.parent / name) if name == "sources.list" else copies / name
    if copy.exists():
        before = (Path(apt_sources.MAIN) if name == "sources.list" else parts / name).read_text()
        expected = before.split("\n") if line else [""]
        if line:
            expected[line - 1] = ""
        assert copy.read_text().split("\n") == expected


def test_the_reason_comes_from_where_it_is_said_first(system: System) -> None:
    place = f"{apt_sources.PARTS}/others.list:2"
    assert apt_sources.in_trouble(
        _failed(
            "Err:2 https://apt.example/debian bookworm InRelease",
            "  Could not connect to apt.example",
            "E: The repository 'https://apt.example/debian bookworm InRelease' is not signed.",
        ),
        system,
    ) == [f"{place} (Could not connect to apt.example)"]
    assert apt_sources.in_trouble(
        _failed("Err:2 https://apt.example/debian bookworm InRelease", "Hit:3 x"), system
    ) == [place]


def test_other_troubles_are_no_reason_to_leave_anything_out(system: System) -> None:
    assert not apt_sources.leave_out(_failed("E: Unable to locate package x"), system)
    assert apt_sources.options(system) == ()
