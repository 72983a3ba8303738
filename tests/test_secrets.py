from __future__ import annotations

import base64
import copy
import dataclasses
import html
import json
import pickle
import re
import shlex
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.secrets import (
    REDACTOR,
    CommandSource,
    EnvSource,
    FileSource,
    GenerateSource,
    Redactor,
    Secret,
    fetch_secrets,
    generate_secret,
    redact,
)

CANARY = 'canary-7f3a/+"quoted" $HOME `x` \\n it\'s <ü> & 50%'


def test_a_secret_shows_as_stars_however_it_is_printed() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        "%s" % secret,  # noqa: UP031
        json.dumps({"password": secret}, default=str),
        repr([secret]),
        repr(dataclasses.asdict(_Holder(secret))),
    ]
    assert all("***" in text and "canary" not in text for text in shown)
    assert secret.reveal() == CANARY


@dataclasses.dataclass
class _Holder:
    secret: Secret


def test_a_secret_in_a_traceback_shows_as_stars() -> None:
    secret = Secret("canary-in-a-frame")
    try:
        _refuse(secret)
    except RuntimeError:
        text = "".join(traceback.TracebackException(*sys.exc_info(), capture_locals=True).format())
    assert "canary" not in text.replace('canary-in-a-frame")', "")
    assert text.count("Secret(***)") >= 2


def _refuse(secret: Secret) -> None:
    raise RuntimeError(f"refused {secret}", secret)


def test_a_secret_is_refused_by_pickle_and_survives_copying() -> None:
    secret = Secret(CANARY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(secret, protocol)
    assert copy.deepcopy({"a": secret})["a"] is secret
    assert copy.copy(secret) is secret


def test_secrets_are_compared_by_value_and_never_equal_a_text() -> None:
    assert Secret("one-value") == Secret("one-value")
    assert Secret("one-value") != Secret("other-value")
    assert Secret("one-value") != "one-value"
    assert len({Secret("one-value"), Secret("one-value"), Secret("other-value")}) == 2


def test_a_secret_can_neither_be_changed_nor_empty() -> None:
    secret = Secret("one-value")
    with pytest.raises(AttributeError):
        secret._value = "other"
    assert secret.reveal() == "one-value"
    with pytest.raises(ValueError, match="empty"):
        Secret("")


@pytest.mark.parametrize(
    "written",
    [
        CANARY,
        shlex.quote(CANARY),
        shlex.join(["echo", CANARY]),
        json.dumps({"key": CANARY}),
        json.dumps({"key": CANARY}, ensure_ascii=False),
        urllib.parse.quote(CANARY),
        urllib.parse.quote(CANARY, safe=""),
        urllib.parse.quote_plus(CANARY),
        re.sub("%..", lambda match: match.group().lower(), urllib.parse.quote_plus(CANARY)),
        html.escape(CANARY),
        repr(CANARY),
        CANARY.encode().hex(),
        base64.b64encode(CANARY.encode()).decode(),
        base64.urlsafe_b64encode(CANARY.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_every_common_encoding(written: str) -> None:
    # `+`, case and padding apart, nothing of the value may be left over.
    masked = redact(f"before {written} after", [Secret(CANARY)])
    assert "***" in masked
    assert len(masked) < len("before *** after") + 12
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:", "root:x:"])
@pytest.mark.parametrize("after", ["", "@", "@h", "@host"])
def test_a_secret_within_something_encoded_is_masked_at_every_offset(
    before: str, after: str
) -> None:
    value = "canary-with-some-length"
    whole = base64.b64encode(f"{before}{value}{after}".encode()).decode()
    masked = redact(whole, [Secret(value)])
    assert "***" in masked
    # What is left at the edges belongs to the neighbours but for a character each.
    left = masked.replace("***", "").rstrip("=")
    assert len(left) <= len(base64.b64encode((before + after).encode())) + 4


def test_a_private_key_is_masked_line_by_line() -> None:
    key = (
        "-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90\nvcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeK\n-----END"
    )
    diff = "\n".join(f"+    {line}" for line in key.splitlines())
    masked = redact(diff, [Secret(key)])
    assert "MIIB" not in masked
    assert "vcNL" not in masked
    assert len(masked.splitlines()) == 4


def test_a_short_secret_is_masked_where_it_stands_alone_only() -> None:
    assert redact("pw: abc, abcdef", [Secret("abc")]) == "pw: ***, abcdef"


def test_the_longer_of_two_secrets_that_begin_alike_is_masked_whole() -> None:
    secrets = [Secret("canary-one"), Secret("canary-one-and-more")]
    assert redact("x canary-one-and-more y", secrets) == "x *** y"


def test_text_without_secrets_is_left_alone() -> None:
    text = "nginx: configuration file /etc/nginx/nginx.conf test is successful"
    assert redact(text, [Secret(CANARY), Secret("hunter2hunter2")]) == text
    assert redact(text, []) == text


def test_every_secret_that_is_made_is_known_to_the_redactor_of_the_process() -> None:
    value = generate_secret(32).reveal()
    assert REDACTOR.redact(f"key={value};") == "key=***;"


def test_a_redactor_may_be_told_and_asked_from_many_threads() -> None:
    redactor = Redactor()
    leaked: list[str] = []

    def work(number: int) -> None:
        for turn in range(5):
            value = f"canary-{number}-{turn}-x"
            redactor.add(value)
            if value in redactor(f"a {value} b"):
                leaked.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leaked == []
    assert redactor("canary-3-4-x") == "***"


def test_a_generated_secret_has_the_size_asked_for_and_differs_every_time() -> None:
    made = {generate_secret(32).reveal() for _ in range(50)}
    assert len(made) == 50
    assert all(len(base64.urlsafe_b64decode(value + "=")) == 32 for value in made)
    for size_bytes in (0, 15, 1025):
        with pytest.raises(ValueError, match="not within"):
            generate_secret(size_bytes)


def test_secrets_are_fetched_from_each_kind_of_source(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    (tmp_path / "key").chmod(0o600)
    fetched = fetch_secrets(
        {
            "A": EnvSource("HELLO_A"),
            "B": CommandSource("printf 'from a command\\n\\n' | cat"),
            "C": FileSource("key"),
            "D": GenerateSource(32),
        },
        of="apps.hello.secrets",
        directory=tmp_path,
        environ={"HELLO_A": "from-env", "PATH": "/usr/bin:/bin"},
    )
    assert {key: secret.reveal() for key, secret in fetched.values.items()} == {
        "A": "from-env",
        "B": "from a command\n",
        "C": "from-a-file",
    }
    assert fetched.warnings == ()


def test_all_missing_secrets_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigurationError) as caught:
        fetch_secrets(
            {
                "A": EnvSource("HELLO_TOKEM"),
                "B": EnvSource("EMPTY"),
                "C": CommandSource("echo half-canary; echo locked half-canary >&2; exit 3"),
                "D": CommandSource("true"),
                "E": CommandSource("sleep 30; true", timeout_s=1),
                "F": FileSource("nowhere"),
                "G": FileSource("empty"),
                "H": FileSource("."),
                "I": CommandSource("no-such-program-here"),
                "J": CommandSource(r"printf 'a\0b'"),
                "K": EnvSource("HELLO_TOKEN"),
            },
            of="apps.hello.secrets",
            directory=tmp_path,
            environ={"EMPTY": "", "HELLO_TOKEN": "canary-there", "PATH": "/usr/bin:/bin"},
        )
    error = caught.value
    assert error.exit_code == 2
    assert error.message == "cannot fetch the secrets of apps.hello.secrets: 10 secrets are missing"
    lines = error.output.splitlines()
    assert lines[0] == (
        "apps.hello.secrets.A: the environment variable HELLO_TOKEM is not set; "
        "HELLO_TOKEN is, did you mean that?"
    )
    assert lines[1] == "apps.hello.secrets.B: the environment variable EMPTY is empty"
    assert lines[2].startswith("apps.hello.secrets.C: ")
    assert lines[2].endswith("ended with exit status 3")
    assert lines[3] == "  locked ***"
    told = "\n".join(lines[4:])
    for line in (
        "D: `true` printed nothing",
        "E: `sleep 30; true` did not end within 1 s",
        f"F: cannot read {tmp_path}/nowhere: No such file or directory",
        f"G: {tmp_path}/empty is empty",
        "H: cannot read",
        "I: `no-such-program-here` ended with exit status 127",
        "J: the value contains a NUL character",
    ):
        assert f"apps.hello.secrets.{line}" in told
    assert "secrets.K" not in told
    assert "canary-there" not in str(error)


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    source = CommandSource("sleep 300 & echo $! > started; wait", timeout_s=2)
    with pytest.raises(ConfigurationError):
        fetch_secrets({"A": source}, of="apps.hello.secrets", directory=tmp_path)
    started = int((tmp_path / "started").read_text())
    deadline = time.monotonic() + 60
    while _runs(started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(started)


def _runs(process: int) -> bool:
    """Tell whether a process runs; one that has ended is listed until its parent asks for it."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_file_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file")
    (tmp_path / "key").chmod(0o644)
    fetched = fetch_secrets({"A": FileSource("key")}, of="apps.hello.secrets", directory=tmp_path)
    assert fetched.warnings == (
        f"apps.hello.secrets.A: {tmp_path}/key can be read by others (mode 0644); chmod 600 it",
    )


def test_a_fetched_value_is_in_no_argument_list_and_no_output(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from provisioning.secrets import *\n"
        "got = fetch_secrets({'A': EnvSource('A'), 'B': CommandSource('cat key')},"
        " of='x', directory=Path())\n"
        "print(got, REDACTOR(got.values['A'].reveal() + got.values['B'].reveal()))\n"
    )
    (tmp_path / "key").write_text("canary-of-file")
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={
            "A": "canary-of-env",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "canary" not in done.stdout + done.stderr
    assert "******" in done.stdout
