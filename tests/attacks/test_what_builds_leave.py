"""What a build step leaves in a virtualenv, beside it, or running, is of no use to it later."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provisioning.lab import LabHost
from tests.attacks.conftest import Neighbourhood
from tests.attacks.neighbours import Neighbours
from tests.attacks.packages import sdist
from tests.e2e.project import Result

pytestmark = pytest.mark.lab

SPARE_BYTES = 4 << 30
"""What a copied terabyte may take of this machine's disk before the host is switched off."""

WRONG = {
    "writable by others": r"\( -type d -o -type f \) ! -name .lock -perm /0022",
    "neither root's nor the app's": r"! -user root ! -user evil",
    "set-uid or set-gid": r"-type f -perm /6000",
    "set-gid": r"-type d -perm /6000",
    "no file, directory or link": r"! -type f ! -type d ! -type l",
    "larger than any package": r"-type f -size +2000000k",
}
"""What must not be found in virtualenvs: -> tests of find(1).

uv leaves its own `.lock` in each, which tests/attacks/test_neighbours_are_private.py looks at:
what is seen here was left by the package.
"""


@contextmanager
def enough_disk(host: LabHost) -> Iterator[None]:
    """Switch the host off rather than let it fill this machine's disk."""
    place, done = Path(host.path("/")), threading.Event()
    before = shutil.disk_usage(place).free

    def look() -> None:
        while not done.wait(0.2):
            if shutil.disk_usage(place).free < before - SPARE_BYTES:
                host.power_cut()
                return

    guard = threading.Thread(target=look)
    guard.start()
    try:
        yield
    finally:
        done.set()
        guard.join()
    assert host.is_on, "the attack has filled the disk: the host was switched off"


def wrong_in_virtualenvs(host: LabHost) -> dict[str, str]:
    """Return what no virtualenv may hold: what is wrong -> the first paths."""
    found = {
        what: host.shell(f"find /srv/*/venvs {test} 2>/dev/null | head -3", check=False).strip()
        for what, test in WRONG.items()
    }
    script = (
        "import os\n"
        "for top, folders, files in os.walk('/srv/evil/venvs'):\n"
        "    for name in (*folders, *files):\n"
        "        path = os.path.join(top, name)\n"
        "        for each in os.listxattr(path, follow_symlinks=False):\n"
        "            print(path[-60:], each)\n"
    )
    found["attributes"] = host.run("python3", "-c", script).stdout[:500]
    # A file of a terabyte is none of root's, and takes for ever to read.
    grep = "grep -lsa -e 'the content of a file of roots'"
    secret = f"find /srv/evil/venvs -type f -size -2000k -exec {grep} {{}} + | head -3"
    found["a file of root's"] = host.shell(secret, check=False).strip()
    return {what: paths for what, paths in found.items() if paths}


def has_attacked(project: Neighbours, result: Result, *names: str) -> None:
    """Fail the test unless the step did its part, or the deploy was refused for it by name."""
    if result.code == 0:
        report = project.report()
        assert report["did"] or report["refused"], report
    else:
        assert any(name in result.output for name in names), result.output


KINDS = ("set_uid", "capability")
MORE_KINDS = (
    "device", "redirected_requirements", "access_list", "links_out", "world_writable",
    "set_gid_directory", "fifo", "unix_socket", "redirected_lib64", "sparse",
)  # fmt: skip


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *enumerate(KINDS),
        *(pytest.param(*each, marks=pytest.mark.thorough) for each in enumerate(MORE_KINDS)),
    ],
    ids=[*KINDS, *MORE_KINDS],
)
def test_a_virtualenv_holds_nothing_but_plain_files_of_roots(
    neighbourhood: Neighbourhood, number: int, kind: str
) -> None:
    project = neighbourhood("trixie" if number % 2 else "bookworm")
    project.require("evil", sdist("left_behind", KIND=kind))
    with enough_disk(project.host):
        result = project.deploy("evil")
    has_attacked(project, result, "left-behind", "lib64", ".ready", ".lock is a link", "it holds")
    assert wrong_in_virtualenvs(project.host) == {}
    # Neither is anything in the way of what comes next.
    project.provision().must_succeed()


@pytest.mark.parametrize("kind", ["many", pytest.param("deep", marks=pytest.mark.thorough)])
def test_a_virtualenv_that_cannot_be_kept_is_taken_away(
    neighbourhood: Neighbourhood, kind: str
) -> None:
    project = neighbourhood()
    project.deep = kind == "deep"
    project.require("evil", sdist("left_behind", KIND=kind))
    first = project.deploy("evil")
    has_attacked(project, first, "left-behind", "more than 40 deep", "more than 500000 files")
    project.require("evil", sdist("left_behind", KIND="world_writable"))
    project.configure_app("evil", "keep_releases = 2\n")
    for _ in range(2):
        project.deploy("evil").must_succeed()
    left = project.host.shell("find /srv/evil/venvs -maxdepth 5 -name left-behind -prune | wc -l")
    assert int(left) <= 1, project.host.shell("ls -la /srv/evil/venvs")


def test_nothing_of_a_build_runs_on_or_writes_after_it(neighbourhood: Neighbourhood) -> None:
    project = neighbourhood()
    project.require("evil", sdist("goes_on"))
    result = project.deploy("evil").must_succeed()
    has_attacked(project, result)
    assert project.host.shell("grep -l evil-goes-on /proc/[0-9]*/comm", check=False) == ""
    look = "cat /srv/evil/venvs/*/lib/python3*/site-packages/late.py* | sha256sum"
    before = project.host.shell(look)
    project.host.shell("sleep 0.5")
    assert project.host.shell(look) == before


def test_a_hard_link_kept_elsewhere_changes_no_virtualenv_later(
    neighbourhood: Neighbourhood,
) -> None:
    project = neighbourhood()
    project.require("evil", sdist("hard_link"))
    project.deploy("evil").must_succeed()
    assert project.report()["did"]
    first = f"/srv/evil/releases/{project.live('evil')}/venv/lib/python3*/site-packages/target.py"
    before = project.host.shell(f"cat {first}")
    project.require("evil", sdist("hard_link"))
    project.deploy("evil").must_succeed()
    assert project.report()["did"]
    assert project.host.shell(f"cat {first}") == before == "# as it was built\n"


def test_a_build_has_nothing_run_later(neighbourhood: Neighbourhood, suite: str) -> None:
    project = neighbourhood(suite)
    # Where cron is, a build could have a table of its own.
    project.host.shell("mkdir -p /var/spool/cron/crontabs && chmod 1730 /var/spool/cron/crontabs")
    own_index = project.index.url.replace("/simple/", "/appointment/")
    project.require("evil", sdist("appointments", INDEX=own_index))
    project.deploy("evil").must_succeed()
    report = project.report()
    assert len(report["did"]) + len(report["refused"]) > 10, report
    kept = project.host.shell(
        "ls -A /var/spool/cron/crontabs /var/spool/cron/atjobs /var/lib/systemd/linger 2>/dev/null",
        check=False,
    )
    assert "evil" not in kept, kept
    assert "homeport" not in kept, kept
    # Neither does the build of another app ask where the package would have it ask.
    project.index.asked.clear()
    project.new_virtualenv("victim")
    project.deploy("victim").must_succeed()
    asked = [path for path in project.index.asked if "appointment" in path]
    assert project.index.asked, "the index was not asked at all"
    assert asked == []
