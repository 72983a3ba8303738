"""What travels to a host: small, for old Pythons, and nothing but the standard library."""

from __future__ import annotations

import ast
import base64
import bz2
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.protocol.payload import (
    AGENT,
    BOOTSTRAP,
    PROGRAMS,
    agent_payload,
    attached_command,
)

SOURCES = sorted([*AGENT.rglob("*.py"), *BOOTSTRAP.rglob("*.py")])
OLDEST = (3, 9)

# Bytes; raise them knowingly. The agent travels once per host and boot, the command always.
MAX_PAYLOAD_BYTES = 160 * 1024
MAX_COMMAND_BYTES = 6144
MAX_ATTACHED_BYTES = 6912


def _name(path: Path) -> str:
    return str(path.relative_to(AGENT.parent))


sources = pytest.mark.parametrize("path", SOURCES, ids=_name)


def _old_python() -> str | None:
    found = shutil.which("python3.9")
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates = [found] if found else []
    candidates += [str(each) for each in sorted(pyenv.glob("3.9*/bin/python"))]
    for each in candidates:
        done = subprocess.run(
            [each, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True
        )
        if done.stdout.strip() == b"(3, 9)":
            return each
    return None


@sources
def test_the_agent_is_written_in_old_python(path: Path) -> None:
    try:
        ast.parse(path.read_text(), filename=str(path), feature_version=OLDEST)
    except SyntaxError as error:
        pytest.fail(f"Python {OLDEST[0]}.{OLDEST[1]} cannot read it: {error}")


@sources
def test_the_agent_imports_only_itself_and_the_standard_library(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports do not work from memory"
            names = [node.module or ""]
        for name in names:
            ours = name.split(".")[:2] == ["provisioning", "agent"]
            assert ours or name.split(".")[0] in sys.stdlib_module_names, name
            if path.is_relative_to(BOOTSTRAP):
                assert not ours, "the loader comes before the agent"


@sources
def test_annotations_are_not_evaluated_on_an_old_python(path: Path) -> None:
    if path.is_relative_to(BOOTSTRAP):
        return
    tree = ast.parse(path.read_text())
    futures = {
        each.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for each in node.names
    }
    is_empty = not any(not isinstance(node, ast.Expr) for node in tree.body)
    assert is_empty or "annotations" in futures


def test_every_module_can_be_imported_by_the_oldest_python() -> None:
    python = _old_python()
    if python is None:
        pytest.skip("no Python 3.9 here (on PATH or in ~/.pyenv/versions)")
    modules = [
        ".".join(("provisioning", *path.relative_to(AGENT.parent).with_suffix("").parts))
        for path in sorted(AGENT.rglob("*.py"))
    ]
    program = (
        f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\nprint('all')"
    )
    done = subprocess.run(
        [python, "-W", "error", "-B", "-c", program],
        cwd=AGENT.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "all\n", done.stderr


def test_the_agent_talks_under_the_oldest_python(tmp_path: Path) -> None:
    python = _old_python()
    if python is None:
        pytest.skip("no Python 3.9 here (on PATH or in ~/.pyenv/versions)")
    loader = (BOOTSTRAP / "loader.py").read_text().replace("/run/homeport", str(tmp_path))
    done = subprocess.run(
        [python, "-I", "-c", loader, "digest", "marker"],
        input=agent_payload().data,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith(b"\nmarker agent?\n"), done.stderr
    assert b'"hello":{"python":"3.9.' in done.stdout


def test_the_payload_is_the_agent_and_nothing_else() -> None:
    agent_payload.cache_clear()
    data = agent_payload().data
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    sent = json.loads(bz2.decompress(data[4:]))
    on_disk = {
        "provisioning." + ".".join(path.relative_to(AGENT.parent).with_suffix("").parts): path
        for path in AGENT.rglob("*.py")
    }
    texts = {f"{name}_source": on_disk[name].read_text() for name in PROGRAMS}
    assert set(sent) == {"provisioning.__init__", *on_disk, *texts}
    # What runs as another user's program goes along as text besides.
    assert all(sent[name] == f"SOURCE = {text!r}\n" for name, text in texts.items())
    assert all(sent[name] == path.read_text() for name, path in on_disk.items())
    assert sent["provisioning.__init__"] == ""


def test_the_payload_is_the_same_every_time() -> None:
    agent_payload.cache_clear()
    before = agent_payload()
    agent_payload.cache_clear()
    assert agent_payload() == before


def test_the_payload_stays_small() -> None:
    payload = agent_payload()
    assert len(payload.data) <= MAX_PAYLOAD_BYTES
    assert len(payload.command("0" * 24)) <= MAX_COMMAND_BYTES
    assert len(attached_command("0" * 24)) <= MAX_ATTACHED_BYTES


SHELLS = [
    each
    for each in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh")
    if shutil.which(each)
]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_means_the_same_to_every_login_shell(shell: str, tmp_path: Path) -> None:
    """A stand-in for python3 tells what it was called with."""
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    payload = agent_payload()
    done = subprocess.run(
        [shell, "-c", payload.command("feedbeef")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["-I", "-c"], done.stderr
    assert lines[-2:] == [payload.digest, "feedbeef"]
    compile("\n".join(lines[2:-2]), "loader", "exec")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_other_command_too(shell: str, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        [shell, "-c", attached_command("feedbeef")],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (lines[:2], lines[-1]) == (["-I", "-c"], "feedbeef"), done.stderr
    compile("\n".join(lines[2:-1]), "attached", "exec")


def test_the_command_holds_no_character_that_a_shell_could_take_for_its_own() -> None:
    command = agent_payload().command("feedbeef")
    start, _, rest = command.partition("printf %s ")
    encoded, _, end = rest.partition(" | ")
    # A login shell takes what stands in single quotes as it is.
    assert (start, end) == ("sh -c 'cd /; eval \"$(", "base64 -d)\"'")
    script = base64.b64decode(encoded, validate=True).decode()
    assert "@" not in script.replace('"$@"', "")
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


COMMANDS = {
    "agent": lambda: agent_payload().command("feedbeef"),
    "attached": lambda: attached_command("feedbeef"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_of_the_directory_that_a_login_begins_in_is_run(
    command: str, tmp_path: Path
) -> None:
    """With a path that names the current directory: as root, that would be anybody's program."""
    home, good = tmp_path / "home", tmp_path / "good"
    for folder in (home, good):
        folder.mkdir()
    for name in ("python3", "base64", "printf"):
        (home / name).write_text('#!/bin/sh\necho "$0" >>stolen\n')
        (home / name).chmod(0o755)
    (good / "python3").write_text("#!/bin/sh\npwd\n")
    (good / "python3").chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", COMMANDS[command]()],
        cwd=home,
        env={"PATH": f":.:{good}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (home / "stolen").exists()
    assert done.stdout == "/\n"


def test_a_borrowed_python_takes_no_library_of_the_current_directory(tmp_path: Path) -> None:
    """The end of the script, with an archive that has been unpacked."""
    root = tmp_path / "root/usr"
    for path in ("lib/x86_64-linux-gnu/libm.so.6", "lib/x86_64-linux-gnu/a/libb.so", "lib/c.so"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    python = root / "bin/python3.11"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH"\n')
    python.chmod(0o755)
    script = (BOOTSTRAP / "start.sh").read_text()
    end = script[script.index('set -- "$home"/root/usr/bin') :]
    done = subprocess.run(
        ["/bin/sh", "-c", f"home={tmp_path}; loader=x; {end}"],
        capture_output=True,
        text=True,
        check=True,
    )
    folder = root / "lib/x86_64-linux-gnu"
    assert done.stdout == f"{folder}:{folder}/a\n"


def test_a_host_without_python_and_apt_says_so(tmp_path: Path) -> None:
    for name in ("base64", "printf"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        [
            str(shutil.which("sh")),
            "-c",
            agent_payload().command("feedbeef").replace("sh -c", f"{shutil.which('sh')} -c"),
        ],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "\nfeedbeef fail no python3 and no apt-get: this is not a Debian host\n"
    assert done.returncode == 1
