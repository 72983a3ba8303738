"""One rule for every command of the inventory: a list is words, a line is what `sh` would run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provisioning.inventory import load
from provisioning.inventory.types.commands import parse_command


@pytest.mark.parametrize(
    "line",
    [
        "flask db upgrade",
        "python -c 'print(1) && $HOME | x > y'",
        'celery -A app worker -Q "a b;c"',
        r"echo a\ b \$HOME \&\& \*",
        'echo "100 % of \\\\ 5"',
        "rsync a@b:c d",
        "gunicorn --bind=unix:/run/x app:app",
        "echo a#b c~d",
        "pip install 'x[y]'",
        'echo "a $ b"',
    ],
)
def test_a_line_without_shell_syntax_is_split_and_started_directly(line: str) -> None:
    command = parse_command(line)
    assert not command.is_shell
    assert command.argv[0] == command.program
    said = subprocess.run(
        ["sh", "-c", f"show() {{ printf '%s\\n' \"$@\"; }}; show {line}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.splitlines() == list(command.argv)


@pytest.mark.parametrize(
    "line",
    [
        "python -c pass && python bad.py",
        "a || b",
        "a; b",
        "a &",
        "cmd > log",
        "cmd <file",
        "a | b",
        "echo $HOME",
        'echo "${HOME}/x"',
        "echo `id`",
        'echo "$(id)"',
        "ls *.py",
        'echo "100 % of \\$5"',
        "ls ?.py",
        "ls [ab].py",
        "cd sub && x",
        "cd sub",
        "exec gunicorn app",
        ". ./env",
        "(a)",
        "~/bin/x",
        "cp a ~",
        "cp a ~/b",
        "a # and why",
        "A=$B cmd",
        "A=~ cmd",
        "A=1 B=2",
        "if true; then a; fi",
    ],
)
def test_a_line_with_shell_syntax_is_run_by_sh(line: str) -> None:
    command = parse_command(line)
    assert command.is_shell
    assert command.argv == ("/bin/sh", "-c", line)
    assert str(command) == line


def test_variables_in_front_of_a_program_need_no_shell() -> None:
    command = parse_command("A=1 B='x y' flask db upgrade")
    assert command.argv == ("/usr/bin/env", "A=1", "B=x y", "flask", "db", "upgrade")
    assert command.program == "flask"
    assert not command.is_shell


def test_a_list_is_words_whatever_they_contain() -> None:
    command = parse_command(["python", "-c", "a && b; $HOME"])
    assert command.argv == ("python", "-c", "a && b; $HOME")
    assert str(command) == "python -c 'a && b; $HOME'"


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ("", "must be a command on one line"),
        ("a\nb", "must be a command on one line"),
        ("a \x1b[0m", "without control characters"),
        ("flask 'x", "is not a command: no closing quotation"),
        ("+rq", "must begin with the name or the path of a program"),
        ("'' x", "must name a program"),
        ([], "must name a program"),
        (["-rq"], "must begin with the name or the path of a program"),
        (["a", 1], "must be a line such as"),
        (7, "must be a line such as"),
    ],
)
def test_what_is_no_command_is_refused(given: object, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        parse_command(given)


def test_every_key_of_an_app_that_takes_a_command_takes_a_list(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    file = tmp_path / "inventory" / "production.toml"
    file.write_text(
        """
[hosts.web1]
[apps.hello]
source = ".."
wsgi = "app:app"
domains = ["hello.example.com"]
migrate = ["flask", "db", "upgrade"]
processes = { worker = ["rq", "worker"], other = { run = "cd x && y" } }
timers = { nightly = { run = ["python", "-m", "x"], at = "03:00" } }
[[apps.hello.hooks]]
at = "before-build"
run = ["make", "a b"]
[tls]
email = "ops@example.com"
"""
    )
    app = load(tmp_path, environ={}).apps["hello"]
    assert app.migrate is not None and app.migrate.argv == ("flask", "db", "upgrade")
    assert app.processes["worker"].run.argv == ("rq", "worker")
    assert app.processes["other"].run.is_shell
    assert app.timers["nightly"].run.argv == ("python", "-m", "x")
    assert app.hooks[0].run is not None and str(app.hooks[0].run) == "make 'a b'"
