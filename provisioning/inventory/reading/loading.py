"""Read an inventory, and report every mistake in it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from provisioning.errors import ConfigurationError
from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.app import App
from provisioning.inventory.models.app_servers import APP_SERVERS, ServerSettings
from provisioning.inventory.models.base import Model
from provisioning.inventory.models.host import Host, Ssh
from provisioning.inventory.models.project import Project
from provisioning.inventory.models.tls import Tls
from provisioning.inventory.reading.checks import app_mistakes, host_mistakes
from provisioning.inventory.reading.environment import inventory_path
from provisioning.inventory.reading.problems import Mistake, dotted, from_validation, unknown_key
from provisioning.inventory.reading.tls_checks import tls_mistakes
from provisioning.inventory.reading.toml_lines import KeyPath, key_lines, line_of

M = TypeVar("M", bound=Model)

# How the tables are written, for a key that stands in the wrong one.
_TABLES: dict[str, type[Model]] = {
    "[hosts.<name>]": Host,
    "[apps.<name>]": App,
    "[tls]": Tls,
    "[ssh]": Ssh,
    "[project]": Project,
}
_TOP = ("hosts", "apps", "tls", "ssh", "project")


@cache
def _elsewhere() -> dict[str, str]:
    """Return keys and the table that has them; asked only where a key is in none of its own."""
    servers = ((f"[apps.<name>.{each}]", APP_SERVERS[each]) for each in APP_SERVERS)
    tables = [*_TABLES.items(), *servers]
    return {key: table for table, model in reversed(tables) for key in model.key_names()}


def load(
    directory: Path,
    environment: str | None,
    *,
    environ: Mapping[str, str] | None,
) -> Inventory:
    """Read the inventory of an environment; see `provisioning.inventory.load`."""
    path = inventory_path(directory, environment, environ)
    shown = path.relative_to(directory)
    text = _text(path, shown)
    reading = _Reading(_parsed(text, shown))
    inventory = Inventory(
        environment=path.stem,
        path=path,
        hosts=reading.each("hosts", Host),
        apps=reading.apps(),
        tls=reading.one("tls", Tls),
        ssh=reading.one("ssh", Ssh),
        project=reading.one("project", Project).name or directory.resolve().name,
    )
    reading.unknown_tables()
    mistakes = [
        *reading.mistakes,
        *host_mistakes(inventory.hosts, directory / "roles"),
        *app_mistakes(inventory.apps, inventory.hosts, reading.host_names()),
        *tls_mistakes(
            inventory.tls, inventory.apps if reading.is_right("tls") else {}, inventory.hosts
        ),
    ]
    if mistakes:
        raise _refusal(shown, mistakes, text)
    return inventory


class _Reading:
    """The tables of a file, made into models one by one, so that one mistake hides no other."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.mistakes: list[Mistake] = []
        if not raw.get("hosts"):
            self.mistakes.append(Mistake((), "there is no host: a table [hosts.<name>] is missing"))

    def each(self, key: str, model: type[M]) -> dict[str, M]:
        """Return the models of `[key.<name>]` that are right, by name."""
        models: dict[str, M] = {}
        for name, table in self._table((key,), self.raw.get(key, {})).items():
            made = self._made((key, name), model, table, name=name)
            if made is not None:
                models[name] = made
        return models

    def apps(self) -> dict[str, App]:
        """Return the apps that are right, each with the table of its app server."""
        models: dict[str, App] = {}
        for name, given in self._table(("apps",), self.raw.get("apps", {})).items():
            path = ("apps", name)
            table = self._table(path, given)
            if table is not given:
                continue
            server = table.get("server", App.model_fields["server"].default)
            self.mistakes += [
                Mistake((*path, each), f"belongs to another app server: this app uses {server}")
                for each in APP_SERVERS
                if each in table and each != server
            ]
            model = APP_SERVERS.get(server) if isinstance(server, str) else None
            settings = model and self._settings((*path, server), model, table.get(server, {}))
            rest = {key: value for key, value in table.items() if key not in APP_SERVERS}
            made = self._made(path, App, rest, name=name, settings=settings)
            if made is not None:
                models[name] = made
        return models

    def _settings(
        self, path: KeyPath, model: type[ServerSettings], given: object
    ) -> ServerSettings | None:
        table = self._table(path, given)
        refused = {key: why for key in table if (why := model.why_refused(key))}
        for key, why in refused.items():
            self.mistakes.append(Mistake((*path, key), f"cannot be set: {why}"))
        rest = {key: value for key, value in table.items() if key not in refused}
        return self._made(path, model, rest)

    def one(self, key: str, model: type[M]) -> M:
        """Return the model of `[key]`, or that of an empty table where it has mistakes."""
        made = self._made((key,), model, self.raw.get(key, {}))
        return made or model()

    def is_right(self, key: str) -> bool:
        """Tell whether a table of the file has no mistake so far."""
        return all(mistake.path[:1] != (key,) for mistake in self.mistakes)

    def unknown_tables(self) -> None:
        """Note the keys outside of all tables."""
        for key in self.raw:
            if key not in _TOP:
                self.mistakes.append(Mistake((key,), unknown_key(key, _TOP, _elsewhere())))

    def host_names(self) -> frozenset[str]:
        """Return the names of all hosts and groups, also of hosts that have mistakes."""
        hosts = self.raw.get("hosts", {})
        names: set[str] = set()
        for name, table in hosts.items() if isinstance(hosts, dict) else ():
            groups = table.get("groups", ()) if isinstance(table, dict) else ()
            names |= {name, *(g for g in groups if isinstance(g, str))}
        return frozenset(names)

    def _made(self, path: KeyPath, model: type[M], given: object, **more: object) -> M | None:
        table = self._table(path, given)
        known = model.key_names() - more.keys()
        if model is App:
            known |= APP_SERVERS.keys()
        for key in more.keys() & table.keys():
            self.mistakes.append(Mistake((*path, key), unknown_key(key, known, {})))
        if table is not given:
            return None
        try:
            return model.model_validate({**table, **more})
        except ValidationError as error:
            self.mistakes += from_validation(error, path, known, _elsewhere())
            return _remainder(model, {**table, **more}, error)

    def _table(self, path: KeyPath, given: object) -> dict[str, Any]:
        if isinstance(given, dict):
            return given
        self.mistakes.append(Mistake(path, f"must be a table: [{dotted(path)}]"))
        return {}


def _remainder(model: type[M], given: dict[str, Any], error: ValidationError) -> M | None:
    """Return the model of the keys that are right, so that these too are checked at once.

    It never leaves this module: the mistakes are told instead.
    """
    wrong = {detail["loc"][0] for detail in error.errors(include_url=False)}
    right = {key: value for key, value in given.items() if key not in wrong}
    # Stands for what is missing, and contradicts nothing.
    stand_ins = {
        "source": ".",
        "wsgi": "app:app",
        "asgi": "app:app",
        "domains": [f"{given.get('name')}.invalid"],
    }
    needed = {
        key: value for key, value in stand_ins.items() if key in wrong & model.model_fields.keys()
    }
    try:
        return model.model_validate({**needed, **right})
    except ValidationError:
        return None


def _text(path: Path, shown: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {shown}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"cannot read {shown}:{line}: it is not UTF-8 text") from None


def _parsed(text: str, shown: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error))
        what = str(error).removesuffix(place.group()) if place else str(error)
        line = place.group(1) if place and place.group(1) else str(text.count("\n") + 1)
        raise ConfigurationError(
            f"cannot read {shown}:{line}: it is not valid TOML: {what}",
            output=text.splitlines()[int(line) - 1] if text.strip() else "",
        ) from None


def _refusal(shown: Path, mistakes: list[Mistake], text: str) -> ConfigurationError:
    """Return the one error that tells every mistake, in the order of the file."""
    lines = key_lines(text)
    told: list[tuple[int, str]] = []
    for mistake in mistakes:
        line = line_of(mistake.path, lines)
        place = f"{shown}:{line}" if line else f"{shown}"
        key = f"{dotted(mistake.path)}: " if mistake.path else ""
        told.append((line or 0, f"{place}: {key}{mistake.text}"))
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return ConfigurationError(
        f"cannot use {shown}: {count}",
        output="\n".join(text for _, text in sorted(told, key=lambda each: each[0])),
        hint="every key is explained in inventory/example.toml; `fab schema` prints a schema for "
        "editors",
    )
