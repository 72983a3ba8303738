"""The scores that the configuration must reach, by the tools that give them."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.roles.samples import (
    BOOKWORM,
    HELLO,
    RELEASE,
    TRIXIE,
    compiled,
    text_of,
    units_of,
    write_tree,
)
from tests.roles.staged_nginx import IPV6, StagedNginx, missing

NEEDS_SYSTEMD = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="needs systemd-analyze"
)
INVENTORY = (
    HELLO
    + """
static = { "/static/" = "app/static" }
trusted_proxies = ["192.0.2.0/24"]

[apps.other]
source = "."
wsgi = "a:b"
domains = ["other.example.com"]
rate_limit = "off"
network = "local"
relax = ["jit", "proc"]
memory_max = "512m"
"""
)


def unit(tmp_path, name, text):
    """Write a unit whose programs are there on every machine."""
    lines = [
        "ExecStart=/bin/true" if line.startswith("ExecStart=") else line
        for line in text.splitlines()
    ]
    path = tmp_path / "units" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def exposure(path, limit):
    """Ask systemd whether a unit is exposed beyond a limit, in tenths."""
    return subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}",
         path], capture_output=True, text=True,
    )  # fmt: skip


@NEEDS_SYSTEMD
@pytest.mark.parametrize("app", ["hello", "other"])
def test_an_apps_unit_is_exposed_at_most_1_5(tmp_path, app):
    name = f"{app}@{RELEASE}.service"
    checked = exposure(unit(tmp_path, name, units_of(tmp_path, INVENTORY, app)[name]), 15)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@NEEDS_SYSTEMD
@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("nginx.service", "nginx.service.d/homeport.conf"),
        ("homeport-renewal@hello.service", "homeport-renewal@.service"),
    ],
)
def test_nginx_and_renewals_are_exposed_at_most_3_0(tmp_path, name, made):
    text = text_of(compiled(tmp_path, INVENTORY)[f"unit:{made}"])
    if ".d/" in made:
        text = text.replace("[Service]", "[Service]\nExecStart=/bin/true")
    checked = exposure(unit(tmp_path, name, text), 30)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@NEEDS_SYSTEMD
def test_the_gate_refuses_a_unit_without_a_sandbox(tmp_path):
    assert exposure(unit(tmp_path, "bare.service", "[Service]\nExecStart=/x\n"), 30).returncode == 1


@NEEDS_SYSTEMD
def test_systemd_has_nothing_to_say_about_the_units(tmp_path):
    paths = [
        unit(tmp_path, name, text)
        for app in ("hello", "other")
        for name, text in units_of(tmp_path, INVENTORY, app).items()
    ]
    assert len(paths) == 4
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True
    )
    said = [line for line in checked.stderr.splitlines() if str(tmp_path) in line]
    assert (checked.returncode, said) == (0, [])


@pytest.mark.parametrize("method", ["acme", "self-signed", "off"])
@pytest.mark.parametrize("facts", [BOOKWORM, TRIXIE])
def test_gixy_finds_no_issue_in_nginx_configuration(tmp_path, method, facts):
    pytest.importorskip("gixy")
    resources = compiled(tmp_path, f'{INVENTORY}[tls]\nmethod = "{method}"\n', facts).values()
    write_tree(resources, tmp_path / "host")
    root = tmp_path / "host/etc/nginx"
    for path in root.rglob("*.conf"):
        path.write_text(path.read_text().replace("/etc/nginx/", f"{root}/"))
    (root / "mime.types").write_text("types { text/html html; }\n")
    checked = subprocess.run(
        [sys.executable, "-m", "gixy", root / "nginx.conf"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # It reads what the patterns of the TLS servers lead to.
    broken = root / "apps/hello.conf"
    broken.write_text(broken.read_text() + "location /old { return 302 https://$host$uri; }\n")
    checked = subprocess.run(
        [sys.executable, "-m", "gixy", root / "nginx.conf"], capture_output=True
    )
    assert checked.returncode == 1


@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.parametrize("method", ["self-signed", "off"])
def test_nginx_takes_the_whole_configuration_without_a_warning(tmp_path, method):
    facts = replace(BOOKWORM, ipv6=IPV6)
    resources = compiled(tmp_path, f'{INVENTORY}[tls]\nmethod = "{method}"\n', facts).values()
    tested = StagedNginx(resources, tmp_path / "host").tested()
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr
