"""The resource types that need a real Debian: users, packages, units, certificates, programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from provisioning.agent.events import CHANGED, FAILED, Noted, Unchanged
from provisioning.errors import ConnectionLostError
from provisioning.lab import Lab
from provisioning.resources import (
    Command,
    Directory,
    File,
    FileSet,
    Group,
    OneOff,
    PackageManager,
    Packages,
    Port,
    Probe,
    Resource,
    SelfSigned,
    Service,
    Timer,
    TimerSchedules,
    Tmpfiles,
    Unit,
    User,
    Virtualenv,
)
from tests.agent.real_host import RealHost
from tests.agent.samples import CALENDARS

pytestmark = pytest.mark.lab

DAEMON = """\
[Unit]
Description=Tells what it has loaded

[Service]
Type=notify
ExecStart=/usr/bin/python3 -c "\
import http.server, os, signal, socket, subprocess; \
load = lambda *_: open('/run/daemon/loaded', 'w').write(open('/etc/daemon/config').read()); \
load(); \
signal.signal(signal.SIGHUP, load); \
subprocess.run(['systemd-notify', '--ready', '--pid=%%d' %% os.getpid()]); \
http.server.HTTPServer(('127.0.0.1', 8123), http.server.SimpleHTTPRequestHandler).serve_forever()"
NotifyAccess=all
ExecReload=/bin/kill -HUP $MAINPID
WorkingDirectory=/srv/daemon

[Install]
WantedBy=multi-user.target
"""


@pytest.fixture(scope="module")
def real(lab: Lab) -> Iterator[RealHost]:
    """One host for all tests here: each leaves it as PLAN wants it."""
    lab.up(["agent"])
    host = lab.hosts["agent"]
    yield RealHost(lab, host)
    host.power_cut()


def _plan(config: str = "one\n") -> list[Resource]:
    unit = Unit("daemon.service", DAEMON)
    drop_in = Unit("daemon.service.d/limits.conf", "[Service]\nLimitNOFILE=4096\n")
    files = File("/etc/daemon/config", config)
    return [
        Port(8123, "python3"),
        PackageManager(),
        Packages("base", ("python3", "python3-venv", "openssl", "bash"), absent=("nano",)),
        Packages("one", ("ed",)),
        Group("readers"),
        User("reader", groups=("adm", "readers"), home="/srv/reader", shell="/bin/sh"),
        User("builder-of-things"),
        User("homeport-build"),
        Directory("/srv/daemon", owner="reader", group="readers", mode="2770"),
        Directory("/etc/daemon"),
        Tmpfiles("daemon", "d /run/daemon 0750 reader readers -\nd /run/daemon/deep - - - -\n"),
        files,
        unit,
        drop_in,
        Service("daemon", reload_on=(files,), restart_on=(unit, drop_in)),
        Probe("http://localhost:8123/"),
        Timer("tidy-up", "Mon *-*-* 03:00", NASTY, description="Tidy up"),
        SelfSigned("daemon", ("daemon.test", "www.daemon.test")),
        Command(
            "say who",
            ("sh", "-c", "id -un >/srv/daemon/who"),
            unless=("grep", "-q", "reader", "/srv/daemon/who"),
            user="reader",
            cwd="/srv/daemon",
        ),
        Service("daemon", restart_on=(files,), label="daemon-again"),
        Virtualenv("/srv/venv", {"requirements.txt": f"{SIX}\n"}, uv=""),
    ]


SIX = "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"

NASTY = r"""echo "a  'b' \"c\" 100% $HOME" '$HOME' `echo x` \\ > /root/said"""


@pytest.fixture(scope="module")
def provisioned(real: RealHost) -> RealHost:
    """From bare to as the plan wants it; what it says on the way is looked at here."""
    before = real.everything_on_disk()
    checked = real.check(_plan())
    assert not checked.done.failed, checked.failure
    assert real.everything_on_disk() ^ before == set(), "a check changed something"
    ran = real.run(_plan())
    assert not ran.done.failed, ran.failure
    assert checked.changes == ran.changes
    return real


def test_from_bare_as_predicted_and_then_nothing_is_left_to_do(provisioned: RealHost) -> None:
    host = provisioned.host
    before = provisioned.everything_on_disk()
    started = host.shell("systemctl show -P ActiveEnterTimestampMonotonic daemon ssh")
    outcome = provisioned.run(_plan())
    assert not outcome.finished, outcome.statuses
    assert [type(each) for each in outcome.events[:-1]] == [Unchanged]
    assert provisioned.exchanges == 1
    assert provisioned.everything_on_disk() ^ before == set()
    assert host.shell("systemctl show -P ActiveEnterTimestampMonotonic daemon ssh") == started
    assert not provisioned.check(_plan()).finished


def test_what_was_made_is_as_it_was_asked_for(provisioned: RealHost) -> None:
    shell = provisioned.host.shell
    assert shell("id -Gn reader").split() == ["reader", "adm", "readers"]
    assert shell("getent passwd reader").split(":")[5:] == ["/srv/reader", "/bin/sh\n"]
    assert 100 <= int(shell("id -u reader")) < 1000
    assert shell("cat /srv/daemon/who") == "reader\n"
    assert shell("stat -c '%a %U %G' /run/daemon /run/daemon/deep").splitlines() == [
        "750 reader readers", "755 root root",
    ]  # fmt: skip
    assert shell("systemctl show -P LimitNOFILE daemon") == "4096\n"
    assert shell("stat -c '%a %U' /etc/homeport/tls/daemon/privkey.pem") == "600 root\n"
    assert shell("/srv/venv/bin/python -c 'import six; print(six.__version__)'") == "1.17.0\n"
    assert shell("stat -c %U /srv/venv/bin /srv/venv/.ready").split() == ["root", "root"]
    assert shell("systemctl is-enabled tidy-up.timer") == "enabled\n"


def test_a_timers_command_means_what_it_says(provisioned: RealHost) -> None:
    shell = provisioned.host.shell
    shell("systemctl start tidy-up.service")
    assert shell("cat /root/said") == "a  'b' \"c\" 100% /root $HOME x \\\n"


DAMAGES = {
    "a service was stopped": "systemctl stop daemon",
    "a service was disabled": "systemctl disable daemon",
    "a service was masked": "rm /etc/systemd/system/daemon.service; systemctl mask --now daemon",
    "a service was killed": "systemctl kill -s KILL daemon;"
    "while systemctl -q is-active daemon; do sleep 0.05; done",
    "a unit was edited and loaded": "sed -i s/4096/2048/ /etc/systemd/system/daemon.service.d/*;"
    "systemctl daemon-reload; systemctl restart daemon",
    "a unit was edited": "echo '# x' >>/etc/systemd/system/daemon.service",
    "a unit was deleted": "rm /etc/systemd/system/daemon.service; systemctl daemon-reload",
    "a drop-in was deleted": "rm -r /etc/systemd/system/daemon.service.d",
    "a configuration was edited and loaded": "echo x >/etc/daemon/config; systemctl reload daemon",
    "a configuration became a directory": "rm /etc/daemon/config; mkdir -p /etc/daemon/config/x",
    "a package was removed": "apt-get -qq -y remove ed >/dev/null",
    "a package manager was cut off": "sed -i '/^Package: ed$/,/^$/s/install ok installed/"
    "install ok half-configured/' /var/lib/dpkg/status",
    "an unwanted package was installed": "apt-get -qq -y install nano >/dev/null 2>&1",
    "a user lost a group": "gpasswd -d reader readers",
    "a user was deleted": "systemctl stop daemon; userdel builder-of-things",
    "a directory got another mode": "chmod 755 /srv/daemon",
    "a directory lost its set-group-id bit": "chmod g-s /srv/daemon",
    "a runtime directory was deleted": "systemctl stop daemon; rm -r /run/daemon",
    "a runtime directory was given away": "chown root /run/daemon",
    "a tmpfiles.d file was deleted": "rm /etc/tmpfiles.d/daemon.conf",
    "a timer was stopped": "systemctl stop tidy-up.timer",
    "a timer was edited": "sed -i s/Mon/Tue/ /etc/systemd/system/tidy-up.timer",
    "a timer was disabled and deleted": "systemctl disable --now tidy-up.timer;"
    "rm /etc/systemd/system/tidy-up.*; systemctl daemon-reload",
    "a key became readable": "chmod 644 /etc/homeport/tls/daemon/privkey.pem",
    "a certificate was deleted": "rm /etc/homeport/tls/daemon/fullchain.pem",
    "a certificate was torn": "truncate -s 300 /etc/homeport/tls/daemon/fullchain.pem",
    "a certificate is for another name": "cd /etc/homeport/tls/daemon; openssl req -x509 -newkey "
    "ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -addext subjectAltName=DNS:x.test "
    "-keyout privkey.pem -out fullchain.pem 2>/dev/null",
    "a virtualenv was cut off": "rm /srv/venv/.ready",
    "a virtualenv's mark is no text": r"printf '\377' >/srv/venv/.ready",
    "what a program made is gone": "rm /srv/daemon/who",
    "what was remembered is gone": "rm /var/lib/homeport/memory.json",
    "what was remembered is torn": "truncate -s 20 /var/lib/homeport/memory.json",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each)
def test_damage_is_predicted_and_repaired(provisioned: RealHost, damage: str) -> None:
    provisioned.host.shell(DAMAGES[damage])
    checked = provisioned.check(_plan())
    ran = provisioned.run(_plan())
    assert not ran.done.failed, ran.failure
    assert not checked.done.failed, checked.failure
    # Not in every detail: the link that enables a unit may outlive its file.
    assert checked.changes.keys() == ran.changes.keys()
    assert ran.changes, "the damage was not seen"
    assert not provisioned.run(_plan()).finished
    assert provisioned.host.shell("cat /run/daemon/loaded") == "one\n"
    assert provisioned.host.shell("systemctl is-active daemon tidy-up.timer") == "active\n" * 2


def test_what_a_person_gives_an_account_is_no_damage(provisioned: RealHost) -> None:
    shell = provisioned.host.shell
    shell("usermod --shell /bin/bash --append --groups sudo reader")
    assert not provisioned.check(_plan()).finished
    assert not provisioned.run(_plan()).finished
    assert shell("getent passwd reader").strip().endswith(":/bin/bash")
    assert "sudo" in shell("id -Gn reader").split()
    shell("usermod --shell /bin/sh reader; gpasswd -d reader sudo")


def test_key_and_certificate_belong_together_after_every_repair(provisioned: RealHost) -> None:
    shell, place = provisioned.host.shell, "/etc/homeport/tls/daemon"
    of_certificate = shell(f"openssl x509 -in {place}/fullchain.pem -noout -pubkey")
    assert of_certificate == shell(f"openssl pkey -in {place}/privkey.pem -pubout")
    assert of_certificate.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_run_killed_before_its_reload_is_completed_by_the_next(
    provisioned: RealHost,
) -> None:
    """The agent is killed after the configuration was written, before the service has it."""
    host = provisioned.host
    host.shell("rm -f /tmp/begun")
    wait = Command("wait", ("sh", "-c", "touch /tmp/begun; sleep 30"), creates="/tmp/never")
    plan = _plan("two\n")
    place = next(number for number, each in enumerate(plan) if each.id == "unit:daemon.service")
    lost: list[ConnectionLostError] = []

    def run() -> None:
        try:
            provisioned.run([*plan[:place], wait, *plan[place:]])
        except ConnectionLostError as error:
            lost.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 60
    while not host.shell("ls /tmp/begun 2>/dev/null || true"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # By id: the parent of what it runs is the agent.
    host.shell("kill -9 $(ps -o ppid= -p $(pgrep -f 'touch /tmp/begun; sleep 30' | head -n 1))")
    thread.join(60)
    assert lost
    assert host.shell("cat /etc/daemon/config /run/daemon/loaded") == "two\none\n"
    checked = provisioned.check(plan)
    assert checked.statuses["service:daemon"] == CHANGED
    ran = provisioned.run(plan)
    assert ran.changes == checked.changes
    assert host.shell("cat /run/daemon/loaded") == "two\n"
    assert "file:/etc/daemon/config" not in ran.statuses
    provisioned.run(_plan())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bad.service", "[Service]\nExecStart=/bin/true\nNoSuchKey=1\n", "NoSuchKey"),
        ("bad.service", "[Service]\nType=oneshot\n", "no ExecStart="),
        ("bad@.service", "[Service]\nType=oneshot\n", "no ExecStart="),
        ("bad.timer", "[Timer]\nOnCalendar=never ever\n", "never ever"),
    ],
)
def test_a_unit_that_systemd_refuses_is_not_written(
    provisioned: RealHost, name: str, content: str, words: str
) -> None:
    failure = provisioned.run([Unit(name, content)]).failure
    assert failure.message == f"systemd refuses {name}; the live unit was not touched"
    assert words in failure.output
    assert provisioned.host.shell(f"ls /etc/systemd/system/{name} 2>/dev/null || true") == ""


def test_a_unit_whose_program_comes_later_is_accepted(provisioned: RealHost) -> None:
    later = Unit("later@.service", "[Service]\nExecStart=/srv/later/%i/run\n")
    assert provisioned.run([later]).statuses == {later.id: CHANGED}
    assert not provisioned.run([later]).finished


def test_a_service_that_cannot_start_shows_its_journal(provisioned: RealHost) -> None:
    unit = Unit(
        "dying.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo alas; exit 3'\n"
    )
    # The journal has so much to do that it is behind.
    chatter = "systemd-run --quiet --unit chatter-{} sh -c 'while :; do echo x; done'"
    provisioned.host.shell("; ".join(chatter.format(number) for number in range(6)))
    try:
        failure = provisioned.run([unit, Service("dying", enabled=False)]).failure
    finally:
        provisioned.host.shell("systemctl stop 'chatter-*'")
    assert "cannot restart dying.service" in failure.message
    assert "alas" in failure.output


def test_a_name_that_is_no_unit_restarts_nothing(provisioned: RealHost) -> None:
    outcome = provisioned.run([Service("template@.service"), *_plan()])
    assert outcome.statuses == {"service:template@": FAILED}
    assert "cannot read the states of units" in outcome.failure.message


def test_a_package_that_debian_does_not_have_is_named(provisioned: RealHost) -> None:
    packages = Packages("wrong", ("no-such-package-of-debian", "sl"))
    for outcome in (provisioned.check([packages]), provisioned.run([packages])):
        assert outcome.failure.message == (
            "cannot install no-such-package-of-debian: Debian has no package of that name"
        )
    assert "sl" not in provisioned.host.shell("dpkg-query -W -f '${Package}\n'").split()


def test_a_port_in_other_hands_is_said_and_left(provisioned: RealHost) -> None:
    failure = provisioned.run([Port(8123, "nginx")]).failure
    assert "port 8123 is taken by python3 (process " in failure.message
    assert provisioned.run([Port(8123, "python3"), Port(8124, "nginx")]).statuses == {}


def test_a_set_is_tested_where_the_live_one_stays_untouched(provisioned: RealHost) -> None:
    test = ("sh", "-c", "grep -q good /etc/daemon/set || { echo 'set:1: bad word' >&2; exit 1; }")
    good, bad = (
        FileSet("set", "/etc/daemon", {"set": text}, validate=test) for text in ("good", "bad")
    )
    provisioned.run([good])
    before = provisioned.everything_on_disk()
    mounts = provisioned.host.shell("cat /proc/1/mountinfo")
    failure = provisioned.run([bad]).failure
    assert failure.output == "set:1: bad word"
    assert provisioned.everything_on_disk() ^ before == set()
    assert provisioned.host.shell("cat /proc/1/mountinfo") == mounts
    provisioned.host.shell("rm /etc/daemon/set")


def test_after_a_reboot_only_the_agents_cache_is_gone(provisioned: RealHost) -> None:
    provisioned.host.reboot()
    outcome = provisioned.run(_plan())
    assert not outcome.finished, outcome.statuses


def test_times_are_what_systemd_understands(real: RealHost) -> None:
    times = {f"timer-{number}": text for number, text in enumerate(CALENDARS)}
    understood = real.run([TimerSchedules("hello", times)])
    assert [type(each) for each in understood.events[:-1]] == [Unchanged]
    for wrong in ("Mon 25:00", "*-02-30", "2001-01-01", "--version"):
        refused = real.run([TimerSchedules("hello", {"nightly": wrong})])
        assert refused.statuses == {"timer-schedules:hello": FAILED}
        assert wrong in refused.failure.message
        assert refused.failure.refused


LOUD = """
import subprocess, sys
for number in range(30000):
    print("out", number, flush=True)
    print("  err", number, file=sys.stderr, flush=True)
    if number >= 29990:
        subprocess.run(["sh", "-c", "echo a child; echo its error >&2"])
sys.exit("alas")
"""


def test_what_a_one_off_program_printed_is_told_whole_in_order_and_of_this_time_only(
    provisioned: RealHost,
) -> None:
    app, release = "builder-of-things", "20260102T030405.000Z-abc1234"
    root = f"/srv/{app}"
    provisioned.host.shell(
        f"mkdir -p {root}/releases/{release}/code; touch {root}/releases/{release}/env"
    )

    told_only = {"required": False, "occasion": "this"}

    def program(*argv: str, **more: Any) -> OneOff:
        return OneOff(app, release, "migrate", argv, (f"User={app}",), "restore it", **more)

    try:
        failure = provisioned.run([program("python3", "-c", LOUD)]).failure
        told = provisioned.run([program("sh", "-c", "echo later; exit 3", **told_only)])
        missing = provisioned.run([program("no-such-program")]).failure
    finally:
        provisioned.host.shell(f"rm -r {root}")
    assert "migrate ended with exit status 1" in failure.message
    assert failure.hint == "restore it"
    printed = [
        line
        for number in range(29990, 30000)
        for line in (f"out {number}", f"  err {number}", "a child", "its error")
    ]
    assert failure.output.splitlines() == [*printed, "alas"][-30:]
    assert [event.text for event in told.events if isinstance(event, Noted)] == [
        "warning: migrate ended with exit status 3",
        "| later",
    ]
    assert "no-such-program" in missing.output
