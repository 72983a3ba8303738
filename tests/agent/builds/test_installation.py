"""Which steps install what: that uv carries them out so is seen on real hosts."""

from __future__ import annotations

from typing import Any

import pytest

from provisioning.agent.builds.installation import Installation

UV = "/opt/uv"


def _steps(listing: str, **options: Any) -> list[list[str]]:
    made = Installation("/srv/a/venvs/v", "/usr/bin/python3", UV, listing, **options)
    return [step["argv"] for step in made.steps() if "argv" in step]


def _after(argv: list[str], option: str) -> list[str]:
    return [argv[at + 1] for at, word in enumerate(argv) if word == option]


def test_a_uv_lock_is_synchronised_and_never_resolved() -> None:
    venv, sync = _steps("back/uv.lock")
    assert venv[1] == "venv"
    assert sync[1] == "sync"
    assert {"--frozen", "--no-dev", "--no-editable", "--no-managed-python"} <= set(sync)
    assert _after(sync, "--project") == ["back"]
    assert "--no-install-project" not in sync


def test_extras_groups_and_members_are_those_of_the_inventory() -> None:
    _, sync = _steps("uv.lock", extras=("pg", "s3"), groups=("prod",), member="api",
                     install_project=False)  # fmt: skip
    assert _after(sync, "--extra") == ["pg", "s3"]
    assert _after(sync, "--group") == ["prod"]
    assert _after(sync, "--package") == ["api"]
    assert {"--no-dev", "--no-install-project"} <= set(sync)
    _, sync = _steps("uv.lock", groups=("dev",))
    assert "--no-dev" not in sync


def test_a_mirror_of_the_host_is_asked_first_for_what_it_can_have() -> None:
    """uv asks the places in the lock file itself, which a host behind a mirror may not reach."""
    _, export, install, sync = _steps("uv.lock", has_mirror=True, elsewhere=("mylib", "x"))
    assert {"--frozen", "--no-emit-local", "--no-dev"} <= set(export)
    assert _after(export, "--no-emit-package") == ["mylib", "x"]
    assert "--no-deps" in install
    assert _after(install, "--requirement") == _after(export, "--output-file")
    assert sync[1] == "sync"


def test_requirements_are_installed_without_links_to_where_they_were_built() -> None:
    _, install = _steps("requirements.txt", require_hashes=True)
    assert {"--no-editable", "--require-hashes"} <= set(install)
    assert _after(install, "--requirement") == ["requirements.txt"]
    assert "--no-deps" not in install
    _, install = _steps("requirements.txt", lists_everything=True)
    assert "--no-deps" in install


@pytest.mark.parametrize(
    ("listing", "folder"), [("pyproject.toml", "./."), ("a/pyproject.toml", "./a")]
)
def test_a_project_is_installed_after_what_it_needs(listing: str, folder: str) -> None:
    _, install, itself = _steps(listing, groups=("prod",), extras=("pg",))
    assert _after(install, "--group") == [f"{listing}:prod"]
    assert _after(install, "--extra") == ["pg"]
    assert itself[-1] == folder
    assert "--no-deps" in itself
    assert len(_steps(listing, install_project=False)) == 2


def test_what_the_server_needs_comes_last_and_is_looked_at() -> None:
    made = Installation("/v", "/usr/bin/python3", UV, "uv.lock", extra={"gunicorn": "gunicorn==27"},
                        oldest={"gunicorn": "21"}).steps()  # fmt: skip
    assert made[-2]["lacking"] == {"gunicorn": "gunicorn==27"}
    assert made[-1] == {"oldest": {"gunicorn": "21"}}
