"""A dependency with code of its own never comes to be run by root."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import Neighbourhood
from tests.attacks.exec_watch import ExecWatch
from tests.attacks.packages import sdist, wheel

pytestmark = pytest.mark.lab

BOOT = """\
import glob, os
for place in ("/srv/evil/shared/instance", "/tmp"):
    try:
        open(f"{place}/ran-as-{os.getuid()}", "a").close()
    except OSError:
        pass
if os.getuid() == 0:
    open("/root/PWNED", "a").write("pth")
import sys
for name in ("python", "python3", "python%d.%d" % sys.version_info[:2]):
    path = os.path.join(sys.prefix, "bin", name)
    real = path + ".real"
    if os.access(os.path.dirname(path), os.W_OK) and not os.path.lexists(real):
        os.rename(path, real)
        with open(path, "w") as file:
            file.write('#!/bin/sh\\n[ "$(id -u)" != 0 ] || id >> /root/PWNED\\n')
            file.write('exec "$0.real" "$@"\\n')
        os.chmod(path, 0o755)
"""
"""Run by every start of the virtualenv's Python: replaces the interpreter while it may."""


@pytest.mark.parametrize("names", [("python",), ("python3", "python3.11", "python3.13")])
def test_an_interpreter_that_a_build_step_has_replaced_is_not_run_by_root(
    neighbourhood: Neighbourhood, suite: str, names: tuple[str, ...]
) -> None:
    project = neighbourhood(suite)
    project.require("evil", sdist("replaced_interpreter", NAMES=names))
    with ExecWatch(project.host) as watch:
        result = project.deploy("evil")
    assert watch.faults() == []
    if result.code == 0:
        assert project.report()["did"], project.report()
    else:
        assert "bin/python" in result.output, result.output


def test_an_interpreter_that_a_pth_file_has_replaced_is_not_run_by_root(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    project = neighbourhood(suite)
    project.require("evil", wheel({"evilpackage.pth": "import evilboot\n", "evilboot.py": BOOT}))
    with ExecWatch(project.host) as watch:
        result = project.deploy("evil")
    assert watch.faults() == []
    ran = project.host.shell("ls /srv/evil/shared/instance")
    assert "ran-as-" in ran or "bin/python" in result.output, f"{ran}\n{result.output}"
    assert "ran-as-0\n" not in ran


def test_a_standard_library_of_the_packages_own_is_not_imported_by_root(
    neighbourhood: Neighbourhood, suite: str
) -> None:
    project = neighbourhood(suite)
    project.require("evil", sdist("home_of_its_own"))
    with ExecWatch(project.host) as watch:
        result = project.deploy("evil")
    # What an interpreter reads, the watcher does not see; the canary's owner tells.
    assert not project.host.path("/root/PWNED").exists(), project.host.shell("cat /root/PWNED")
    assert watch.faults() == []
    if result.code == 0:
        assert project.report()["did"], project.report()
    else:
        assert "pyvenv.cfg" in result.output or "home" in result.output, result.output
