"""The scores that a finished host reaches, by the tools that give them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from provisioning.lab import LabHost
from tests.e2e.tools import installed
from tests.suites import FIRST_TRIXIE

pytestmark = pytest.mark.lab

SSLYZE = "sslyze==6.3.1"
GIXY = "gixy-ng==0.2.59"

APP_LIMIT, LIMIT = 15, 30
RENEWAL = "homeport-renewal@hello.service"

"""In tenths: how exposed systemd may find the app's unit, and nginx and certbot."""


@pytest.fixture(params=FIRST_TRIXIE)
def host(request: pytest.FixtureRequest, deployed_host) -> LabHost:
    return deployed_host(request.param)


def test_a_finished_host_reaches_the_scores(host, lab, tmp_path):
    # One host for all of them: what takes time is having it.
    must_be_compliant_with_mozillas_intermediate_guideline(host, lab, tmp_path)
    must_have_no_issue_in_nginx(host, tmp_path)
    must_be_sandboxed(host)
    must_have_units_that_systemd_has_nothing_to_say_about(host)


def must_be_compliant_with_mozillas_intermediate_guideline(host, lab, tmp_path):
    root = tmp_path / "root.pem"
    root.write_bytes(lab.acme.root_certificate)
    for name in ("hello.lab", "www.hello.lab"):
        checked = subprocess.run(
            [installed(SSLYZE, "sslyze"), f"--certinfo_ca_file={root}",
             "--mozilla_config=intermediate", f"{name}:443{{{host.address}}}"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "OK - Compliant" in checked.stdout


def must_have_no_issue_in_nginx(host, tmp_path):
    root = tmp_path / "nginx"
    # Debian's links into /usr/share lead nowhere here, and say nothing of what is served.
    shutil.copytree(host.path("/etc/nginx"), root, symlinks=True)
    for path in root.rglob("*.conf"):
        if path.is_file() and not path.is_symlink():
            path.write_text(path.read_text().replace("/etc/nginx/", f"{root}/"))
    gixy = [installed(GIXY, "gixy"), root / "nginx.conf"]
    checked = subprocess.run(gixy, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # It really reads the sites: what is wrong in one is found.
    broken = root / "apps" / "hello.conf"
    broken.write_text(broken.read_text() + "location /old { return 302 https://$host$uri; }\n")
    assert subprocess.run(gixy, capture_output=True).returncode == 1


def must_be_sandboxed(host):
    [app] = app_units(host)
    for unit, limit in ((app, APP_LIMIT), ("nginx.service", LIMIT), (RENEWAL, LIMIT)):
        checked = exposure(host, unit, limit)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    # The gate is one: a unit without a sandbox does not pass.
    assert exposure(host, "ssh.service", LIMIT).returncode != 0


def exposure(host, unit, limit):
    """Ask systemd whether a unit, as it is loaded, is exposed beyond a limit, in tenths."""
    return host.run(
        "systemd-analyze", "security", "--no-pager", f"--threshold={limit}", unit, check=False
    )


def must_have_units_that_systemd_has_nothing_to_say_about(host):
    units = [*app_units(host), "hello-boot.service", "nginx.service", RENEWAL]
    verified = host.run("systemd-analyze", "verify", "--man=no", *units, check=False)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def app_units(host):
    return [
        line.split()[0]
        for line in host.shell(
            "systemctl list-units --plain --no-legend 'hello@*.service'"
        ).splitlines()
    ]
