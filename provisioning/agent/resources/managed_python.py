"""A Python that Debian does not have, downloaded by uv, and never modified."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterable, List, Mapping

from provisioning.agent import layout
from provisioning.agent.apps.environment import mask_of
from provisioning.agent.apps.staging import Staging
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.builds.build import Build, BuildFailedError, cache_of, staged
from provisioning.agent.builds.hints import hint_for_python, refused_hosts
from provisioning.agent.builds.index import CERTIFICATES, allowed_hosts
from provisioning.agent.builds.once import building, recipe_of
from provisioning.agent.builds.python_takeover import Downloaded
from provisioning.agent.builds.sandbox import STAGED
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise

MIRROR = "UV_PYTHON_INSTALL_MIRROR"
"""Variable with the URL of a mirror. Source: uv's "Environment variables"."""

SOURCES = (
    "releases.astral.sh:443",
    "github.com:443",
    "release-assets.githubusercontent.com:443",
    "objects.githubusercontent.com:443",
)
"""From where uv downloads a Python by itself. Source: `uv python list --show-urls`; GitHub leads
to the others from its releases."""

DOWNLOADS = "downloads.json"


@dataclass(frozen=True)
class ManagedPython(Resource):
    """Have a Python of uv's below `/opt/homeport`, for apps to share: root's, read-only to them.

    uv compares what it downloads with a SHA-256: its own, or that of `downloads`. It does so in the
    sandbox of builds, as a user of the moment; root takes over a checked copy.

    Args:
        path: Absolute: `python3.<n>` in it is the program.
        version: "3.12": the newest of these that uv knows; or "3.12.4".
        mirror: URL from where it comes in place of uv's own source; "" for that.
        downloads: JSON: the Pythons to choose from, each with its SHA-256; "" for uv's own list.
        secrets: Secret JSON: variables for uv; that of a mirror comes before `mirror`.
        uv: The uv program.
    """

    kind: ClassVar[str] = "managed-python"

    path: str
    version: str
    mirror: str = ""
    downloads: Content = ""
    secrets: Content = "{}"
    uv: str = layout.UV + "/bin/uv"

    def __post_init__(self) -> None:
        normalise(
            self, downloads=as_blob(self.downloads), secrets=as_blob(self.secrets, secret=True)
        )

    @property
    def name(self) -> str:
        return self.path

    @property
    def _recipe(self) -> str:
        parts = (self.version, as_blob(self.downloads).digest)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def blobs(self) -> Iterable[Blob]:
        return (as_blob(self.downloads), as_blob(self.secrets))

    def missing(self, system: System) -> Iterable[Blob]:
        return () if self.actual(system) == self.desired() else self.blobs()

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        return {"ready": recipe_of(self.path, system)}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            system.write(os.path.join(self.path, layout.READY), self._recipe.encode())
            return
        secrets = self._secrets(system)
        build = Build(
            self.path, "", tuple(self._hosts(system, secrets)), self._environment(system), secrets
        )
        with building(build, self._recipe, system) as part:
            system.say(f"downloading Python {self.version}")
            Staging("", self._files(system)).lay_out(staged(), system)
            self._run(system, build)
            Downloaded(build.result, self.path, self.version).take_over(part)

    def _files(self, system: System) -> Mapping[str, Blob]:
        listed = as_blob(self.downloads)
        return {DOWNLOADS: listed} if system.content(listed) else {}

    def _secrets(self, system: System) -> Dict[str, str]:
        found: Dict[str, str] = json.loads(system.content(as_blob(self.secrets)))
        return found

    def _hosts(self, system: System, secrets: Mapping[str, str]) -> List[str]:
        listed = system.content(as_blob(self.downloads)).decode()
        named = allowed_hosts([listed, secrets.get(MIRROR, self.mirror)], is_locked=True)
        return named or list(SOURCES)

    def _environment(self, system: System) -> Dict[str, str]:
        environment = {
            "UV_CACHE_DIR": os.path.join(cache_of(""), "uv"),
            "UV_NO_PROGRESS": "1",
            # That of the host may list Pythons without a hash.
            "UV_NO_CONFIG": "1",
        }
        if system.stat(CERTIFICATES):
            environment["SSL_CERT_FILE"] = CERTIFICATES
        if self.mirror and MIRROR not in self._secrets(system):
            environment[MIRROR] = self.mirror
        return environment

    def _run(self, system: System, build: Build) -> None:
        argv = [self.uv, "python", "install", "--no-bin", "--compile-bytecode", "--install-dir",
                self.path]  # fmt: skip
        if self._files(system):
            argv += ["--python-downloads-json-url", os.path.join(STAGED, DOWNLOADS)]
        try:
            build.run(system, [{"argv": [*argv, f"cpython-{self.version}"]}])
        except BuildFailedError as error:
            output = mask_of(build.secrets.values())(error.output)
            raise AgentError(
                f"cannot install Python {self.version}",
                hint=refused_hosts(error.refused_hosts) or hint_for_python(output, self.version),
                output=output,
                refused=True,
            ) from None
