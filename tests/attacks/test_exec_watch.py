"""The watcher sees what it must, and is gone when it is done."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from provisioning.lab import Lab, LabHost
from tests.attacks.exec_watch import ExecWatch

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """Return a host with a folder in which a user has put a program, a link and a library."""
    [given] = lab.up(["watched"])
    given.reset()
    given.shell(
        "mkdir /srv/app && cd /srv/app && cp /bin/true program && ln -s /bin/true link "
        "&& cp $(ls /lib/*-linux-gnu/libm.so.6) library.so && printf '#!/bin/sh\\n:\\n' > script "
        "&& chmod 755 script && chown -hR admin: /srv/app"
    )
    yield given
    lab.remove("watched")


@pytest.mark.parametrize(
    "command",
    [
        "/srv/app/program",
        "/srv/app/link",
        "/srv/app/script",
        "sh /srv/app/script",
        "cd /srv/app && ./program",
        "cp /bin/true /tmp/program && /tmp/program",
        "cp /bin/true /dev/shm/program && /dev/shm/program",
        "cp /bin/true /run/program && chmod 777 /run/program && /run/program",
        "mkdir -p /srv/x/venvs/y && cp -f /bin/true /srv/x/venvs/y && /srv/x/venvs/y/true",
    ],
)
def test_a_program_in_a_place_that_is_not_roots_alone_is_seen(host: LabHost, command: str) -> None:
    with ExecWatch(host) as watch:
        host.shell(command)
    assert len(watch.faults()) >= 1, watch.of_root


def test_a_set_uid_program_of_roots_is_roots_whoever_starts_it(host: LabHost) -> None:
    host.shell("cp /bin/true /srv/app/own && chmod 4755 /srv/app/own")
    with ExecWatch(host) as watch:
        host.run("su", "admin", "-c", "/srv/app/own")
    assert any("/srv/app is owned by" in fault for fault in watch.faults()), watch.faults()


def test_a_set_uid_program_in_roots_own_place_is_no_fault(host: LabHost) -> None:
    with ExecWatch(host) as watch:
        host.run("su", "admin", "-c", "cd /srv/app && sudo -n true")
    assert "/usr/bin/sudo" in {program.path for program in watch.of_root}
    assert watch.faults() == []


@pytest.mark.parametrize("program", ["/bin/true", "/bin/cat /etc/hostname"])
def test_a_library_that_root_loads_is_seen(host: LabHost, program: str) -> None:
    with ExecWatch(host) as watch:
        host.shell(f"LD_PRELOAD=/srv/app/library.so {program}")
    assert [each.path for each in watch.libraries] == ["/srv/app/library.so"]
    assert watch.faults()


def test_a_clean_run_has_no_faults(host: LabHost) -> None:
    with ExecWatch(host) as watch:
        # Data is no program, and what a user does is the user's matter.
        host.shell("ls /srv/app && cat /srv/app/library.so > /dev/null && systemctl daemon-reload")
        host.run("su", "admin", "-c", "LD_PRELOAD=/srv/app/library.so /srv/app/program")
    assert watch.faults() == []
    assert {"ls", "cat", "systemctl"} <= {
        os.path.basename(program.called) for program in watch.of_root
    }
    assert any(program.uid and program.path == "/srv/app/program" for program in watch.programs)


def test_the_watcher_leaves_nothing_behind_even_if_the_test_fails(host: LabHost) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = (opened(), threading.active_count())
    with pytest.raises(RuntimeError, match="a failure"), ExecWatch(host):
        host.shell("true")
        raise RuntimeError("a failure")
    assert (opened(), threading.active_count()) == before
    # Nobody is held any longer.
    assert host.shell("cat /etc/hostname; ls /run > /dev/null").strip() == host.name


def test_a_host_whose_watcher_breaks_goes_on(
    host: LabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("it is broken")

    monkeypatch.setattr(ExecWatch, "_look", broken)
    with pytest.raises(RuntimeError, match="it is broken"), ExecWatch(host):
        assert host.shell("echo goes on") == "goes on\n"
