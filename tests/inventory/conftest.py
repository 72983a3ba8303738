from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import Inventory, load

SMALLEST = """
[hosts.web1]

[apps.hello]
source = ".."
wsgi = "app:app"
domains = ["hello.example.com"]
"""


class Inventories:
    """A person's project, in which inventories are written and loaded."""

    smallest = SMALLEST

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, text: str, environment: str = "production") -> Path:
        path = self.directory / "inventory" / f"{environment}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, text: str) -> Inventory:
        self.write(text)
        return load(self.directory, environ={})

    def mistakes(self, text: str) -> list[str]:
        """Return the lines that tell the mistakes, without the file's name."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(text)
        assert caught.value.exit_code == 2
        prefix = "inventory/production.toml:"
        lines = caught.value.output.splitlines()
        assert all(line.startswith(prefix) for line in lines)
        return [line.removeprefix(prefix).strip() for line in lines]

    def app_mistakes(self, keys: str) -> list[str]:
        """Return what is wrong with these keys of an app that is otherwise right."""
        told = self.mistakes(SMALLEST + keys)
        return [line.partition(": apps.hello.")[2] for line in told]


@pytest.fixture
def inventories(tmp_path: Path) -> Inventories:
    return Inventories(tmp_path)


@pytest.fixture
def app_with(inventories: Inventories) -> Callable[[str], object]:
    return lambda keys: inventories.load(SMALLEST + keys).apps["hello"]
