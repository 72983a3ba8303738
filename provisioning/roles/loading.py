"""Read the files of the project that roles need.

The one place of this package that looks at the disk: the files in `roles/` beside the
fabfile, and the certificate of `tls.method = "files"`.
"""

from __future__ import annotations

import ssl
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from provisioning.agent.facts import Facts
from provisioning.errors import ConfigurationError
from provisioning.inventory.inventory import Inventory
from provisioning.inventory.models.host import Host
from provisioning.resources import Resource
from provisioning.secrets import Secret

Role = Callable[[Host, Facts], Iterable[Resource]]
"""What a role is: a host and its facts to the resources it should have."""

FOLDER = "roles"


@dataclass(frozen=True)
class GivenCertificate:
    """A certificate that the person brings.

    Args:
        chain: Certificate and intermediates, as PEM.
        key: Private key, as PEM without a passphrase.
    """

    chain: str
    key: Secret


def load_own_roles(project: Path) -> dict[str, Role]:
    """Return a person's own roles by name: one file each in `roles/` next to the fabfile.

    Args:
        project: The directory of the fabfile.

    Raises:
        ConfigurationError: A file that cannot be loaded, or has no function `role` or of its
            own name.
    """
    files = sorted((project / FOLDER).glob("*.py"))
    return {path.stem: _load(path) for path in files if not path.stem.startswith("_")}


def resources_of(name: str, role: Role, host: Host, facts: Facts) -> list[Resource]:
    """Return the resources of a person's own role for a host.

    Raises:
        ConfigurationError: The role failed, or returned something else than resources.
    """
    try:
        returned = role(host, facts)
        resources = None if returned is None else list(returned)
    except ConfigurationError:
        raise
    except Exception as error:
        file = role.__code__.co_filename if hasattr(role, "__code__") else ""
        where, reason = _where(error, Path(file)), f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"cannot compile the role {name} for {host.name}: {reason} ({where})"
        ) from None
    if resources is None:
        raise ConfigurationError(
            f"cannot compile the role {name} for {host.name}: it returned nothing",
            hint="return a list of resources, or yield them",
        )
    for resource in resources:
        if not isinstance(resource, Resource):
            raise ConfigurationError(
                f"cannot compile the role {name} for {host.name}: it returned "
                f"{type(resource).__name__}, which is not a resource: {resource!r:.60}",
                hint="return a list of resources, such as File(...); see docs/role-guide.md",
            )
    return resources


def read_given_certificate(inventory: Inventory) -> GivenCertificate | None:
    """Return the certificate of `tls.method = "files"`, or None for every other method.

    Raises:
        ConfigurationError: A file is missing, is not PEM, or they do not fit together.
    """
    tls = inventory.tls
    if tls.method != "files" or not tls.certificate or not tls.key:
        return None
    chain, key = inventory.local_path(tls.certificate), inventory.local_path(tls.key)
    texts = []
    for name, path in (("certificate", chain), ("key", key)):
        try:
            texts.append(path.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not PEM"
            raise ConfigurationError(
                f"cannot read tls.{name}: {path}: {reason}",
                hint=f"correct tls.{name} in {inventory.path}; it is relative to that file",
            ) from None
    _check_pair(chain, key)
    return GivenCertificate(texts[0], Secret(texts[1]))


def _check_pair(chain: Path, key: Path) -> None:
    """Refuse what the web server would refuse later."""

    def passphrase() -> str:
        raise ConfigurationError(
            f"cannot use tls.key: {key}: it has a passphrase, which cannot be entered at boot",
            hint="save it without one, for instance with `openssl pkey`",
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password=passphrase)
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        reason = "they do not belong together" if mismatch else "one of them is not PEM"
        raise ConfigurationError(
            f"cannot use tls.certificate {chain} with tls.key {key}: {reason}"
        ) from None


def _load(path: Path) -> Role:
    module = ModuleType(f"homeport_roles_{path.stem}")
    module.__file__ = str(path)
    try:
        code = compile(path.read_bytes(), str(path), "exec")
        # Dataclasses and pickles look their module up by name.
        sys.modules[module.__name__] = module
        exec(code, module.__dict__)  # noqa: S102  # nosec B102 # the person's own code, as in the fabfile
    except SyntaxError as error:
        where = f"{path}:{error.lineno}"
        raise ConfigurationError(
            f"cannot read the role {path.stem}: {error.msg} ({where})"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:
        raise ConfigurationError(
            f"cannot load the role {path.stem}: {type(error).__name__}: {error} "
            f"({_where(error, path)})"
        ) from None
    return _function(path, vars(module))


def _function(path: Path, names: Mapping[str, object]) -> Role:
    for name in (path.stem, "role"):
        found = names.get(name)
        if found is None:
            continue
        if not callable(found):
            raise ConfigurationError(
                f"cannot use the role {path.stem}: {name} in {path} is not a function",
                hint=f"def {name}(host, facts): return [...]",
            )
        return found
    raise ConfigurationError(
        f"cannot use the role {path.stem}: {path} has no function {path.stem} or role",
        hint=f"def {path.stem}(host, facts): return [...]",
    )


def _where(error: Exception, path: Path) -> str:
    """Return the line of the person's own file in which it went wrong, as "file:line"."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)
