"""Debian's package manager in trouble: cut off, in other hands, with bad lists, without archive."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from provisioning.agent.events import CHANGED, Noted
from provisioning.errors import ConnectionLostError
from provisioning.lab import Lab
from provisioning.resources import PackageManager, Packages
from tests.agent.real_host import RealHost
from tests.agent.runs import Outcome

pytestmark = pytest.mark.lab

PATIENCE_S = 120

HELD = r"""
mkdir -p /root/held/DEBIAN /root/repo
printf '%s\n' 'Package: held' 'Version: 1' 'Architecture: all' 'Maintainer: T <t@example.com>' \
  'Description: waits on its way' > /root/held/DEBIAN/control
for script in preinst postinst; do
  printf '#!/bin/sh\ntouch /root/at-%s\nwhile test -e /root/hold-%s; do sleep 0.05; done\n' \
    $script $script > /root/held/DEBIAN/$script
  chmod 755 /root/held/DEBIAN/$script
done
cd /root/repo
dpkg-deb --root-owner-group --build /root/held held_1_all.deb >/dev/null
{ dpkg-deb --field held_1_all.deb
  echo Filename: ./held_1_all.deb
  echo Size: $(stat -c %s held_1_all.deb)
  echo SHA256: $(sha256sum held_1_all.deb | cut -d' ' -f1); } > Packages
echo 'deb [trusted=yes] file:/root/repo ./' > /etc/apt/sources.list.d/held.list
"""
"""A package whose scripts wait for as long as somebody likes, and an archive that has it."""

MAIN = "/var/lib/apt/lists/*dists_bookworm_main_binary-*_Packages"
PLAN = (PackageManager(), Packages("held", ("held",)))


@pytest.fixture(scope="module")
def real(lab: Lab) -> Iterator[RealHost]:
    """One host for all tests here, with Python and a package that waits."""
    lab.up(["packages"])
    host = lab.hosts["packages"]
    host.shell(HELD)
    real = RealHost(lab, host)
    assert not real.run([Packages("python", ("python3", "ca-certificates"))]).done.failed
    host.shell("apt-get -qq update")
    yield real
    host.power_cut()


@pytest.fixture(autouse=True)
def nothing_held(real: RealHost) -> None:
    real.host.shell(
        "rm -f /root/hold-* /root/at-*; apt-get -qq -y purge held >/dev/null 2>&1 || true"
    )


class InBackground:
    """A run in a thread, of which one hears what it says."""

    def __init__(self, real: RealHost) -> None:
        self.said: list[str] = []
        self._ended: list[Outcome | ConnectionLostError] = []
        self._thread = threading.Thread(target=self._run, args=(real,), daemon=True)
        self._thread.start()

    def _run(self, real: RealHost) -> None:
        try:
            self._ended.append(real.run(PLAN, said=self.said.append))
        except ConnectionLostError as error:
            self._ended.append(error)

    def until_it_says(self, pattern: str) -> None:
        def says() -> bool:
            said = any(re.fullmatch(pattern, each) for each in self.said)
            assert said or not self._ended, (self.said, self._ended)
            return said

        _until(says, self.said)

    def end(self) -> Outcome | ConnectionLostError:
        self._thread.join(PATIENCE_S)
        assert self._ended, self.said
        return self._ended[0]


def _until(condition: Callable[[], bool], about: object = "") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, about
        time.sleep(0.05)


def _begin_by_hand(real: RealHost, script: str) -> None:
    """Have a person's apt come to one of the scripts, and stay there."""
    real.host.shell(
        f"touch /root/hold-{script};"
        "setsid -f apt-get -qq -y install held </dev/null >/dev/null 2>&1"
    )
    _until(lambda: real.host.path(f"/root/at-{script}").exists())


def _must_be_whole(real: RealHost) -> None:
    assert real.host.shell("dpkg --audit; ls /var/lib/dpkg/updates") == ""
    assert "install ok installed" in real.host.shell("dpkg -s held")
    assert not real.run(PLAN).finished


@pytest.mark.parametrize("script", ["preinst", "postinst"])
def test_a_dpkg_that_was_killed_is_completed_once_its_script_is_over(
    real: RealHost, script: str
) -> None:
    _begin_by_hand(real, script)
    real.host.shell("kill -9 $(pidof dpkg apt-get)")
    assert real.host.shell("dpkg --audit") != ""
    running = InBackground(real)
    # What dpkg has started lives on, and two of them at once would be in each other's way.
    running.until_it_says(rf"waiting for (held\.)?{script} \(process \d+\), .*")
    real.host.shell("rm /root/hold-*")
    ended = running.end()
    assert isinstance(ended, Outcome)
    assert not ended.done.failed, ended.failure
    assert ended.statuses == {"package-manager:apt": CHANGED}
    _must_be_whole(real)


@pytest.mark.parametrize(
    "damage",
    [
        "sed -i '/^Package: held$/,/^$/s/ok installed/ok half-configured/' /var/lib/dpkg/status",
        "sed -i '/^Package: held$/,/^$/s/ok installed/ok unpacked/' /var/lib/dpkg/status",
        "sed -i '/^Package: held$/,/^$/s/ok installed/reinstreq half-installed/' "
        "/var/lib/dpkg/status; rm /var/lib/dpkg/info/held.list",
        "dpkg -s held | sed 's/ok installed/ok unpacked/' > /var/lib/dpkg/updates/0000",
        "dpkg -s held | sed 's/ok installed/ok unpacked/' > /var/lib/dpkg/updates/0000;"
        "printf 'Package: held\\nSta' > /var/lib/dpkg/updates/0001",
    ],
    ids=["half-configured", "unpacked", "half-installed", "journal", "torn-journal"],
)
def test_what_was_left_half_way_is_predicted_and_completed(real: RealHost, damage: str) -> None:
    real.host.shell("apt-get -qq -y install held >/dev/null 2>&1")
    real.host.shell(damage)
    checked, ran = real.check(PLAN), real.run(PLAN)
    assert not ran.done.failed, ran.failure
    assert ran.statuses == {"package-manager:apt": CHANGED}
    assert checked.changes == ran.changes
    _must_be_whole(real)


def test_an_apt_goes_on_without_its_agent_and_the_next_run_waits_for_it(real: RealHost) -> None:
    real.host.shell("touch /root/hold-postinst")
    first = InBackground(real)
    _until(lambda: real.host.path("/root/at-postinst").exists(), first.said)
    real.host.shell("kill -9 $(pgrep -f '^[^ ]*python3[^ ]* -I -c ')")
    assert isinstance(first.end(), ConnectionLostError)
    assert real.host.shell("pidof dpkg")
    second = InBackground(real)
    second.until_it_says(r"waiting for apt-get \(process \d+\), which is using apt")
    real.host.shell("rm /root/hold-postinst")
    ended = second.end()
    assert isinstance(ended, Outcome)
    assert not ended.done.failed, ended.failure
    # It was not cut off, so there is nothing to complete.
    assert "package-manager:apt" not in ended.statuses
    _must_be_whole(real)


@pytest.mark.parametrize("lock", ["/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock"])
def test_locks_for_which_apt_itself_does_not_wait_are_waited_for(real: RealHost, lock: str) -> None:
    program = (
        "import fcntl, time; lock = open('%s', 'a'); fcntl.lockf(lock, fcntl.LOCK_EX); "
        "open('/root/at-lock', 'w'); time.sleep(600)"
    )
    real.host.shell(f'systemd-run --quiet --unit=holder python3 -c "{program % lock}"')
    _until(lambda: real.host.path("/root/at-lock").exists())
    running = InBackground(real)
    running.until_it_says(r"waiting for .+ \(process \d+\), which is using apt")
    real.host.shell("systemctl kill -s KILL holder; systemctl reset-failed holder || true")
    ended = running.end()
    assert isinstance(ended, Outcome)
    assert not ended.done.failed, ended.failure
    _must_be_whole(real)


@pytest.mark.parametrize(
    "damage",
    [
        f"sed -i 's/^Filename: .*ed_1/&x/' {MAIN}",
        f"truncate -s 2000000 {MAIN}",
        f"printf 'garbage\\0x\\n\\n' > {MAIN}",
    ],
    ids=["older-than-the-archive", "cut-short", "garbage"],
)
def test_bad_lists_are_fetched_anew(real: RealHost, damage: str) -> None:
    plan = [Packages("editor", ("ed",))]
    real.host.shell(f"apt-get -qq -y purge ed >/dev/null 2>&1; apt-get clean; {damage}")
    checked, ran = real.check(plan), real.run(plan)
    assert not ran.done.failed, ran.failure
    assert checked.changes == ran.changes == {"packages:editor": {"ed": "installed"}}


def test_an_archive_that_answers_nonsense_is_told_in_its_words(real: RealHost) -> None:
    """A login page of a hotel's network, in place of every file."""
    real.host.shell(
        "mkdir -p /root/page/debian/dists/bookworm; cd /root/page;"
        "echo '<html>Log in</html>' > debian/dists/bookworm/InRelease;"
        "systemd-run --quiet --unit=page --working-directory=/root/page python3 -m http.server 81;"
        "mkdir -p /root/away; mv /etc/apt/sources.list.d/*.sources /root/away;"
        "echo 'deb http://127.0.0.1:81/debian bookworm main' > /etc/apt/sources.list.d/page.list;"
        "rm -f /var/lib/apt/lists/*_*; until ss -Hltn sport = :81 | grep -q .; do sleep 0.05; done"
    )
    try:
        failure = real.run([Packages("shell", ("dash", "mksh"))]).failure
        # There still is another one: that with the package that waits.
        assert failure.message == (
            "cannot install mksh, and not all package sources of the host can be read"
        )
        assert "Clearsigned file isn't valid" in failure.output
        assert "/etc/apt/sources.list.d/page.list:1" in failure.output
        assert "/etc/apt/sources.list.d/page.list:1 " in failure.output
        assert failure.hint.startswith("repair or remove these sources")
    finally:
        real.host.shell(
            "mv /root/away/* /etc/apt/sources.list.d; rm /etc/apt/sources.list.d/page.list; "
            "systemctl stop page"
        )
    assert not real.run([Packages("shell", ("dash", "mksh"))]).done.failed


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("x.list", "deb cdrom:[Debian GNU/Linux]/ bookworm main", 1),
        ("x.list", "# dead\ndeb [trusted=yes] http://127.0.0.1:9/debian stable main", 2),
        ("x.list", "deb [signed-by=/usr/share/keyrings/no.gpg] http://deb.debian.org/debian sid x",
         1),
        ("x.list", "foo bar", 1),
        ("x.list", "deb http://127.0.0.1:9/debian", 1),
        ("x.sources", "garbage", 0),
        ("x.sources", "Types: deb\nURIs: http://127.0.0.1:9/debian\n", 0),
        ("x.sources", "Types: deb\nURIs: http://127.0.0.1:9/debian\nSuites: a\nComponents: b", 2),
        ("x.list", "deb [signed-by=/usr/share/keyrings/debian-archive-bookworm-stable.gpg] "
         "http://deb.debian.org/debian/ bookworm main", 1),
    ],
    ids=["cdrom", "dead", "key", "type", "suite", "garbage", "paragraph", "dead-paragraph",
         "contradiction"],
)  # fmt: skip
def test_other_sources_in_trouble_are_named_once_and_done_without(
    real: RealHost, name: str, text: str, line: int
) -> None:
    plan = [Packages("editor", ("ed",))]
    file = f"/etc/apt/sources.list.d/{name}"
    real.host.shell(
        f"apt-get -qq -y purge ed >/dev/null 2>&1 || true; printf '%b\\n' '{text}' > {file}; "
        "find -L /var/lib/apt/lists -type f -exec touch -d '3 days ago' {} +"
    )
    place = f"{file}:{line} " if line else f"{file} "
    try:
        checked, ran = real.check(plan), real.run(plan)
        assert not ran.done.failed, ran.failure
        assert checked.changes == ran.changes == {"packages:editor": {"ed": "installed"}}
        notes = [each.text for each in checked.events if isinstance(each, Noted)]
        assert len([each for each in notes if place in each]) == 1, notes
        assert len(notes) == 1, notes
        # Where nothing is to be installed apt is not asked.
        again = real.run(plan)
        assert not again.finished
        assert not [each for each in again.events if isinstance(each, Noted)]
    finally:
        real.host.shell(f"rm {file}")
