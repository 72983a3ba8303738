"""The scores that the configuration must reach, by the tools that give them."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled, text_of, write_tree
from tests.roles.staged_nginx import missing

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
    text = text_of(compiled(tmp_path, INVENTORY)[f"unit:{app}@.service"])
    checked = exposure(unit(tmp_path, f"{app}@x.service", text), 15)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@NEEDS_SYSTEMD
@pytest.mark.parametrize(("name", "limit"), [("nginx", 30), ("certbot", 30)])
def test_nginx_and_certbot_are_exposed_at_most_3_0(tmp_path, name, limit):
    drop_in = text_of(compiled(tmp_path, INVENTORY)[f"unit:{name}.service.d/homeport.conf"])
    text = drop_in.replace("[Service]", "[Service]\nExecStart=/bin/true")
    checked = exposure(unit(tmp_path, f"{name}.service", text), limit)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@NEEDS_SYSTEMD
def test_the_gate_refuses_a_unit_without_a_sandbox(tmp_path):
    assert exposure(unit(tmp_path, "bare.service", "[Service]\nExecStart=/x\n"), 30).returncode == 1


@NEEDS_SYSTEMD
def test_systemd_has_nothing_to_say_about_the_units(tmp_path):
    resources = compiled(tmp_path, INVENTORY)
    paths = [
        unit(tmp_path, name.replace("@.", "@x."), text_of(resources[f"unit:{name}"]))
        for name in ("hello@.service", "other@.service")
    ]
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
    resources = compiled(tmp_path, f'{INVENTORY}[tls]\nmethod = "{method}"\n').values()
    write_tree(resources, tmp_path / "host")
    root = tmp_path / "host/etc/nginx"
    shutil.copytree("/etc/nginx", tmp_path / "stage", symlinks=True)
    for stock in (tmp_path / "stage/sites-enabled").iterdir():
        stock.unlink()
    shutil.copytree(root, tmp_path / "stage", dirs_exist_ok=True)
    for each in resources:
        if each.kind == "selfsigned":
            for name in (each.chain, each.key):
                path = tmp_path / "stage" / name.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
                 "-keyout", tmp_path / "stage" / each.key.lstrip("/"),
                 "-out", tmp_path / "stage" / each.chain.lstrip("/")],
                check=True, capture_output=True,
            )  # fmt: skip
    for path in (tmp_path / "stage").rglob("*.conf"):
        path.write_text(path.read_text().replace("/etc/homeport/", "/etc/nginx/etc/homeport/"))
    script = 'mount --bind "$1" /etc/nginx && exec nginx -t'
    checked = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", tmp_path / "stage"],
        capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert [line for line in checked.stderr.splitlines() if "warn" in line] == []
