"""A Python virtual environment, built once and never modified."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Iterable, List, Mapping, Tuple

from provisioning.agent import layout
from provisioning.agent.apps.runtimes.virtualenv import lost
from provisioning.agent.apps.trusted import must_be_roots
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.builds.build import Build, BuildFailedError, cache_of, refused_hosts
from provisioning.agent.builds.index import CONFIGURATIONS, allowed_hosts
from provisioning.agent.builds.takeover import Built
from provisioning.agent.claims import PATH, Claim
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files as fs
from provisioning.agent.machine.system import System
from provisioning.agent.ownership.things import APPS
from provisioning.agent.resource import Change, Resource, State, normalise

REQUIREMENTS = "requirements"
"""File in a virtualenv with the requirements that it was made from, for people."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle: uv has its own, which lacks a company's authority."""


@dataclass(frozen=True)
class Virtualenv(Resource):
    """Have a virtual environment with these requirements.

    Packages run code of theirs while they are built, so that happens in a sandbox, as a user of
    the moment (see agent/builds). What comes of it is copied, checked, and becomes root's.
    `.ready`, written last, holds the digest of what it was made from.

    Args:
        path: Absolute.
        owner: The app whose it is; "" for Homeport's own.
        files: Name -> content of the requirements and of files that they include.
        listing: Which of the files to begin with: a requirements file, pylock.toml, or
            uv.lock (with pyproject.toml beside it).
        require_hashes: Refuse packages whose hash the requirements do not name.
        extra: Distribution -> its requirement with hashes, one line; what of these the environment
            lacks after all else is added, such as the server. Of distributions with "|" between
            them any one will do.
        hosts: "name" or "name:port" that the build may reach besides the package index.
        fresh: Believe nothing that earlier builds have downloaded.
        python: Interpreter to build it with; root's.
        uv: The uv program; "" builds with venv and pip, as for uv itself.
    """

    kind: ClassVar[str] = "virtualenv"

    path: str
    files: Mapping[str, Content]
    owner: str = ""
    listing: str = "requirements.txt"
    require_hashes: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    hosts: Tuple[str, ...] = ()
    fresh: bool = False
    python: str = "/usr/bin/python3"
    uv: str = layout.UV + "/bin/uv"

    def __post_init__(self) -> None:
        normalise(
            self,
            files={name: as_blob(each) for name, each in self.files.items()},
            extra=dict(self.extra),
            hosts=tuple(self.hosts),
        )

    @property
    def name(self) -> str:
        return self.path

    @property
    def _recipe(self) -> str:
        files = (f"{name} {as_blob(each).digest}" for name, each in sorted(self.files.items()))
        extra = (f"{name} {line}" for name, line in sorted(self.extra.items()))
        parts = (*files, self.listing, *extra, self.python)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def blobs(self) -> Iterable[Blob]:
        return [as_blob(each) for each in self.files.values()]

    def missing(self, system: System) -> Iterable[Blob]:
        return () if self.actual(system) == self.desired() else self.blobs()

    def claims(self) -> Iterable[Claim]:
        # Those of releases come and go below /srv/<app>, which is Homeport's as a whole.
        return () if self.path.startswith(APPS + "/") else (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        ready = system.read(os.path.join(self.path, layout.READY)).decode(errors="replace")
        # Under the same name there may be another Python by now.
        is_of_use = not lost(self.path, system)
        return {"ready": (ready.strip() or None) if is_of_use else None}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            system.remove(self.path)
            system.write(os.path.join(self.path, layout.READY), self._recipe.encode())
            return
        must_be_roots(self.python, "the interpreter of the virtualenv")
        part = self.path + layout.PART
        build = Build(self.path, self.owner, tuple(self._hosts(system)), self._environment(system))
        for leftover in (part, self.path):
            system.remove(leftover)
        # Where the sandbox shows what is built.
        system.make_directory(self.path)
        build.begin(system, fresh=self.fresh)
        try:
            system.say("building " + self.path)
            self._run(system, build)
            Built(build.result, self.path, self.python).take_over(part)
        except (AgentError, OSError):
            # What is left of it is of no use, and on a full disk in the way.
            system.remove(part)
            system.remove(self.path)
            raise
        finally:
            build.clean(system)
        os.sync()
        system.write(os.path.join(part, layout.READY), self._recipe.encode())
        system.remove(self.path)
        fs.rename(part, self.path)
        fs.sync(os.path.dirname(self.path))

    def _hosts(self, system: System) -> List[str]:
        texts = [
            system.content(as_blob(each)).decode(errors="replace") for each in self.files.values()
        ]
        configurations = [system.read(path).decode(errors="replace") for path in CONFIGURATIONS]
        more = [(each if ":" in each else f"{each}:443").lower() for each in self.hosts]
        return [*allowed_hosts([*texts, *configurations]), *more]

    def _run(self, system: System, build: Build) -> None:
        listing = self._listing(system)
        steps = self._steps_with_uv(listing) if self.uv else self._steps_with_pip(listing)
        try:
            build.run(system, steps)
        except BuildFailedError as error:
            raise AgentError(
                error.message,
                hint=refused_hosts(error.refused_hosts) or _hint(error.output),
                output=error.output,
                refused=True,
            ) from None

    def _listing(self, system: System) -> Dict[str, str]:
        """Return the requirements as a step writes them: path below the environment -> text."""
        return {
            # In whatever encoding it is: the bytes come back as they are.
            os.path.join(REQUIREMENTS, name): system.content(as_blob(each)).decode(
                "utf-8", "surrogateescape"
            )
            for name, each in self.files.items()
        }

    def _steps_with_pip(self, listing: Mapping[str, str]) -> List[Dict[str, Any]]:
        pip = [self._interpreter, "-m", "pip", "install", "--quiet", "--no-input",
               "--disable-pip-version-check", "--no-compile", "--require-hashes"]  # fmt: skip
        return [
            {"argv": [self.python, "-m", "venv", self.path]},
            {"files": listing},
            {"argv": [*pip, "--requirement", self._begin_with]},
        ]

    def _steps_with_uv(self, listing: Mapping[str, str]) -> List[Dict[str, Any]]:
        venv = [self.uv, "venv", "--quiet", "--allow-existing", "--python", self.python, self.path]
        steps: List[Dict[str, Any]] = [{"argv": venv}, {"files": listing}]
        begin_with = self._begin_with
        if self.listing.endswith("uv.lock"):
            begin_with = os.path.join(self.path, "exported.txt")
            steps.append({"argv": self._export(begin_with)})
        install = [self.uv, "pip", "install", "--quiet", "--compile-bytecode", "--python",
                   self._interpreter]  # fmt: skip
        hashes = ["--require-hashes"] if self.require_hashes else []
        steps.append({"argv": [*install, *hashes, "--requirement", begin_with]})
        if self.extra:
            extra = os.path.join(self.path, "homeport.txt")
            steps.append({
                "lacking": dict(self.extra),
                "requirements": extra,
                "argv": [*install, "--require-hashes", "--no-deps", "--requirement", extra],
            })  # fmt: skip
        return steps

    def _export(self, exported: str) -> List[str]:
        """Turn uv.lock into requirements with hashes; the project itself is code, not a package."""
        return [self.uv, "export", "--quiet", "--frozen", "--no-dev", "--no-emit-project",
                "--project", os.path.dirname(self._begin_with), "--python", self.python,
                "--output-file", exported]  # fmt: skip

    @property
    def _interpreter(self) -> str:
        return os.path.join(self.path, "bin", "python")

    @property
    def _begin_with(self) -> str:
        return os.path.join(self.path, REQUIREMENTS, self.listing)

    def _environment(self, system: System) -> Dict[str, str]:
        cache = cache_of(self.owner)
        environment = {
            "UV_CACHE_DIR": os.path.join(cache, "uv"),
            # The environment is another file system's for all that uv knows.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "PIP_CACHE_DIR": os.path.join(cache, "pip"),
        }
        if system.stat(CERTIFICATES):
            environment["SSL_CERT_FILE"] = CERTIFICATES
        return environment


def _hint(output: str) -> str:
    """Say what to do about the usual reasons."""
    lowered = output.lower()
    if "no solution found" in lowered or "no matching distribution" in lowered:
        return (
            "correct the requirements so that they can be met together, then deploy again; if "
            "they already can, the host uses a server that is not a package index "
            "(/etc/uv/uv.toml there)"
        )
    if any(word in lowered for word in ("failed to fetch", "dns error", "connection", "timed out")):
        return (
            "the host cannot reach the package index, or what answers is not one: check the "
            "host's network or proxy, and the index"
        )
    if "hash" in lowered:
        return "regenerate the lock file: it lacks the hash of a file that the index serves"
    if any(word in lowered for word in ("gcc", "compiler", "python.h", "pg_config")):
        return (
            "a package must be compiled: add the Debian packages that it needs to the app's "
            "`packages`"
        )
    return ""
