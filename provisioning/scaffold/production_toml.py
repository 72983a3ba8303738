"""Write the inventory that a person starts from."""

from __future__ import annotations

import json

from provisioning.scaffold.app_guess import AppGuess
from provisioning.scaffold.project_guess import ProjectGuess

_HEAD = """\
#:schema ./schema.json
#
# The production environment: what `fab provision` and `fab deploy` act on.
# Correct the lines marked "<- yours". example.toml, next to this file, explains every key.

[hosts.web1]
address = "203.0.113.10"                # <- yours: IP address or DNS name
user = "root"                           # <- yours: root, or any user with sudo

"""

_TLS = """
[tls]
method = "acme"                         # certificates from Let's Encrypt
# email = "you@example.com"             # <- yours, if it may contact you
# directory_url = "staging"             # for trying out: not trusted, but without tight limits
"""

_HEALTH = "answers 200 when the app can serve"
_NO_HEALTH = "<- yours: none was found; a path that answers 200"

_CONTAINER = [
    'runtime = "container"                   # the host builds an image from ./Dockerfile',
    "# build_hosts = [...]                   # <- yours: where its base image comes from; a deploy",
    "                                        # that needs more hosts than these names them",
]


def production_toml(found: ProjectGuess, *, container: bool = False) -> str:
    """Return the text of inventory/production.toml; it loads without mistakes as it is.

    Args:
        found: What was found of the project.
        container: The app runs in a container.
    """
    lines = [
        "[project]",
        _line("name", found.name, "distinguishes it from other projects on the same host"),
        "",
        f"[apps.{found.name}]",
        'source = ".."                           # this repository; what git tracks is deployed',
        *(_CONTAINER if container else _in_virtualenv(found)),
        _line("domains", [f"{found.name}.example.com"], "<- yours: the main one first"),
        _line("health", found.health or "/", _HEALTH if found.health else _NO_HEALTH),
    ]
    if found.static:
        url, folder = found.static
        lines.append(f"static = {{ {_toml(url)} = {_toml(folder)} }}")
    lines.append(_line("shared", list(found.shared), "folders that survive releases, writable"))
    if found.build and not container:
        lines.append(_line("build", list(found.build), "on each host, before it goes live"))
    if found.migrate:
        lines.append(_line("migrate", found.migrate, "once per deploy, before going live"))
    lines += [
        _line("csp", "report-only", '"strict" once the browser\'s console shows no reports'),
        "",
        f"[apps.{found.name}.env]",
        *_env(found),
        "",
        f"[apps.{found.name}.secrets]",
        *_keys(found),
    ]
    if found.secrets:
        lines.append("# The app seems to read these too:")
    lines += [f"# {name} = {{ env = {_toml(name)} }}" for name in found.secrets]
    if found.processes:
        lines += ["", f"[apps.{found.name}.processes]"]
        lines += [_line(name, command, "") for name, command in found.processes.items()]
    return _HEAD + "\n".join(lines) + "\n" + _TLS


def _env(found: ProjectGuess) -> list[str]:
    lines = [_line(name, value, "") for name, value in found.env.items()]
    return lines or ['# LOG_LEVEL = "info"']


def _keys(found: ProjectGuess) -> list[str]:
    """Return the lines of keys that are made on the host."""
    why = "# random, made once, the same on all hosts"
    if not found.keys:
        return [f"# SECRET_KEY = {{ generate = 32 }}        {why}: the app was not seen to read it"]
    return [f"{f'{name} = {{ generate = 32 }}':<39} {why}" for name in found.keys]


def _in_virtualenv(found: ProjectGuess) -> list[str]:
    missing = f"<- yours: run `{found.export}`" if found.export else "<- yours: none was found"
    comment = "" if found.requirements else missing
    requirements = _line("requirements", found.requirements or "requirements.txt", comment)
    return [*_served(found.app), requirements]


def _served(app: AppGuess | None) -> list[str]:
    """Return the line that names the app, and how to name the other one where there are two."""
    if app is None:
        return [_line("wsgi", "app:app", "<- yours: module:name; asgi = ... for an ASGI app")]
    lines = [_line(app.interface, app.entry_point, "")]
    if app.instead:
        other = app.instead
        lines.append(_line(f"# {other.interface}", other.entry_point, "in place of the line above"))
    return lines


def _line(key: str, value: str | list[str], comment: str) -> str:
    text = f"{key} = {_toml(value)}"
    return f"{text:<39} # {comment}" if comment else text


def _toml(value: str | list[str]) -> str:
    # For plain texts and lists of them, JSON and TOML are written alike.
    return json.dumps(value, ensure_ascii=False)
