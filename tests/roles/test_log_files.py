"""Log files below shared folders: bounded by the app itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.deploy.steps import process_check
from provisioning.errors import ConfigurationError
from provisioning.roles import release_settings, release_units, sandbox_properties
from tests.roles.samples import BOOKWORM, HELLO, inventory

RELEASE = "20260102T030405.000Z-abc1234"
KEYS = """
shared = ["instance", "data"]
log_files = ["instance/logs/*.log", "data/jobs.log"]
log_files_max = "1m"
log_files_kept = 2
"""


def test_the_app_itself_rotates_them_in_its_sandbox(tmp_path: Path) -> None:
    app = inventory(tmp_path, HELLO + KEYS).apps["hello"]
    units = release_units(app, BOOKWORM, RELEASE)
    assert "OnCalendar=*:0/10\n" in units["hello.log-files.timer"]
    lines = units["hello.log-files.service"].splitlines()
    assert set(sandbox_properties(app, BOOKWORM)) <= set(lines)
    settings = f"/srv/hello/releases/{RELEASE}/logrotate.conf"
    start = f'ExecStart="/usr/sbin/logrotate" "--state" "/srv/hello/home/.logrotate" "{settings}"'
    assert start in lines
    checked = process_check(app, RELEASE, known=True).programs
    assert checked == {"timer log-files": "/usr/sbin/logrotate"}


def test_nothing_of_it_is_there_without_log_files(tmp_path: Path) -> None:
    app = inventory(tmp_path, HELLO).apps["hello"]
    assert not [name for name in release_units(app, BOOKWORM, RELEASE) if "log" in name]
    assert list(release_settings(app, BOOKWORM, RELEASE)) == ["server.py"]


@pytest.mark.skipif(not shutil.which("logrotate"), reason="needs logrotate")
def test_a_file_that_has_grown_begins_anew_and_few_are_kept(tmp_path: Path) -> None:
    app = inventory(tmp_path, HELLO + KEYS).apps["hello"]
    text = release_settings(app, BOOKWORM, RELEASE)["logrotate.conf"]
    logs = tmp_path / "shared" / "instance" / "logs"
    logs.mkdir(parents=True)
    settings = tmp_path / "logrotate.conf"
    settings.write_text(text.replace("/srv/hello/shared", str(tmp_path / "shared")))
    settings.chmod(0o644)
    small = logs / "small.log"
    small.write_text("x")
    with (logs / "app.log").open("a") as log:
        for _ in range(4):
            log.write("x" * (2 << 20))
            log.flush()
            argv = ["logrotate", "--state", str(tmp_path / "state"), str(settings)]
            subprocess.run(argv, check=True)
        log.write("goes on")
    found = {path.name: path.stat().st_size for path in logs.iterdir()}
    assert sorted(found) == ["app.log", "app.log.1.gz", "app.log.2.gz", "small.log"]
    assert found["app.log"] == len("goes on")
    assert found["small.log"] == 1


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ('log_files = ["logs/a.log"]', '"logs/a.log" is in no folder of `shared`'),
        ('log_files = ["/var/log/a.log"]', "a path below a shared folder"),
        ('log_files = ["a/../b.log"]', "a path below a shared folder"),
        ('log_files = ["a/*"]', "with no * at its end"),
        ('log_files = ["a/b c.log"]', "a path below a shared folder"),
        ('log_files = ["a/b{.log"]', "a path below a shared folder"),
        ("log_files_kept = 3", "has no effect without log_files"),
        (
            'shared = ["a"]\nlog_files = ["a/b.log"]\n'
            'timers = { log-files = { run = "x", at = "03:00" } }',
            "the name of the timer that log_files makes",
        ),
    ],
)
def test_what_could_not_be_bounded_is_a_mistake(keys: str, mistake: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        inventory(tmp_path, HELLO + keys + "\n")
    assert mistake in refused.value.output
