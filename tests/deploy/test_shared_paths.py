"""What survives releases: told as a file or a folder by what git tracks, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deploy.shared_paths import check_shared_paths
from provisioning.errors import ConfigurationError
from tests.roles.samples import HELLO, inventory

TRACKED = ("app.py", "db.sqlite3", "media/.gitkeep", "index.db/.gitkeep")


def _check(folder: Path, keys: str, source: Path) -> None:
    app = inventory(folder, HELLO + keys).apps["hello"]
    check_shared_paths(app, source, TRACKED)


@pytest.mark.parametrize(
    "keys",
    [
        'shared = ["db.sqlite3", "media", "index.db"]',
        'shared = ["instance", "var/uploads"]',
        'shared_files = ["production.sqlite3"]',
    ],
)
def test_what_git_tracks_or_the_inventory_says_is_known(keys: str, tmp_path: Path) -> None:
    _check(tmp_path, keys, tmp_path / "hello")


@pytest.mark.parametrize("path", ["other.sqlite3", "log/app.log", "local"])
def test_what_may_be_either_is_refused_with_both_ways_out(path: str, tmp_path: Path) -> None:
    source = tmp_path / "hello"
    source.mkdir()
    (source / "local").write_text("git does not track it")
    with pytest.raises(ConfigurationError, match=f"`shared` names {path}") as refused:
        _check(tmp_path, f'shared = ["{path}"]', source)
    assert "`shared_files` of [apps.hello]" in refused.value.hint
    assert f"git add -f {path}/.gitkeep" in refused.value.hint


def test_a_container_has_no_files_that_survive(tmp_path: Path) -> None:
    text = '[apps.hello]\nsource = "../hello"\nruntime = "container"\ndomains = ["a.example.com"]\n'
    app = inventory(tmp_path, text + 'shared = ["db.sqlite3"]\n').apps["hello"]
    with pytest.raises(ConfigurationError, match=r"db.sqlite3 in `shared` is a file"):
        check_shared_paths(app, tmp_path, TRACKED)
