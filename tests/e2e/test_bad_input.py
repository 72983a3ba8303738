"""What goes wrong outside of Homeport: a clear message, the right exit code, nothing half done."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.listing import APT_MEMORY, listing_of, without
from tests.e2e.project import Project, Result
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import (
    add_watched_role,
    change_code,
    deploy,
    deploy_change,
    files_touched,
    hold,
    left_behind,
    let_go,
    live_on,
    must_run_only,
    provision,
    wait_for,
    wait_until_held,
)

pytestmark = pytest.mark.lab


def must_be_told(
    result: Result, code: int, *words: str, hint: bool = True, once: bool = True
) -> None:
    """Check that a command ended as it should, with one message that says all."""
    assert result.code == code, result.output
    for each in words:
        assert each in result.output, result.output
    assert "Traceback" not in result.output, result.output
    assert "this is a bug" not in result.output, result.output
    if hint:
        assert "try: " in result.output, result.output
    # Said once: in the summary or in the course of the run.
    assert not once or result.output.count(words[0]) == 1, result.output


# What is wrong on this machine


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("wsgi = ", "wsgy = ", ("apps.hello.wsgy: unknown key; did you mean wsgi?",)),
        ("migrate_compatible = true", 'migrate_compatible = "yes"', ("apps.hello.migrate_comp",)),
        ("[tls]", "[tls", ("lab.toml:",)),
    ],
    ids=["unknown-key", "wrong-type", "no-toml"],
)  # fmt: skip
def test_a_mistake_in_the_inventory_is_told_with_its_line(project: Project, old, new, words):
    line = 1 + project.inventory.read_text().split(old)[0].count("\n")
    project.configure(old, new)
    for command in ("provision", "deploy", "rollback", "releases"):
        result = project.fab(command)
        must_be_told(result, 2, f"inventory/lab.toml:{line}", *words, hint=False)


def test_all_mistakes_are_told_at_once(project: Project):
    project.configure("wsgi = ", "wsgy = ")
    project.configure("email = ", "emial = ")
    result = project.fab("provision")
    must_be_told(result, 2, "cannot use inventory/lab.toml", "wsgy", "emial", hint=False)


def test_a_source_that_is_not_there_is_told(project: Project):
    project.configure('source = "../examples/hello"', 'source = "../nowhere"')
    result = project.fab("-H", "web1", "deploy")
    must_be_told(result, 2, "cannot read the source of the app hello", "apps.hello.source")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("provision", "--env", "lap"), ("lap", "lab")),
        (("-H", "web1", "deploy", "--app", "helo"), ("helo", "hello")),
        (("provision", "--limit", "web9"), ("web9",)),
    ],
    ids=["environment", "app", "limit"],
)
def test_a_slip_of_the_fingers_is_told(project: Project, arguments, words):
    result = project.fab(*arguments)
    assert result.code == 2, result.output
    for each in words:
        assert each in result.output, result.output
    assert "Traceback" not in result.output
    assert "this is a bug" not in result.output


@pytest.mark.parametrize("arguments", [("provision", "--nosuch"), ("-H", "web1", "nosuch")])
def test_a_word_that_fab_does_not_know_is_told_by_fab_itself(project: Project, arguments):
    result = project.fab(*arguments)
    # Fabric refuses it before any of our code is asked, and has a code of its own for it.
    assert result.code == 2
    assert f"No idea what '{arguments[-1]}' is!\n" in result.output
    assert "try: fab --list" in result.output


@pytest.mark.parametrize(
    ("arguments", "needs"),
    [(("hello",), "STATE"), ((), "APP and STATE")],
    ids=["one", "two"],
)
def test_a_word_that_is_missing_is_named_with_where_it_goes(project: Project, arguments, needs):
    result = project.fab("maintenance", *arguments)
    assert result.code == 2
    assert f"fab maintenance needs {needs}: fab maintenance APP STATE\n" in result.output
    assert "try: fab --help maintenance" in result.output


# The way to the host


def _elsewhere(project: Project, lab: Lab, host: LabHost, **settings: object) -> Path:
    """Describe a host in an environment of its own; return its known_hosts."""
    known_hosts = project.directory / "known_hosts"
    known_hosts.write_text(lab.known_hosts.read_text())
    given = {"address": host.address, "user": "root", "identity_file": str(lab.key), **settings}
    values = "\n".join(
        f"{name} = {value}" if isinstance(value, int) or str(value).startswith("{")
        else f'{name} = "{value}"'
        for name, value in given.items()
    )  # fmt: skip
    empty = project.directory / "ssh_config"
    empty.write_text("")
    (project.directory / "inventory" / "other.toml").write_text(
        f'[hosts.far]\n{values}\n\n[ssh]\nknown_hosts = "{known_hosts}"\nconfig_file = "{empty}"\n'
        "connect_timeout_s = 2\n"
    )
    project.env |= {"SSH_AUTH_SOCK": ""}
    return known_hosts


def _look(project: Project, *arguments: str) -> Result:
    return project.fab("provision", "--env", "other", "--check", *arguments)


def test_a_host_that_cannot_be_reached_is_told(lab: Lab, project: Project, provisioned_host):
    host = provisioned_host()
    dead = lab.subnet.rsplit(".", 1)[0] + ".251"
    _elsewhere(project, lab, host, address=dead)
    must_be_told(_look(project), 3, f"cannot connect to far ({dead}")
    _elsewhere(project, lab, host, port=2222)
    must_be_told(_look(project), 3, "refused")
    _elsewhere(project, lab, host, address="no-such-host.invalid")
    must_be_told(_look(project), 3, "cannot connect to far", "no-such-host.invalid has no address")


def test_a_login_that_is_refused_is_told(lab: Lab, project: Project, provisioned_host):
    host = provisioned_host()
    key = project.directory / "other_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    _elsewhere(project, lab, host, identity_file=key)
    must_be_told(_look(project), 3, "cannot log in to far", "as root", "refused")
    _elsewhere(project, lab, host, user="operator", sudo_password='{ env = "LAB_PASSWORD" }')
    project.env["LAB_PASSWORD"] = "not-the-word"
    wrong = _look(project)
    must_be_told(wrong, 3, "far", "sudo", "password", once=False)
    assert "not-the-word" not in wrong.output
    project.env["LAB_PASSWORD"] = lab.sudo_password
    _look(project).must_succeed()


def test_a_host_key_is_trusted_when_it_is_known_or_when_one_says_so(
    lab: Lab, project: Project, provisioned_host
):
    host = provisioned_host()
    known_hosts = _elsewhere(project, lab, host)
    _look(project).must_succeed()
    known_hosts.write_text("")
    unknown = _look(project)
    must_be_told(unknown, 3, "cannot trust far", "SHA256:", "--accept-new-host-keys")
    assert known_hosts.read_text() == ""
    _look(project, "--accept-new-host-keys").must_succeed()
    assert host.address in known_hosts.read_text()
    _look(project).must_succeed()


def test_a_host_key_that_has_changed_is_always_refused(
    lab: Lab, project: Project, provisioned_host
):
    host = provisioned_host()
    known_hosts = _elsewhere(project, lab, host)
    key = project.directory / "other_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    others = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    known_hosts.write_text(f"{host.address} {others}\n")
    before = known_hosts.read_bytes()
    for arguments in ([], ["--accept-new-host-keys"]):
        changed = _look(project, *arguments)
        must_be_told(changed, 3, "has changed", "SHA256:")
        assert known_hosts.read_bytes() == before


def test_a_host_that_was_installed_anew_is_refused_then_brought_up_whole(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    deploy_change(project, host)
    host.reset()
    host.renew_keys()
    refused = project.fab("-H", host.name, "deploy", "--accept-new-host-keys")
    must_be_told(refused, 3, "has changed", "or the host was reinstalled")
    # What it says is to be done, word by word.
    [forget] = re.findall(r"(ssh-keygen -R .+?), then run again with --acc", refused.output)
    subprocess.run(shlex.split(forget), check=True, capture_output=True)
    bare = project.fab("-H", host.name, "deploy", "--accept-new-host-keys")
    must_be_told(bare, 4, "not provisioned", f"fab -H {host.name} provision")
    provision(project, host).must_succeed()
    must_run_only(host, deploy(project, host))
    assert Site(lab, host).get("/").status == 200
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []


# What is wrong on the host


def test_a_port_that_another_program_has_is_told(project: Project, provisioned_host):
    host = provisioned_host()
    provision(project, host).must_succeed()
    host.shell(
        "systemctl stop nginx; systemd-run --quiet --unit=other python3 -m http.server 80;"
        "until ss -Hltn sport = :80 | grep -q .; do sleep 0.05; done"
    )
    before = listing_of(host)
    must_be_told(provision(project, host), 1, "port:80", "python3 (process", "the port of nginx")
    assert files_touched(before, listing_of(host)) == {}
    host.shell("systemctl stop other")
    provision(project, host).must_succeed()
    assert host.shell("systemctl is-active nginx").strip() == "active"


def test_a_name_that_leads_elsewhere_is_told_before_the_authority_is_asked(
    lab: Lab, project: Project, deployed_host
):
    host = deployed_host()
    provision(project, host).must_succeed()
    asked = _orders(lab)
    chain = host.path("/etc/homeport/acme/live/hello/fullchain.pem").resolve().read_bytes
    project.configure('"www.hello.lab"', '"www.hello.lab", "elsewhere.lab"')
    nowhere = provision(project, host)
    must_be_told(nowhere, 1, "elsewhere.lab: the name does not exist", "A record")
    host.shell(f"echo {lab.gateway} elsewhere.lab >> /etc/hosts")
    elsewhere = provision(project, host)
    must_be_told(elsewhere, 1, f"elsewhere.lab: it points to {lab.gateway}")
    assert "the authority was not asked" in elsewhere.output
    assert _orders(lab) == asked
    assert chain()
    # A site that has its certificate goes on with it.
    assert host.shell("systemctl is-active nginx").strip() == "active"
    _the_authority_refuses_while_certbot_has_forgotten_the_certificate(project, host)
    asked = _orders(lab)
    lead_domains_to(lab, host, ("elsewhere.lab",))
    host.shell("sed -i '/^127.0.0.1 elsewhere/d' /etc/hosts")
    provision(project, host).must_succeed()
    assert _orders(lab) > asked
    lab.set_domain("elsewhere.lab", None)


_CERTIFICATES = "cd /etc/homeport/acme; find live archive -printf '%p %M %u %l\\n' | sort"


def _the_authority_refuses_while_certbot_has_forgotten_the_certificate(
    project: Project, host: LabHost
) -> None:
    # By the host's own book the name leads to it; the authority has another one.
    host.shell("sed -i 's/.* elsewhere.lab$/127.0.0.1 elsewhere.lab/' /etc/hosts")
    host.shell("rm /etc/homeport/acme/renewal/hello.conf")
    before = host.shell(_CERTIFICATES)
    refused = provision(project, host)
    must_be_told(refused, 1, "cannot get a certificate for", "elsewhere.lab")
    assert host.shell(_CERTIFICATES) == before
    host.shell("nginx -t; test ! -e /var/lib/homeport/acme-hello")


def _orders(lab: Lab) -> int:
    """Return how often the authority was asked for a certificate."""
    return (lab.paths.acme / "pebble.log").read_text().count("POST /order-plz")


NO_NAMES = "cp /etc/resolv.conf /tmp/names; echo nameserver 127.0.0.1 > /etc/resolv.conf"
"""Nobody answers there: names on the internet lead nowhere, those of the lab still do."""

NAMES_AGAIN = "cat /tmp/names > /etc/resolv.conf"


def test_an_archive_that_cannot_be_reached_is_told(project: Project, provisioned_host):
    host = provisioned_host()
    provision(project, host).must_succeed()
    archive = host.shell("grep -rhoE 'https?://[^/ ]+' /etc/apt/sources.list* | head -n 1")
    host.shell(NO_NAMES)
    project.configure('groups = ["web"]\n', 'groups = ["web"]\npackages = ["htop"]\n')
    before = listing_of(host)
    told = provision(project, host)
    must_be_told(told, 1, "cannot fetch Debian's package lists", archive.split("//")[1].strip())
    # apt takes its locks, and looks in vain.
    apart = (*APT_MEMORY, "/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend", "/var/lib/homeport")
    assert without(files_touched(before, listing_of(host)), apart) == {}
    host.shell(NAMES_AGAIN)
    provision(project, host).must_succeed()
    assert host.shell("command -v htop").strip() == "/usr/bin/htop"


def test_a_package_that_does_not_exist_is_told(project: Project, provisioned_host):
    host = provisioned_host()
    project.configure('groups = ["web"]\n', 'groups = ["web"]\npackages = ["htopp"]\n')
    must_be_told(provision(project, host), 1, "Debian has no package of that name", "htopp")


def test_a_package_index_that_cannot_be_reached_is_told(project: Project, deployed_host):
    host = deployed_host()
    live = live_on(host)
    host.shell("rm -rf /var/cache/private/homeport-build/app-hello/*")
    host.shell(NO_NAMES)
    requirements = project.app / "requirements.txt"
    requirements.write_text(requirements.read_text() + "# another\n")
    change_code(project)
    refused = project.fab("-H", host.name, "deploy")
    must_be_told(
        refused, 4, "cannot build the virtualenv", "the host cannot reach the package index"
    )
    must_run_only(host, live)
    host.shell(NAMES_AGAIN)
    must_run_only(host, deploy(project, host))


@pytest.mark.thorough
def test_a_disk_that_is_full_is_told_and_what_was_begun_is_given_back(
    lab: Lab, project: Project, bare_host
):
    host = bare_host("bookworm", disk_size_mb=700)
    lead_domains_to(lab, host)
    provision(project, host).must_succeed()
    live = deploy(project, host)
    (project.app / "ballast.bin").write_bytes(os.urandom(20_000_000))
    project.commit("more than the disk can take")
    host.shell(
        "free=$(df --output=avail -B1 / | tail -1); fallocate -l $((free - 8000000)) /filler"
    )
    before = _free_bytes(host)
    refused = project.fab("-H", host.name, "deploy")
    must_be_told(refused, 1, "No space left on device", "free some space")
    assert left_behind(host) == []
    assert _free_bytes(host) > before - 4_000_000
    must_run_only(host, live)
    # Not even a byte left: the old release runs on, and the message is the same.
    host.shell("dd if=/dev/zero of=/filler2 bs=4k 2>/dev/null || true")
    refused = project.fab("-H", host.name, "deploy")
    must_be_told(refused, 1, "No space left on device", "free some space")
    must_run_only(host, live)
    host.shell("rm /filler /filler2")
    must_run_only(host, deploy_change(project, host))
    assert provision(project, host, "--json").must_succeed().changed(host.name) == []


def _free_bytes(host: LabHost) -> int:
    return int(host.shell("df --output=avail -B1 / | tail -1"))


# The wrong moment


def test_the_second_of_two_runs_is_told_who_is_at_work(project: Project, provisioned_host):
    host = provisioned_host()
    add_watched_role(project, "once")
    hold(host)
    first = project.start("-H", host.name, "provision")
    try:
        wait_until_held(host, first)
        for command in ("provision", "deploy"):
            second = project.fab("-H", host.name, command)
            must_be_told(second, 1, "another run is in progress on this host", "@", "started")
        # Looking is always possible.
        provision(project, host, "--check").must_succeed()
    finally:
        let_go(host)
        stdout, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stdout + stderr


def test_a_rollback_with_nothing_to_go_back_to_is_told(project: Project, deployed_host):
    host = deployed_host()
    live = live_on(host)
    refused = project.fab("-H", host.name, "rollback")
    must_be_told(refused, 2, "there is no earlier release")
    must_run_only(host, live)


def test_a_rollback_to_what_is_not_whole_is_refused_before_anything_is_done(
    project: Project, deployed_host
):
    host = deployed_host()
    one = live_on(host)
    requirements = project.app / "requirements.txt"
    requirements.write_text(requirements.read_text() + "# another\n")
    two = deploy_change(project, host)
    unknown = project.fab("-H", host.name, "rollback", "--to", "20200101T000000Z-0000000")
    must_be_told(unknown, 2, "there is no such release", one, two)
    host.shell(f"rm -r $(readlink -f /srv/hello/releases/{one}/venv)")
    before = listing_of(host)
    for to in ((), ("--to", one)):
        broken = project.fab("-H", host.name, "rollback", *to)
        must_be_told(
            broken,
            4,
            f"release {one} of hello: on {host.name} its virtualenv is missing",
            "fab deploy",
        )
    assert files_touched(before, listing_of(host)) == {}
    must_run_only(host, two)
    assert "its virtualenv is missing" in project.fab("-H", host.name, "releases").output


def test_a_rollback_before_any_deploy_is_told(project: Project, provisioned_host):
    host = provisioned_host()
    must_be_told(project.fab("-H", host.name, "rollback"), 2, "there is no earlier release")


def test_a_deploy_before_the_host_is_provisioned_is_told(project: Project, bare_host):
    host = bare_host("bookworm")
    before = listing_of(host)
    refused = project.fab("-H", host.name, "deploy")
    must_be_told(refused, 4, "not provisioned", f"fab -H {host.name} provision")
    # The shell on the host tidies up after the command has ended.
    wait_for(lambda: not left_behind(host))
    # Fetching a Python to ask with leaves its packages' lists in apt's own memory.
    after = without(files_touched(before, listing_of(host)), APT_MEMORY)
    assert after.keys() <= {"/var/lib"}


def test_a_bound_that_the_file_system_does_not_keep_is_told(project: Project, provisioned_host):
    host = provisioned_host()
    project.configure("migrate_compatible", 'disk_max = "1g"\nmigrate_compatible')
    told = provision(project, host)
    must_be_told(told, 1, "cannot limit the disk usage of hello", "usrquota", "disk_max")
