"""Through the real `fab` program, with a small fabfile in a folder of its own."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.cli.executor import words_after_dashes
from provisioning.errors import InterruptedRunError

ROOT = Path(__file__).parents[2]
FAB = Path(sys.executable).with_name("fab")
FABFILE = '''
import json, sys
from fabric import task
from invoke import Collection, Exit
from provisioning.errors import DeployRefusedError, UnreachableError
from provisioning.cli.executor import FleetContext, fleet_task
from provisioning.secrets import Secret

@fleet_task()
def before(context):
    """Go first."""
    print("before", json.dumps(context.hosts))

@fleet_task(help={"check": "Only say what would be done.", "limit": "Only these hosts."})
def provision(context: FleetContext, check: bool = False, limit: str = "", headers: str = ""):
    """Bring hosts to their desired state.

    More about it.
    """
    print("provision", json.dumps(context.hosts), check, limit, context.dry)

@fleet_task()
def rollback(context, to: str = ""):
    """Go back."""
    print("rollback", json.dumps(context.hosts), to)

@fleet_task(name="up", default=True)
def lab_up(context, number: int = 1):
    """Start the lab."""
    print("up", json.dumps(context.hosts), number)

@fleet_task(takes_remainder=True, name="run")
def run_there(context, app: str, env: str = ""):
    """Run what follows two dashes."""
    print("run", json.dumps(context.hosts), app, json.dumps(context.remainder))

@fleet_task(may_name="app")
def logs(context, app: str = "", follow: bool = False, grep: str = ""):
    """Show logs."""
    print("logs", json.dumps(context.hosts), repr(app), follow, repr(grep))

@fleet_task()
def options(context):
    given = context.connect_options
    if "ask_passphrase" in given:
        given["ask_passphrase"] = given["ask_passphrase"]("key")
    print(given)

@fleet_task()
def fail(context, how: str):
    """Fail in some way."""
    secret = Secret("canary-4711")
    if how == "unreachable":
        raise UnreachableError("cannot connect to web1: refused", hint="start it", output="a\\nb")
    if how == "refused":
        raise DeployRefusedError(f"cannot deploy: {secret.reveal()}")
    if how == "bug":
        raise ZeroDivisionError(f"division by {secret.reveal()}")
    if how == "code":
        return 5
    if how == "exit":
        raise Exit("done for today", 7)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "wait":
        import time
        print("waiting", flush=True)
        time.sleep(60)
    if how == "pipe":
        for _ in range(100_000): print("more")

@fleet_task()
def ask(context):
    from provisioning.transport.login.prompt import ask_secret
    print("got", ask_secret("secret, please: "))

@task
def plain(c, word="x"):
    """Something of Fabric's own."""
    print("plain", getattr(c, "host", None), word)

ns = Collection(before, provision, rollback, fail, plain, options, ask, run_there, logs)
ns.add_collection(Collection("lab", lab_up))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A person's repository, with the fabric.yml of this one."""
    (tmp_path / "fabfile.py").write_text(FABFILE)
    (tmp_path / "fabric.yml").write_text((ROOT / "fabric.yml").read_text())
    return tmp_path


Fab = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(folder / "state"),
        "HOME": str(folder),
        "HOMEPORT_DEBUG": "",
    }


@pytest.fixture
def fab(folder: Path, environment: dict[str, str]) -> Fab:
    """Run `fab` there."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(FAB), *arguments],
            cwd=folder,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        (["-H", "web1"], ["web1"]),
        (["-H", "web1,web2,web3"], ["web1", "web2", "web3"]),
        (["--hosts=web1"], ["web1"]),
        (["-H", "web2, web1,,web2"], ["web2", "web1"]),
        (["-H", "root@[::1]:22,203.0.113.10"], ["root@[::1]:22", "203.0.113.10"]),
        ([], []),
    ],
)
def test_a_command_is_called_once_with_all_hosts_as_given(
    fab: Fab, given: list[str], hosts: list[str]
) -> None:
    done = fab(*given, "provision", "--check", "--limit", "web1")
    assert done.stdout == f"provision {json.dumps(hosts)} True web1 False\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_several_commands_each_get_the_hosts(fab: Fab) -> None:
    done = fab("-H", "a,b", "provision", "rollback", "--to", "x", "provision", "--check")
    assert done.stdout.splitlines() == [
        'provision ["a", "b"] False  False',
        'rollback ["a", "b"] x',
        'provision ["a", "b"] True  False',
    ]


@pytest.mark.parametrize("name", ["lab.up", "lab"])
def test_a_command_in_a_group_gets_the_hosts_too(fab: Fab, name: str) -> None:
    assert fab("-H", "a,b", name, "--number", "3").stdout == 'up ["a", "b"] 3\n'
    assert fab(name).stdout == "up [] 1\n"


def test_a_dry_run_is_told_to_the_command(fab: Fab) -> None:
    assert fab("--dry", "-H", "a", "provision").stdout == 'provision ["a"] False  True\n'


def test_fabric_s_own_tasks_run_as_ever(fab: Fab) -> None:
    done = fab("-H", "a,b", "plain", "--word", "y", "provision")
    assert done.stdout.splitlines() == [
        "plain a y",
        "plain b y",
        'provision ["a", "b"] False  False',
    ]


def test_commands_before_and_after_run_once_without_hosts(folder: Path, fab: Fab) -> None:
    with (folder / "fabfile.py").open("a") as file:
        file.write(
            "from invoke import call\n"
            "provision.pre, provision.post = [before], [call(rollback, to='end')]\n"
        )
    assert fab("-H", "a", "provision").stdout.splitlines() == [
        "before []",
        'provision ["a"] False  False',
        "rollback [] end",
    ]


def test_a_command_together_with_another_after_two_dashes_is_refused(fab: Fab) -> None:
    done = fab("-H", "a", "provision", "--", "uname")
    assert done.returncode == 2
    assert done.stderr == ("cannot run both a command and what follows `--`: give one of them\n")


def test_a_command_that_takes_it_gets_what_follows_two_dashes_word_by_word(fab: Fab) -> None:
    words = ["python", "-c", "print('a  b')", "", "--", "--env", "$HOME", "*"]
    done = fab("-H", "web1", "run", "hello", "--", *words)
    assert done.stdout == f'run ["web1"] hello {json.dumps(words)}\n'
    assert (done.returncode, done.stderr) == (0, "")
    assert fab("run", "hello").stdout == "run [] hello []\n"


def test_what_follows_two_dashes_is_for_one_command_alone(fab: Fab) -> None:
    for commands in (
        ["run", "a", "provision"],
        ["provision", "run", "a"],
        ["run", "a", "run", "b"],
    ):
        done = fab("-H", "web1", *commands, "--", "uname")
        assert (done.returncode, done.stdout) == (2, "")


def test_commands_around_one_that_takes_what_follows_get_none_of_it(folder: Path, fab: Fab) -> None:
    with (folder / "fabfile.py").open("a") as file:
        file.write("run_there.pre, run_there.post = [before], [before]\n")
    assert fab("-H", "a", "run", "hello", "--", "id").stdout.splitlines() == [
        "before []",
        'run ["a"] hello ["id"]',
        "before []",
    ]


def test_what_fab_is_called_with_as_a_function_is_split_at_spaces() -> None:
    assert words_after_dashes("id -u", ["pytest", "-q"]) == ("id", "-u")
    assert words_after_dashes("id -u", ["fab", "run", "--", "id -u"]) == ("id -u",)
    assert words_after_dashes("", ["fab", "run"]) == ()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["logs"], ["logs [] '' False ''"]),
        (["logs", "hello"], ["logs [] 'hello' False ''"]),
        (["logs", "--follow", "hello"], ["logs [] 'hello' True ''"]),
        (["logs", "hello", "--follow"], ["logs [] 'hello' True ''"]),
        (["logs", "--grep", "provision", "hello"], ["logs [] 'hello' False 'provision'"]),
        (["logs", "--grep=a b", "hello"], ["logs [] 'hello' False 'a b'"]),
        (["logs", "--app", "hello", "rollback"], ["logs [] 'hello' False ''", 'rollback [] ']),
        (["logs", "rollback"], ["logs [] 'rollback' False ''"]),
        (["logs", "a", "logs", "b"], ["logs [] 'a' False ''", "logs [] 'b' False ''"]),
        (["-H", "logs", "logs", "a"], ["logs [\"logs\"] 'a' False ''"]),
        (["logs", "-H", "web1", "a"], ["logs [\"web1\"] 'a' False ''"]),
        (["rollback", "--to", "logs"], ["rollback [] logs"]),
    ],
)  # fmt: skip
def test_a_word_that_may_be_left_out_needs_no_flag(
    fab: Fab, given: list[str], shown: list[str]
) -> None:
    done = fab(*given)
    assert (done.stdout.splitlines(), done.stderr) == (shown, "")


def test_words_that_no_command_takes_are_refused_as_ever(fab: Fab) -> None:
    assert fab("logs", "hello", "hallo").returncode == 2
    assert fab("provision", "hello").returncode == 2


def test_a_number_that_is_none_is_wrong_usage(fab: Fab) -> None:
    done = fab("lab.up", "--number", "many")
    assert done.returncode == 2
    assert "'many'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_shows_one_line_each(fab: Fab) -> None:
    lines = [line.split(None, 1) for line in fab("--list").stdout.splitlines() if line.strip()]
    shown = {line[0]: line[1] for line in lines if len(line) == 2}
    assert shown["provision"] == "Bring hosts to their desired state."
    assert shown["lab.up"].endswith("Start the lab.")


@pytest.mark.parametrize("arguments", [["--help", "provision"], ["provision", "--help"],
                                       ["-h", "provision"], ["provision", "-h"]])  # fmt: skip
def test_help_shows_every_flag_and_h_stays_help(fab: Fab, arguments: list[str]) -> None:
    done = fab(*arguments)
    assert done.returncode == 0
    assert "Only say what would be done." in done.stdout
    assert "--limit" in done.stdout
    assert "--headers=STRING" in done.stdout
    assert "-h STRING" not in done.stdout


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        (
            "unreachable",
            3,
            "error: cannot connect to web1: refused\n    a\n    b\n  try: start it\n",
        ),
        ("refused", 4, "error: cannot deploy: ***\n"),
        ("exit", 7, "done for today\n"),
        ("code", 5, ""),
        ("interrupt", 130, "interrupted\n"),
    ],
)
def test_a_failure_is_one_message_on_stderr_and_an_exit_code(
    fab: Fab, how: str, code: int, message: str
) -> None:
    done = fab("-H", "web1", "fail", how)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)


def test_a_bug_is_one_line_and_its_traceback_is_saved_for_the_owner_alone(
    fab: Fab, folder: Path
) -> None:
    done = fab("fail", "bug")
    (report,) = (folder / "state" / "homeport").iterdir()
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "error: this is a bug in Homeport: ZeroDivisionError: division by ***\n"
        f"  try: report it and attach {report}, which has the traceback; "
        "HOMEPORT_DEBUG=1 shows it here\n"
    )
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    text = report.read_text()
    assert "Traceback (most recent call last)" in text
    assert "fabfile.py" in text
    assert "canary-4711" not in text


def test_only_the_last_reports_are_kept(fab: Fab, folder: Path) -> None:
    reports = folder / "state" / "homeport"
    reports.mkdir(parents=True)
    for number in range(30):
        (reports / f"bug-20200101-0000{number:02}-1.txt").write_text("")
    (reports / "mine.txt").write_text("")
    fab("fail", "bug")
    assert len(list(reports.glob("bug-*.txt"))) == 20
    assert (reports / "mine.txt").exists()


def test_a_report_that_cannot_be_saved_does_not_hide_the_bug(fab: Fab) -> None:
    done = fab("fail", "bug", XDG_STATE_HOME="/proc/nothing")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "HOMEPORT_DEBUG=1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", ["bug", "refused"])
def test_homeport_debug_shows_the_traceback(fab: Fab, how: str) -> None:
    done = fab("fail", how, HOMEPORT_DEBUG="1")
    assert "Traceback (most recent call last)" in done.stderr
    assert "canary-4711" not in done.stderr


def test_ctrl_c_ends_without_a_traceback(folder: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [str(FAB), "fail", "wait"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=55)
    assert errors == "interrupted\n"
    assert process.returncode == InterruptedRunError.exit_code


def test_a_reader_that_has_seen_enough_ends_it_quietly(
    folder: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{FAB} fail pipe | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("more\n", "", 141)


def test_homeport_s_own_program_needs_no_fabric_yml(fab: Fab, folder: Path) -> None:
    (folder / "fabric.yml").unlink()
    assert fab("-H", "a,b", "provision").stdout == 'provision ["a", "b"] False  False\n'


def fabric_s_own(
    folder: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run Fabric's program as it is without ours."""
    return subprocess.run(
        [sys.executable, "-c", "from fabric.main import program; program.run()", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_fabric_s_own_program_takes_the_executor_from_fabric_yml(
    folder: Path, environment: dict[str, str]
) -> None:
    done = fabric_s_own(folder, environment, "-H", "a,b", "provision")
    assert done.stdout == 'provision ["a", "b"] False  False\n'


def test_without_fabric_yml_fabric_s_own_program_refuses_before_anything_is_done(
    folder: Path, environment: dict[str, str]
) -> None:
    (folder / "fabric.yml").unlink()
    done = fabric_s_own(folder, environment, "-H", "a,b", "provision")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: cannot run on several hosts: "
        "fabric.yml next to the fabfile does not name the executor\n"
        "  try: `fab init` in that folder writes it\n"
    )


def test_without_fabric_yml_and_hosts_a_command_works_there(
    folder: Path, environment: dict[str, str]
) -> None:
    (folder / "fabric.yml").unlink()
    done = fabric_s_own(folder, environment, "provision", "--check")
    assert done.stdout == "provision [] True  False\n"
    assert fabric_s_own(folder, environment, "fail", "refused").returncode == 4


def test_what_fab_was_told_about_connecting_is_handed_on(fab: Fab, folder: Path) -> None:
    (folder / "ssh_config").write_text("")
    done = fab("-i", "~/key", "-i", "other", "-S", "ssh_config", "-t", "3", "options")
    assert done.stderr == ""
    assert f"PosixPath('{folder}/key'), PosixPath('other')" in done.stdout
    assert "'ssh_config': PosixPath('ssh_config')" in done.stdout
    assert "'connect_timeout_s': 3.0" in done.stdout


def test_what_fab_was_not_told_is_left_to_the_inventory(fab: Fab) -> None:
    assert fab("options").stdout == "{}\n"


def test_passwords_of_the_configuration_are_handed_on_unseen(fab: Fab, folder: Path) -> None:
    with (folder / "fabric.yml").open("a") as file:
        file.write("sudo:\n  password: canary-1\nconnect_kwargs:\n  password: canary-2\n")
        file.write("  passphrase: canary-3\n")
    done = fab("options")
    for name in ("sudo_password", "login_password", "ask_passphrase"):
        assert f"'{name}': Secret(***)" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_a_secret_is_asked_for_at_the_terminal_and_not_shown(
    folder: Path, environment: dict[str, str]
) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(FAB, [str(FAB), "ask"], environment)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 1000)
        except OSError:
            break
        shown += data
        if data.endswith(b"please: "):
            os.write(terminal, b"canary-4711\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert shown.split() == [b"secret,", b"please:", b"got", b"***"]


def test_the_list_of_commands_loads_no_more_than_fabric_itself(
    folder: Path, environment: dict[str, str]
) -> None:
    program = (
        "import sys; from fabric.main import program\n"
        "program.run(['fab', '--list'], exit=False)\n"
        "names = ('jinja2', 'rich', 'pydantic', 'provisioning.transport.login.keys')\n"
        "print([name for name in names if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_a_command_compiles_is_there_for_the_next(fab: Fab, tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    # An empty variable counts as none: whoever runs the tests may have set it.
    done = fab("--list", PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=str(caches))
    assert done.returncode == 0
    # Loaded by the fabfile only, when Invoke has read its own flags already.
    assert list(caches.rglob("provisioning/cli/executor.*.pyc"))
    assert list(caches.rglob("fabfile.*.pyc"))


def test_a_person_who_wants_no_cached_bytecode_gets_none(fab: Fab, tmp_path: Path) -> None:
    caches = tmp_path / "caches"
    fab("--list", PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(caches))
    assert not list(caches.rglob("*.pyc"))
