"""What the inventory only points to: passwords and files of the person, for the sites of apps."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping

from provisioning.errors import ConfigurationError
from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.app import App
from provisioning.roles.site import Given, Snippet
from provisioning.roles.web_servers import web_server
from provisioning.secrets import Secret, fetch_secrets


def read_given(
    inventory: Inventory, apps: Iterable[App], *, warn: Callable[[str], None]
) -> Mapping[str, Given]:
    """Fetch and read it, and refuse what no web server could use.

    Args:
        inventory: The environment.
        apps: Those for whose hosts a plan is made.
        warn: Is told what a person should know.

    Raises:
        ConfigurationError: A password cannot be had, or not be typed into a browser; a file is
            missing, or has mistakes.
    """
    return {
        app.name: Given(
            _passwords(inventory, app, warn), _snippet(inventory, app), _client_ca(inventory, app)
        )
        for app in apps
    }


def _passwords(inventory: Inventory, app: App, warn: Callable[[str], None]) -> Mapping[str, Secret]:
    where = f"apps.{app.name}.basic_auth"
    fetched = fetch_secrets(app.basic_auth, of=where, directory=inventory.path.parent)
    for warning in fetched.warnings:
        warn(warning)
    for user, password in fetched.values.items():
        text = password.reveal()
        # Browsers differ in how they encode other characters. Source: RFC 7617, 2.1.
        if not (text.isascii() and text.isprintable()):
            raise ConfigurationError(
                f"cannot use the password of {where}.{user}: it has characters besides those "
                "of ASCII, or more than one line",
                hint="browsers encode other characters in different ways; choose another one",
            )
    return fetched.values


def _snippet(inventory: Inventory, app: App) -> Snippet | None:
    if app.snippet is None:
        return None
    made = Snippet(app.snippet, _text(inventory, app, "snippet", app.snippet))
    mistakes = list(web_server(app.web_server).snippet_mistakes(made))
    if mistakes:
        raise ConfigurationError(
            f"cannot use apps.{app.name}.snippet: "
            + ("1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"),
            output="\n".join(mistakes),
            hint=f"correct {inventory.local_path(app.snippet)}; nothing was changed",
        )
    return made


def _client_ca(inventory: Inventory, app: App) -> str:
    if app.client_ca is None:
        return ""
    text = _text(inventory, app, "client_ca", app.client_ca)
    reason = ""
    if "PRIVATE KEY" in text:
        reason = "it has a private key, which must not be on hosts"
    else:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except ssl.SSLError:
            reason = "it holds no certificate as PEM"
    if reason:
        path = inventory.local_path(app.client_ca)
        raise ConfigurationError(
            f"cannot use apps.{app.name}.client_ca: {path}: {reason}",
            hint="give the certificates of the authorities that sign those of visitors, as PEM",
        )
    return text


def _text(inventory: Inventory, app: App, key: str, path: str) -> str:
    try:
        return inventory.local_path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(
            f"cannot read apps.{app.name}.{key}: {inventory.local_path(path)}: {reason}",
            hint=f"correct apps.{app.name}.{key} in {inventory.path}; it is relative to that file",
        ) from None
