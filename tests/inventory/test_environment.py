from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import environments, inventory_path


def with_environments(directory: Path, *names: str) -> Path:
    (directory / "inventory").mkdir()
    for name in names:
        (directory / "inventory" / f"{name}.toml").touch()
    return directory


def chosen(directory: Path, environment: str | None = None, variable: str | None = None) -> str:
    environ = {} if variable is None else {"HOMEPORT_ENV": variable}
    return inventory_path(directory, environment, environ).stem


def test_the_environment_is_the_argument_else_the_variable_else_production(tmp_path: Path) -> None:
    with_environments(tmp_path, "lab", "production", "staging")
    assert chosen(tmp_path, "staging", "lab") == "staging"
    assert chosen(tmp_path, None, "lab") == "lab"
    assert chosen(tmp_path, None, "") == "production"
    assert chosen(tmp_path) == "production"


def test_the_only_environment_is_chosen_and_the_example_is_none(tmp_path: Path) -> None:
    with_environments(tmp_path, "example", "lab")
    assert environments(tmp_path) == ("lab",)
    assert chosen(tmp_path) == "lab"
    assert chosen(tmp_path, "example") == "example"


def test_several_environments_without_production_must_be_named(tmp_path: Path) -> None:
    with_environments(tmp_path, "lab", "staging")
    with pytest.raises(ConfigurationError, match="lab, staging") as caught:
        chosen(tmp_path)
    assert "--env" in caught.value.hint
    assert "HOMEPORT_ENV" in caught.value.hint


def test_a_project_without_an_inventory_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no inventory/") as caught:
        chosen(tmp_path)
    assert caught.value.hint == "fab init"


@pytest.mark.parametrize(("environment", "by"), [("stagin", "--env"), (None, "HOMEPORT_ENV")])
def test_an_unknown_environment_names_the_nearest(
    tmp_path: Path, environment: str | None, by: str
) -> None:
    with_environments(tmp_path, "lab", "production", "staging")
    with pytest.raises(ConfigurationError, match="did you mean staging") as caught:
        chosen(tmp_path, environment, "stagin")
    assert by in caught.value.message


@pytest.mark.parametrize("name", ["../inventory/lab", "/etc/passwd", ".", "a/b", "lab.toml"])
def test_an_environment_is_a_name_and_never_a_path(tmp_path: Path, name: str) -> None:
    with_environments(tmp_path, "lab")
    with pytest.raises(ConfigurationError, match="cannot use the environment"):
        chosen(tmp_path, name)
