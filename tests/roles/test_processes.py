import re
import subprocess

import pytest

from provisioning.agent.apps.release_services import is_alone
from provisioning.inventory.types.commands import parse_command
from provisioning.roles import release_units, sandbox_properties
from provisioning.roles.processes import exec_start
from tests.roles.samples import BOOKWORM, HELLO, compiled, inventory, text_of

RELEASE = "20260102T030405.000Z-abc1234"
WEB = [f"hello@{RELEASE}.service", f"hello@{RELEASE}.socket"]
MORE = """
[apps.hello.processes]
worker = { run = "celery -A app worker", count = 2, stop_timeout_s = 90 }
beat = "celery -A app beat"

[apps.hello.timers]
nightly = { run = "flask --app app tidy", at = "03:00" }
"""


def units(tmp_path, text=MORE):
    app = inventory(tmp_path, HELLO + text).apps["hello"]
    return app, release_units(app, BOOKWORM, RELEASE)


def test_every_instance_of_a_process_has_a_unit_of_its_release(tmp_path):
    _, made = units(tmp_path)
    assert sorted(made) == [
        f"hello.beat.1@{RELEASE}.service",
        "hello.nightly.service",
        "hello.nightly.timer",
        f"hello.worker.1@{RELEASE}.service",
        f"hello.worker.2@{RELEASE}.service",
        *WEB,
    ]
    assert sorted(units(tmp_path, "")[1]) == WEB


def test_they_run_the_release_in_the_sandbox_of_the_app(tmp_path):
    app, made = units(tmp_path)
    sandbox = sandbox_properties(app, BOOKWORM)
    for name, text in made.items():
        if name.endswith((".timer", ".socket")):
            continue
        lines = text.splitlines()
        start = lines.index(sandbox[0])
        assert lines[start : start + len(sandbox)] == sandbox
        assert f"WorkingDirectory=/srv/hello/releases/{RELEASE}/code" in lines
        assert f"EnvironmentFile=/srv/hello/releases/{RELEASE}/env" in lines
        assert not re.search(r"(?m)^(WantedBy|\[Install)", text)


def test_all_programs_of_the_app_have_its_home(tmp_path):
    _, made = units(tmp_path)
    services = [text for name, text in made.items() if name.endswith(".service")]
    assert len(services) == 5
    for text in services:
        home, variables = text.index("HOME=/srv/hello/home"), text.index("EnvironmentFile=")
        assert home < variables, "what the app is given wins"
        assert "ReadWritePaths=/srv/hello/shared -/srv/hello/home\n" in text


def test_what_a_shell_has_started_gets_the_signal_to_end_as_well(tmp_path):
    text = """
processes = { a = "rq worker", b = "cd x && rq worker" }
timers = { c = { run = "a > b", at = "03:00" } }
"""
    _, made = units(tmp_path, text)
    modes = {
        name[6]: re.findall(r"(?m)^KillMode=(.*)", unit)
        for name, unit in made.items()
        if re.match(r"hello\.[abc].*service", name)
    }
    assert modes == {"a": ["mixed"], "b": ["control-group"], "c": ["control-group"]}


def test_a_unit_says_where_there_must_never_be_two(tmp_path):
    text = """
processes = { beat = { run = "celery beat", handover = "stop-first" }, worker = "celery worker" }
"""
    _, made = units(tmp_path, text)
    alone = {name for name, unit in made.items() if is_alone(unit.encode())}
    assert alone == {f"hello.beat.1@{RELEASE}.service"}


def test_a_process_gets_its_own_time_to_end_or_that_of_the_app(tmp_path):
    _, made = units(tmp_path)
    assert "TimeoutStopSec=90\n" in made[f"hello.worker.1@{RELEASE}.service"]
    assert "TimeoutStopSec=30\n" in made[f"hello.beat.1@{RELEASE}.service"]


def test_a_timers_own_unit_is_the_same_for_every_release(tmp_path):
    app, made = units(tmp_path)
    later = release_units(app, BOOKWORM, "20270102T030405.000Z-abc1234")
    assert later["hello.nightly.timer"] == made["hello.nightly.timer"]
    assert "OnCalendar=03:00\n" in made["hello.nightly.timer"]
    assert later["hello.nightly.service"] != made["hello.nightly.service"]


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("celery -A app worker", '"celery" "-A" "app" "worker"'),
        ("bin/run", '"/srv/hello/code/bin/run"'),
        ("/usr/bin/env", '"/usr/bin/env"'),
        ("sh -c 'echo $HOME'", '"sh" "-c" "echo $$HOME"'),
        ("a 100% ';' b", '"a" "100%%" ";" "b"'),
        ("cd x && b $HOME", '"/bin/sh" "-c" "cd x && b $$HOME"'),
        ("A=1 b", '"/usr/bin/env" "A=1" "b"'),
        (["a", "b && c"], '"a" "b && c"'),
        ("a 'say \"\\\\\"'", '"a" "say \\"\\\\\\\\\\""'),
        ("a ''", '"a" ""'),
    ],
)
def test_a_command_is_words_for_systemd_too(command, written):
    assert exec_start(parse_command(command).argv, "/srv/hello/code") == written


def test_the_boot_starts_the_site_also_where_a_release_has_no_units(tmp_path):
    """The scripts of the boot unit, with other programs in the places of systemctl's."""
    scripts = boot_scripts(tmp_path)
    release = tmp_path / "releases" / RELEASE
    release.mkdir(parents=True)
    (tmp_path / "live.sock").symlink_to(f"/run/homeport-sockets/hello/{RELEASE}.sock")
    start = f"start hello@{RELEASE}.service"
    # As an earlier Homeport made it: its web server is an instance of a template in /etc.
    assert run(scripts, tmp_path) == [start]
    (release / "units").mkdir()
    for name in units(tmp_path, "")[1]:
        (release / "units" / name).write_text(name)
    assert run(scripts, tmp_path) == ["daemon-reload", start]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == WEB
    for name in units(tmp_path)[1]:
        (release / "units" / name).write_text(name)
    assert run(scripts, tmp_path) == [
        "daemon-reload",
        start,
        f"start --no-block hello.beat.1@{RELEASE}.service hello.nightly.timer "
        f"hello.worker.1@{RELEASE}.service hello.worker.2@{RELEASE}.service",
    ]
    assert len(list((tmp_path / "run").iterdir())) == 7
    (tmp_path / "live.sock").unlink()
    assert run(scripts, tmp_path) == []


def test_the_boot_gives_up_where_the_units_cannot_be_put_in_place_and_says_so(tmp_path):
    scripts = boot_scripts(tmp_path)
    (tmp_path / "releases" / RELEASE / "units").mkdir(parents=True)
    (tmp_path / "releases" / RELEASE / "units" / WEB[0]).write_text("x")
    (tmp_path / "live.sock").symlink_to(f"/run/homeport-sockets/hello/{RELEASE}.sock")
    (tmp_path / "run").rmdir()
    with pytest.raises(subprocess.CalledProcessError):
        run(scripts, tmp_path)


def boot_scripts(tmp_path):
    """Return what the boot unit runs, one after the other: the shell's options, and its script."""
    text = text_of(compiled(tmp_path, HELLO)["unit:hello-boot.service"])
    found = re.findall(r"^ExecStart=/bin/sh (-e?c) '\\\n(.+?)'$", text, re.MULTILINE | re.DOTALL)
    assert [options for options, _ in found] == ["-ec", "-c", "-ec"]
    assert len(found) == text.count("ExecStart=")
    (tmp_path / "run").mkdir()
    return [
        (
            options,
            script.replace("\\\n", " ")
            .replace("$$", "$")
            .replace("/srv/hello/", f"{tmp_path}/")
            .replace("/run/systemd/system", f"{tmp_path}/run"),
        )
        for options, script in found
    ]


def run(scripts, tmp_path):
    """Return what systemctl was called with."""
    calls = tmp_path / "calls"
    calls.write_text("")
    (tmp_path / "bin").mkdir(exist_ok=True)
    program = tmp_path / "bin" / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    for options, script in scripts:
        subprocess.run(["/bin/sh", options, script], env=environment, check=True)
    return calls.read_text().splitlines()


def test_all_programs_of_an_app_have_one_tmp(tmp_path):
    _, made = units(tmp_path)
    services = [text for name, text in made.items() if name.endswith(".service")]
    assert len(services) == 5
    for text in services:
        assert text.count("BindPaths=/srv/hello/tmp:/tmp /srv/hello/tmp:/var/tmp\n") == 1
