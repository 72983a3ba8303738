"""Waitress: what its program and its units say."""

from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles.app_servers import waitress
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, inventory, units_of

WAITRESS = HELLO + 'server = "waitress"\n'


def program(tmp_path, text=""):
    app = inventory(tmp_path, WAITRESS + text).apps["hello"]
    return waitress.files(app, BOOKWORM, RELEASE)["server.py"]


def test_its_program_serves_the_app_on_the_socket_of_systemd(tmp_path):
    made = program(tmp_path, "threads = 9\nwaitress.connection_limit = 300\n")
    compile(made, "server.py", "exec")
    assert "app = importlib.import_module('app').create_app()" in made
    assert "        threads=9,\n" in made
    assert "        connection_limit=300,\n" in made
    units = units_of(tmp_path, WAITRESS)
    service = units[f"hello@{RELEASE}.service"]
    release = f"/srv/hello/releases/{RELEASE}"
    assert f"ExecStart={release}/venv/bin/python {release}/server.py\n" in service
    assert f"Sockets=hello@{RELEASE}.socket\n" in service


def test_requests_that_are_under_way_have_the_time_that_the_inventory_gives_them(tmp_path):
    assert "DRAIN_S = 70\n" in program(tmp_path, "drain_timeout_s = 70\n")


@pytest.mark.parametrize("key", ["workers = 2", "max_requests = 100"])
def test_what_one_process_cannot_do_is_refused(tmp_path, key):
    with pytest.raises(ConfigurationError) as told:
        program(tmp_path, f"{key}\n")
    assert f"{key.split()[0]}: has no effect: waitress is one process" in told.value.output


def test_the_table_of_another_server_is_refused(tmp_path):
    with pytest.raises(ConfigurationError) as told:
        program(tmp_path, 'gunicorn.loglevel = "info"\n')
    assert "gunicorn: belongs to another app server: this app uses waitress" in told.value.output


def test_it_comes_with_hashes(tmp_path):
    app = inventory(tmp_path, WAITRESS).apps["hello"]
    assert "--hash=sha256:" in waitress.requirements(app)["waitress"]
