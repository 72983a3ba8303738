"""What is shown of all that a refused release has printed."""

from __future__ import annotations

from provisioning.agent.apps.failure_output import LAST_LINES, SHOWN_LINES, telling

CODE = "/srv/hello/releases/20260102T030405.000Z-abc1234/code"

BOOT = ["[147] [INFO] Starting", "[150] [INFO] Booting worker", "[151] [INFO] Booting worker"]
ARBITER = [
    "Traceback (most recent call last):",
    '  File "/srv/hello/venvs/x/lib/server/arbiter.py", line 683, in reap_workers',
    "    raise HaltServer(reason)",
    "server.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>",
    "hello@x.service: Main process exited, code=exited, status=1/FAILURE",
]


def _worker(number: int, words: str, path: str = f"{CODE}/app.py") -> list[str]:
    return [
        f"[{number}] [ERROR] Exception in worker process",
        "Traceback (most recent call last):",
        f'  File "{path}", line 8, in <module>',
        "    raise RuntimeError",
        f"RuntimeError: {words}",
        f"[{number}] [INFO] Worker exiting",
    ]


def test_the_apps_own_traceback_is_shown_and_not_that_of_the_server_that_ends_itself():
    lines = [*BOOT, *_worker(150, "one"), *_worker(151, "two"), *ARBITER]
    shown = telling(lines, CODE).splitlines()
    assert shown[:4] == _worker(151, "two")[1:5]
    assert shown[4:] == lines[-LAST_LINES:][-len(shown[4:]) :]
    assert shown[-1] == ARBITER[-1]


def test_where_no_traceback_is_the_apps_the_first_tells_why():
    lines = [*BOOT, *_worker(150, "no such class", "/usr/lib/server.py"), *ARBITER]
    assert "RuntimeError: no such class" in telling(lines, CODE)


def test_of_a_long_traceback_the_end_is_shown():
    deep = [f'  File "{CODE}/deep.py", line {number}' for number in range(100)]
    lines = ["Traceback (most recent call last):", *deep, "RecursionError: too deep", *BOOT]
    shown = telling(lines, CODE).splitlines()
    assert shown[SHOWN_LINES - 1] == "RecursionError: too deep"
    assert shown[SHOWN_LINES:] == BOOT


def test_another_workers_line_within_a_traceback_does_not_end_it():
    lines = _worker(150, "torn")
    lines.insert(3, "[151] [INFO] Booting worker")
    assert "RuntimeError: torn" in telling([*lines, *["x"] * 50], CODE)


def test_without_a_traceback_the_last_lines_are_shown():
    lines = [f"line {number}" for number in range(100)]
    assert telling(lines, CODE).splitlines() == lines[-SHOWN_LINES:]
    assert telling([], CODE) == ""
