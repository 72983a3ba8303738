"""An app's environment: what its programs find in os.environ.

Revisions are immutable files, named by the digest of what they say. A release points at
the one it runs with, so that a rollback gets back the environment too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Callable, Dict, Iterable, Iterator, Mapping, Set
from urllib.parse import quote

from provisioning.agent.apps.releases import Releases
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import AppLayout
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System

SHORT_CHARS, FRAGMENT_CHARS = 4, 8
"""As in provisioning/secrets/redaction.py: shorter values or lines may be common words."""


def quoted(value: str) -> str:
    r"""Return a value as systemd's EnvironmentFile= reads it.

    Source: systemd.exec(5): within double quotes, the characters \ " ` $ are escaped by a
    backslash, and a newline stands for itself.
    """
    for character in '\\"`$':
        value = value.replace(character, "\\" + character)
    return f'"{value}"'


def generated_secrets(system: System, app: str) -> Dict[str, str]:
    """Return the secrets that were made for an app, as this host keeps them."""
    path = AppLayout(app).secrets
    text = system.read(path)
    try:
        secrets: Dict[str, str] = json.loads(text) if text else {}
    except ValueError:
        raise AgentError(
            f"{path} cannot be read as JSON: the file is damaged",
            hint="repair the file or restore it from a backup: without it, every generated "
            "secret would get a new value",
        ) from None
    return secrets


def keep_generated(system: System, app: str, proposed: Mapping[str, str]) -> Dict[str, str]:
    """Keep the secrets that are new here; those that are there already are never replaced."""
    known = generated_secrets(system, app)
    merged = {**proposed, **known}
    if merged != known:
        data = json.dumps(merged, indent=1, sort_keys=True).encode()
        system.write(AppLayout(app).secrets, data, mode="0600")
    return merged


def replace_generated(system: System, app: str, values: Mapping[str, str]) -> None:
    """Replace the stored values of generated secrets."""
    merged = {**generated_secrets(system, app), **values}
    data = json.dumps(merged, indent=1, sort_keys=True).encode()
    system.write(AppLayout(app).secrets, data, mode="0600")


def write_revision(system: System, app: str, values: Mapping[str, str]) -> str:
    """Write a revision of an app's environment, readable by root and the app only.

    Returns:
        The file's path.

    Raises:
        AgentError: a variable would have programs of root's load what is not root's.
    """
    for name, value in values.items():
        refuse_unsafe_loader(name, value)
    text = "".join(f"{name}={quoted(value)}\n" for name, value in sorted(values.items()))
    revision = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = os.path.join(AppLayout(app).env, revision)
    if system.read(path) != text.encode():
        system.write(path, text.encode(), mode="0640", group=app)
    return path


def refuse_unsafe_loader(name: str, value: str) -> None:
    """Refuse a variable by which every program of the app's unit loads code of other users.

    One program there is root's: what takes the socket from a web server that has ended by itself.

    Raises:
        AgentError: it names a place that is not root's alone.
    """
    if not (name.startswith("LD_") or name in ("GCONV_PATH", "LOCPATH")):
        return
    for part in re.split(r"[:;\s]", value):
        is_name_only = bool(part) and "/" not in part and "$" not in part
        is_safe = is_name_only and name != "LD_LIBRARY_PATH"
        if part.startswith("/") and not part.startswith("/srv/") and "$" not in part:
            is_safe = files.is_roots_alone(part)
        if value and not is_safe:
            raise AgentError(
                f"the variable {name} was refused: it points the dynamic loader to "
                f"{part or 'the current directory'!r}, which does not exist or can be changed by "
                "users other than root",
                hint="name a library of a Debian package, such as libjemalloc.so.2, or one below "
                "/usr/local",
                refused=True,
            )


def of_release(system: System, app: str, release: str) -> Dict[str, str]:
    """Return the environment that a release has; empty if it is not there."""
    text = system.read(f"{AppLayout(app).release(release)}/env").decode(errors="replace")
    return _parsed(text)


def masked(system: System, app: str, text: str) -> str:
    """Return what a program of an app printed, without the values of its secrets."""
    return mask_for(system, [app])(text)


def mask_for(system: System, apps: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes the values of apps' secrets out of a text.

    The controller masks what it knows; what was generated long ago only the host knows.
    """
    return mask_of(value for app in apps for value in _secret_values(system, app))


def mask_of(values: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes values out of a text, in whatever form programs print them."""
    forms = {form for value in values for form in _written(value)}
    # Longest first: of two that begin alike, the whole one must be taken.
    expressions = (_expression(form) for form in sorted(forms, key=lambda each: (-len(each), each)))
    pattern = re.compile("|".join(expressions))
    return lambda text: pattern.sub("***", text) if forms else text


def _secret_values(system: System, app: str) -> Set[str]:
    """Return what the secrets of an app's releases are, and were, as far as it lies here."""
    layout, releases, names = AppLayout(app), Releases(app, system), set()
    for release in system.list(layout.releases):
        names.update(releases.manifest(release).get("secrets", ()))
    values = set(generated_secrets(system, app).values())
    for revision in system.list(layout.env):
        variables = _parsed(system.read(f"{layout.env}/{revision}").decode(errors="replace"))
        values.update(variables.get(name, "") for name in names)
    return values


def _written(value: str) -> Iterator[str]:
    """Yield a value as programs print it; a log has a private key line by line."""
    lines = [line for line in value.splitlines() if len(line) >= FRAGMENT_CHARS]
    for each in (value, *lines):
        if each:
            yield from (each, json.dumps(each)[1:-1], repr(each)[1:-1], quote(each, safe=""))


def _expression(form: str) -> str:
    """Return how a value is found: a short one only where it stands alone."""
    alone = len(form) < SHORT_CHARS
    return rf"(?<!\w){re.escape(form)}(?!\w)" if alone else re.escape(form)


def _parsed(text: str) -> Dict[str, str]:
    """Read back what `write_revision` wrote."""
    pairs = re.findall(r'^([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}
