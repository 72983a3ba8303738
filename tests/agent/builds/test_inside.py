"""The program within a build's sandbox, as it runs there: of its own, with nothing of ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.agent.builds.door import INSIDE
from provisioning.agent.builds.inside import CONNECTIONS, installed
from provisioning.agent.machine import child

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def sources(home: Path) -> Path:
    """Where the steps run: what was staged is copied there."""
    (home.parent / "staged" / "deep").mkdir(parents=True)
    return home.parent / "copies" / "abc"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Path]:
    """The path of a socket that answers with what it was sent, in upper case."""
    path = tmp_path / "proxy.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(100)

        def attend(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                while data := connection.recv(1 << 16):
                    connection.sendall(data.upper())

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=attend, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)


def _run(
    home: Path, steps: list[dict[str, Any]], *, proxy: str = "/nowhere", netrc: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    settings = {
        "socket": proxy,
        "home": str(home),
        "staged": str(home.parent / "staged"),
        "sources": str(home.parent / "copies" / "abc"),
        "netrc": netrc,
        "env": {"PATH": "/usr/bin:/bin", "HOME": "/cache", **env},
        "steps": steps,
    }
    return subprocess.run(
        child.command((INSIDE,)), input=json.dumps(settings), capture_output=True, text=True,
        cwd="/", env={"LC_ALL": "C.UTF-8", "OF_OURS": "canary"},
    )  # fmt: skip


def _sh(script: str) -> dict[str, Any]:
    return {"argv": ["/bin/sh", "-c", script]}


def test_steps_are_carried_out_in_their_order_on_a_copy_of_their_own(
    home: Path, sources: Path
) -> None:
    staged = home.parent / "staged"
    (staged / "deep" / "b.sh").write_bytes(b"echo \xff is no text")
    (staged / "deep" / "b.sh").chmod(0o755)
    (staged / "link").symlink_to("deep/b.sh")
    steps = [_sh("echo one >> said"), _sh("./link >> said; pwd >> said; echo more >> deep/b.sh")]
    ran = _run(home, steps)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (sources / "said").read_bytes() == b"one\n\xff is no text\n" + f"{sources}\n".encode()
    assert (staged / "deep" / "b.sh").read_bytes() == b"echo \xff is no text"


def test_a_step_has_the_environment_that_was_given_and_the_door(home: Path, sources: Path) -> None:
    assert _run(home, [_sh("env > env; cat > input")], A="b c").returncode == 0
    lines = (sources / "env").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    proxies = {
        found.pop(name)
        for name in ("http_proxy", "https_proxy", "all_proxy",
                     "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    }  # fmt: skip
    assert len(proxies) == 1
    assert proxies.pop().startswith("http://127.0.0.1:")
    # The shell adds these itself.
    assert {"PWD": str(sources), **found} | {"_": ""} == {
        "PATH": "/usr/bin:/bin", "HOME": "/cache", "A": "b c", "PWD": str(sources), "_": "",
    } | {name: found[name] for name in ("SHLVL", "OLDPWD") if name in found}  # fmt: skip
    assert (sources / "input").read_text() == ""


def test_a_netrc_file_is_there_for_the_steps_alone(home: Path, sources: Path) -> None:
    content = "machine index.example login ann password canary\n"
    script = _sh('stat -c %a "$NETRC" > mode; cat "$NETRC" > content; rm "$NETRC"')
    assert _run(home, [script], netrc=content).returncode == 0
    assert (sources / "mode").read_text() == "600\n"
    assert (sources / "content").read_text() == content


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 1", 1), ("exit 3", 3), ("exit 199", 199), ("exit 200", 1), ("exit 255", 1),
     ("kill -9 $$", 1)],
)  # fmt: skip
def test_a_step_that_fails_is_the_last_one(
    home: Path, sources: Path, script: str, status: int
) -> None:
    ran = _run(home, [_sh("echo before"), _sh(f"echo why >&2; {script}"), _sh("touch after")])
    assert ran.returncode == status
    assert ran.stdout.splitlines()[0] == "before"
    assert ran.stdout.splitlines()[-1].startswith("sh ended with exit status ")
    assert ran.stderr == "why\n"
    assert not (sources / "after").exists()


def test_a_program_that_is_not_there_is_no_success(home: Path, sources: Path) -> None:
    ran = _run(home, [{"argv": ["/no/such/program"]}])
    assert ran.returncode == 1
    assert "/no/such/program" in ran.stderr


def _distribution(home: Path, name: str, version: str = "1") -> None:
    folder = home / "lib" / "python3.11" / "site-packages" / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)


def test_what_is_lacking_is_added_and_nothing_else(home: Path, sources: Path) -> None:
    _distribution(home, "Zope_Interface", "8.7")
    _distribution(home, "gunicorn", "20.0.post1")
    _distribution(home, "uWSGI", "2.0.31")
    step = {
        "lacking": {
            "gunicorn": "gunicorn==27 --hash=sha256:a",
            "zope-interface": "zope.interface==1",
            "gevent": "gevent==1 ; x\ngevent==2 ; y",
            "greenlet": "greenlet==3",
            # One of them will do.
            "pyuwsgi|uwsgi": "pyuwsgi==2",
            "one|other": "one==1",
        },
        "requirements": str(home / "more.txt"),
        **_sh(f"cat {home}/more.txt > installed"),
    }  # fmt: skip
    assert _run(home, [step]).returncode == 0
    assert (
        sources / "installed"
    ).read_text() == "gevent==1 ; x\ngevent==2 ; y\ngreenlet==3\none==1\n"


def test_a_step_for_what_is_lacking_is_left_out_where_nothing_is(home: Path, sources: Path) -> None:
    _distribution(home, "gunicorn", "27.0.1")
    step = {"lacking": {"gunicorn": "gunicorn==27"}, "requirements": str(home / "more.txt"),
            **_sh("touch called")}  # fmt: skip
    assert _run(home, [step, _sh("touch later")]).returncode == 0
    assert not (sources / "called").exists()
    assert (sources / "later").exists()


@pytest.mark.parametrize(
    ("version", "is_too_old"),
    [("20.1.0", True), ("20.1", True), ("20.99rc1", True), ("21", False), ("21.0.0", False),
     ("100.1", False), ("1!2", True)],
)  # fmt: skip
def test_a_version_that_is_too_old_is_named(
    home: Path, sources: Path, version: str, is_too_old: bool
) -> None:
    _distribution(home, "gunicorn", version)
    ran = _run(home, [{"oldest": {"gunicorn": "21", "waitress": "99"}}, _sh("touch after")])
    assert ran.returncode == int(is_too_old)
    said = f"gunicorn {version} is too old: it must be 21 or newer\n"
    assert ran.stdout == (said if is_too_old else "")
    assert (sources / "after").exists() is not is_too_old


def test_distributions_are_known_by_their_normal_names(tmp_path: Path) -> None:
    home = tmp_path / "with [brackets] *"
    _distribution(home, "My.Pack_age", "1.0+local.2")
    _distribution(home, "six", "1.17.0")
    (home / "lib" / "python3.11" / "site-packages" / "flask").mkdir()
    assert installed(str(home)) == {"my-pack-age": "1.0+local.2", "six": "1.17.0"}
    assert installed(str(tmp_path / "nothing")) == {}


TALK = """
import os, socket, sys, threading
threading.excepthook = lambda _: os._exit(5)
host, port = os.environ["https_proxy"].removeprefix("http://").split(":")
def talk(number):
    with socket.create_connection((host, int(port)), 20) as connection:
        data = f"hello {number} ".encode() * 20_000
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        found = b""
        while len(found) < len(data):
            part = connection.recv(65536)
            if not part:
                os._exit(3)
            found += part
        sender.join()
        if found != data.upper():
            os._exit(4)
threads = [threading.Thread(target=talk, args=(number,)) for number in range(int(sys.argv[1]))]
for each in threads: each.start()
for each in threads: each.join()
"""


@pytest.mark.parametrize("connections", [1, CONNECTIONS])
def test_the_door_leads_to_the_proxy_and_back(
    home: Path, sources: Path, index: Path, connections: int
) -> None:
    program = {"argv": ["/usr/bin/python3", "-c", TALK, str(connections)]}
    ran = _run(home, [program], proxy=str(index))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_without_a_proxy_the_door_hangs_up(home: Path, sources: Path) -> None:
    program = {"argv": ["/usr/bin/python3", "-c", TALK, "1"]}
    assert _run(home, [program]).returncode in (3, 5)
    shutil.rmtree(sources)
    # And a build that needs none comes to its end.
    assert _run(home, [_sh("true")]).returncode == 0


def test_nobody_else_reaches_the_door(home: Path, sources: Path) -> None:
    """Within the sandbox it is a network of the build's own; here it is at least this machine."""
    script = 'echo "$http_proxy"; cat /proc/net/tcp'
    ran = _run(home, [_sh(script)])
    port = int(ran.stdout.splitlines()[0].rpartition(":")[2])
    lines = [line.split() for line in ran.stdout.splitlines()[2:]]
    listening = {line[1] for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")}
    assert listening == {f"0100007F:{port:04X}"}
    assert os.fspath(home)
