"""Logs, a command, a shell and maintenance of an app that is live, all on one host."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import FAB, Project, Result
from tests.e2e.site import Site
from tests.e2e.steps import PATIENCE_S, agents, deploy_change, kill_agents, live_on, wait_for

pytestmark = pytest.mark.lab

SPEAKING = """
import os
print("the key is " + os.environ["SECRET_KEY"], flush=True)
"""


def in_release(project: Project, host: LabHost, *command: str, data: bytes = b"") -> Result:
    """Run a command in the live release, with this on its stdin."""
    done = subprocess.run(
        [FAB, "-H", host.name, "run", "hello", "--", *command],
        cwd=project.directory,
        env=project.environment(),
        input=data,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def left_running(host: LabHost) -> str:
    """Return what runs on a host only while somebody looks in."""
    units = host.shell("systemctl list-units --all --plain --no-legend 'hello-run-*'")
    found = host.run("pgrep", "-a", "journalctl|systemd-run", check=False).stdout
    return units + found


def test_looking_in(lab: Lab, project: Project, deployed_host, bare_host):
    """One host for all of it: to restore it takes longer than the commands."""
    host = deployed_host()
    _must_run_programs(project, host)
    _must_give_a_shell(project, host)
    _must_show_logs(project, host)
    _must_do_without_a_host_that_is_down(project, host, bare_host("trixie"))
    _must_show_maintenance(lab, project, host)


def _must_run_programs(project: Project, host: LabHost) -> None:
    code = f"/srv/hello/releases/{live_on(host)}/code"
    done = in_release(project, host, "sh", "-c", 'id -un; pwd; command -v flask; echo "$1"; exit 7',
                      "sh", "two  words $HOME")  # fmt: skip
    assert done.stdout.splitlines() == [
        "hello", code, code.replace("/code", "/venv/bin/flask"), "two  words $HOME",
    ]  # fmt: skip
    assert (done.code, done.stderr) == (7, "")
    # Its environment, and its sandbox.
    program = "import os; print(len(os.environ['SECRET_KEY'])); open('/etc/mine', 'w')"
    done = in_release(project, host, "python", "-c", program)
    assert (done.code, done.stdout) == (1, "43\n")
    assert "Read-only file system" in done.stderr
    data = "".join(f"line {number}\n" for number in range(200_000)).encode()
    assert in_release(project, host, "cat", data=data).stdout.encode() == data
    assert in_release(project, host, "no-such-program").code == 127
    assert in_release(project, host, "sh", "-c", "kill -TERM $$").code == 128 + signal.SIGTERM

    # Ctrl-C, and a controller that is killed, end it.
    for number, code_wanted in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        running = project.start("-H", host.name, "run", "hello", "--", "sleep", "1000")
        wait_for(lambda: "hello-run-" in left_running(host), running)
        running.send_signal(number)
        _, errors = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == code_wanted, errors
        assert "Traceback" not in errors
        wait_for(lambda: not left_running(host))

    nobody = project.fab("-H", host.name, "run", "hello")
    assert (nobody.code, "the command is missing" in nobody.stderr) == (2, True)
    unknown = project.fab("-H", host.name, "run", "helo", "--", "id")
    assert (unknown.code, "did you mean hello?" in unknown.stderr) == (2, True)
    no_terminal = project.fab("-H", host.name, "shell", "hello")
    assert (no_terminal.code, "this is not a terminal" in no_terminal.stderr) == (2, True)


class Terminal:
    """A person's terminal, in which `fab` runs."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(project.directory)
            environment = {**project.environment(), "TERM": "xterm"}
            os.execve(FAB, [str(FAB), *arguments], environment)
        self.shown = b""

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: bytes) -> None:
        self.shown = b""
        os.write(self._terminal, text)

    def wait_for(self, text: bytes) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._terminal], [], [], 1)[0]:
                self.shown += os.read(self._terminal, 4096)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def end(self) -> int:
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert self.echoes, "the terminal is left raw"
        os.close(self._terminal)
        return status


def _must_give_a_shell(project: Project, host: LabHost) -> None:
    terminal = Terminal(project, "-H", host.name, "shell", "hello")
    terminal.resize(33, 101)
    terminal.wait_for(b"$ ")
    assert not terminal.echoes
    terminal.resize(44, 120)
    # The change is on its way at the same time as what is typed.
    terminal.type(
        b"until test \"$(stty size)\" = '44 120'; do sleep 0.1; done; echo o''k $(id -un)\r"
    )
    terminal.wait_for(b"ok hello")
    # Ctrl-C is the program's, not ours.
    terminal.type(b"sleep 1000\r")
    terminal.wait_for(b"sleep 1000")
    wait_for(lambda: host.run("pgrep", "-x", "sleep", check=False).returncode == 0)
    terminal.type(b"\x03")
    terminal.wait_for(b"$ ")
    terminal.type(b"echo status $?\r")
    terminal.wait_for(b"status 130")
    terminal.type(b"exit 5\r")
    assert terminal.end() == 5
    # Closing the window ends what was started in it.
    terminal = Terminal(project, "-H", host.name, "shell", "hello")
    terminal.wait_for(b"$ ")
    terminal.type(b"sleep 1000 & echo o''k\r")
    terminal.wait_for(b"ok")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    wait_for(lambda: not left_running(host))


def _must_show_logs(project: Project, host: LabHost) -> None:
    before = live_on(host)
    with (project.directory / "followed").open("w+") as followed:
        process = subprocess.Popen(
            [FAB, "-H", host.name, "logs", "hello", "--follow", "--lines", "20"],
            cwd=project.directory,
            env=project.environment(),
            stdin=subprocess.DEVNULL,
            stdout=followed,
            stderr=subprocess.PIPE,
            text=True,
        )

        def shown() -> str:
            followed.seek(0)
            return followed.read()

        wait_for(lambda: f"hello@{before}" in shown(), process)
        kill_agents(host)
        # A release that is deployed meanwhile is followed like any other.
        project.edit("app/__init__.py", "from __future__ import annotations\n",
                     "from __future__ import annotations\n" + SPEAKING, commit=False)  # fmt: skip
        after = deploy_change(project, host)
        wait_for(lambda: f"hello@{after}  the key is ***" in shown(), process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert [line.split("  ")[-1] for line in errors.splitlines()] == [
        "the connection was lost: reconnecting", "reconnected", "interrupted"
    ]  # fmt: skip
    wait_for(lambda: not agents(host) and not left_running(host))

    secret = in_release(project, host, "printenv", "SECRET_KEY").stdout.strip()
    everything = project.fab("-H", host.name, "logs", "--since", "1d").must_succeed()
    assert "the key is ***" in everything.stdout
    assert secret not in everything.output
    lines = everything.stdout.splitlines()
    assert all(line.startswith(f"{host.name}  20") for line in lines)
    assert f"hello-import-{after}" in everything.stdout
    last = project.fab("-H", host.name, "logs", "hello", "--grep", "the key is", "--lines", "2",
                       "--json").must_succeed()  # fmt: skip
    found = [event for event in last.events if event["event"] == "log"]
    assert [event["text"] for event in found] == ["the key is ***"] * 2
    assert {event["host"] for event in found} == {host.name}
    assert found[0]["at"] <= found[1]["at"]


def _must_do_without_a_host_that_is_down(project: Project, host: LabHost, dead: LabHost) -> None:
    dead.power_cut()
    both = project.fab("-H", f"{dead.name},{host.name}", "logs", "hello", "--lines", "3")
    assert both.code == 3
    lines = both.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(host.name) for line in lines)
    assert f"cannot connect to {dead.name}" in both.stderr


def _must_show_maintenance(lab: Lab, project: Project, host: LabHost) -> None:
    site = Site(lab, host)

    def set_to(*words: str) -> Result:
        return project.fab("-H", host.name, "maintenance", "hello", *words, "--json")

    # We are somebody else: visitors.
    set_to("on", "--allow", "203.0.113.0/24").must_succeed()
    assert site.get("/").status == 503
    assert b"Back in a moment" in site.get("/").body
    assert site.get("/healthz").status == 503
    assert site.get("/static/style.css").status == 200
    again = set_to("on", "--allow", "203.0.113.0/24").must_succeed()
    assert again.changed(host.name) == []
    shown = project.fab("-H", host.name, "status").must_succeed()
    assert "maintenance" in shown.stdout
    # A deploy and a provision go on as ever, and leave it as it is.
    live = deploy_change(project, host)
    assert (
        project.fab("-H", host.name, "provision", "--json").must_succeed().changed(host.name) == []
    )
    assert site.get("/").status == 503
    # By default whoever says it is let through.
    set_to("on").must_succeed()
    assert site.get("/").status == 200
    assert f"{live}".encode() in site.get("/healthz").body
    assert set_to("off").must_succeed().changed(host.name) != []
    assert set_to("off").must_succeed().changed(host.name) == []
    assert site.get("/").status == 200
    assert not host.path("/srv/hello/maintenance.conf").exists()
    wrong = set_to("maybe")
    assert (wrong.code, "use on or off" in wrong.output) == (2, True)
