"""What an image says of itself: what systemd would understand as something else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioning.agent.builds.image_config import DEFAULT_PATH, MOST_BYTES, read_config
from provisioning.agent.errors import AgentError

GOOD: dict[str, Any] = {
    "Env": ["PATH=/opt/venv/bin:/usr/bin", "GREETING=good day", "EMPTY="],
    "Entrypoint": ["/entry.sh"],
    "Cmd": ["serve", "--name", 'a "b" $c %d \\e'],
    "WorkingDir": "/app",
    "User": "app",
}


def _read(**changes: Any) -> Any:
    return read_config(json.dumps({**GOOD, **changes}).encode())


def test_it_says_what_runs_where_as_whom_and_with_what() -> None:
    config = _read()
    assert config.command == ("/entry.sh", "serve", "--name", 'a "b" $c %d \\e')
    assert (config.directory, config.user) == ("/app", "app")
    assert config.variables == {"GREETING": "good day", "EMPTY": ""}
    assert config.words() == {
        "DIRECTORY": "/app",
        "SEARCH_PATH": "/opt/venv/bin:/usr/bin",
        # As systemd reads it: quoted, with nothing that it would replace.
        "COMMAND": '"/entry.sh" "serve" "--name" "a \\"b\\" $$c %%d \\\\e"',
    }


def test_what_it_does_not_say_has_a_default() -> None:
    config = read_config(b'{"Cmd": ["./run"]}')
    assert (config.directory, config.user, config.search_path) == ("/", "", DEFAULT_PATH)
    assert config.words()["COMMAND"] == '"/./run"'


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Cmd": None, "Entrypoint": None}, "which program to run"),
        ({"Entrypoint": [""]}, "which program to run"),
        ({"Cmd": "sh"}, "not a list of texts"),
        ({"Cmd": [1]}, "not a list of texts"),
        ({"Cmd": ["a\nExecStartPre=+/bin/evil"]}, "control character"),
        ({"Cmd": ["\ud800"]}, "not text in UTF-8"),
        ({"Cmd": ["x" * 40_000]}, "too long"),
        ({"Cmd": ["x"] * 300}, "too long"),
        ({"Entrypoint": ["+/bin/evil"]}, "its program is called"),
        ({"Entrypoint": ["!/bin/evil"]}, "its program is called"),
        ({"Entrypoint": ["/bin/a b"]}, "its program is called"),
        ({"WorkingDir": "app"}, "its WORKDIR"),
        ({"WorkingDir": "/app/../../etc"}, "its WORKDIR"),
        ({"WorkingDir": "/app\nUser=root"}, "its WORKDIR"),
        ({"WorkingDir": "/%h"}, "its WORKDIR"),
        ({"WorkingDir": ["/"]}, "its WORKDIR"),
        ({"User": "root\nUser=x"}, "its USER"),
        ({"Env": ["PATH=/bin:relative"]}, "its PATH"),
        ({"Env": ["PATH=/bin\nUser=root"]}, "its PATH"),
        ({"Env": ["LD_PRELOAD=/srv/hello/shared/evil.so"]}, "it sets LD_PRELOAD"),
        ({"Env": ["GCONV_PATH=/x"]}, "it sets GCONV_PATH"),
        ({"Env": ["a b=c"]}, "cannot be set"),
        ({"Env": ["A=\x00"]}, "cannot be set"),
        ({"Env": [f"A{n}=" for n in range(300)]}, "too many variables"),
        ({"Env": ["A=" + "x" * 40_000]}, "too many variables"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(AgentError, match=words):
        _read(**changes)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b" " * (MOST_BYTES + 1)]
)
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(AgentError, match="cannot be read"):
        read_config(data)
