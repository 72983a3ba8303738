"""A Python virtual environment, built once and never modified."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterable, List, Mapping

from provisioning.agent import layout
from provisioning.agent.errors import AgentError
from provisioning.agent.resource import (
    Blob,
    Change,
    Content,
    Resource,
    State,
    as_blob,
    normalise,
)
from provisioning.agent.system import System

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's bundle: uv brings its own, which does not know a company's authority."""


@dataclass(frozen=True)
class Virtualenv(Resource):
    """Have a virtual environment with these requirements.

    An unprivileged user builds it, since a package's build step is untrusted code; then it
    becomes root's. `.ready`, written last, holds the digest of what it was made from: one
    that lacks it was cut off and is built anew.

    Args:
        path: Absolute.
        files: Name -> content of the requirements and of files that they include.
        listing: Which of the files to begin with: a requirements file, pylock.toml, or
            uv.lock (with pyproject.toml beside it).
        require_hashes: Refuse packages whose hash the requirements do not name.
        extra: Requirements added unless the environment has the package, e.g. the server.
        python: Interpreter to build it with.
        uv: The uv program; "" builds with venv and pip, as for uv itself.
    """

    kind: ClassVar[str] = "virtualenv"

    path: str
    files: Mapping[str, Content]
    listing: str = "requirements.txt"
    require_hashes: bool = False
    extra: str = ""
    python: str = "/usr/bin/python3"
    uv: str = layout.UV + "/bin/uv"

    def __post_init__(self) -> None:
        normalise(self, files={name: as_blob(each) for name, each in self.files.items()})

    @property
    def name(self) -> str:
        return self.path

    @property
    def _recipe(self) -> str:
        files = (f"{name} {as_blob(each).digest}" for name, each in sorted(self.files.items()))
        parts = (*files, self.listing, self.extra, self.python)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def blobs(self) -> Iterable[Blob]:
        return [as_blob(each) for each in self.files.values()]

    def missing(self, system: System) -> Iterable[Blob]:
        return () if self.actual(system) == self.desired() else self.blobs()

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        ready = system.read(os.path.join(self.path, layout.READY)).decode(errors="replace")
        return {"ready": ready.strip() or None}

    def apply(self, system: System, change: Change) -> None:
        ready = os.path.join(self.path, layout.READY)
        if not system.dry:
            # A build whose agent was killed may still be at work in there.
            system.end_processes(layout.BUILDER)
        system.remove(self.path)
        if system.dry:
            system.write(ready, self._recipe.encode())
            return
        try:
            self._build(system)
        except (AgentError, OSError):
            # What is left of it is of no use, and on a full disk in the way.
            system.remove(self.path)
            raise
        os.sync()
        system.write(ready, self._recipe.encode())

    def _build(self, system: System) -> None:
        system.make_directory(layout.BUILD_CACHE, mode="0700", owner=layout.BUILDER,
                              group=layout.BUILDER)  # fmt: skip
        system.make_directory(self.path, owner=layout.BUILDER, group=layout.BUILDER)
        system.say("building " + self.path)
        if self.uv:
            self._build_with_uv(system)
        else:
            self._build_with_pip(system)
        # What a build step has left running could write through files that it holds open.
        system.end_processes(layout.BUILDER)
        system.act(["chown", "--recursive", "--no-dereference", "root:root", self.path],
                   why=f"take over {self.path}")  # fmt: skip

    def _build_with_pip(self, system: System) -> None:
        self._run(system, [self.python, "-m", "venv", "--clear", self.path])
        pip = [self._interpreter, "-m", "pip", "install", "--quiet", "--no-input",
               "--disable-pip-version-check", "--no-compile"]  # fmt: skip
        self._run(system, [*pip, "--requirement", self._write_listing(system)])

    def _build_with_uv(self, system: System) -> None:
        self._run(system, [self.uv, "venv", "--quiet", "--allow-existing", "--python", self.python,
                           self.path])  # fmt: skip
        listing = self._write_listing(system)
        if self.listing.endswith("uv.lock"):
            listing = self._export(system)
        install = [self.uv, "pip", "install", "--quiet", "--compile-bytecode", "--python",
                   self._interpreter]  # fmt: skip
        hashes = ["--require-hashes"] if self.require_hashes else []
        self._run(system, [*install, *hashes, "--requirement", listing])
        if self.extra:
            self._run(system, [*install, self.extra])

    def _export(self, system: System) -> str:
        """Turn uv.lock into requirements with hashes; the project itself is code, not a package."""
        exported = os.path.join(self.path, "exported.txt")
        self._run(system, [self.uv, "export", "--quiet", "--frozen", "--no-dev",
                           "--no-emit-project", "--project", self._listing_directory,
                           "--python", self.python, "--output-file", exported])  # fmt: skip
        return exported

    @property
    def _interpreter(self) -> str:
        return os.path.join(self.path, "bin", "python")

    @property
    def _listing_directory(self) -> str:
        return os.path.join(self.path, "requirements")

    def _write_listing(self, system: System) -> str:
        """Put the requirements into the environment, for people to see what it was made from."""
        for name, content in self.files.items():
            path = os.path.join(self._listing_directory, name)
            system.make_directory(os.path.dirname(path))
            system.write(path, system.content(as_blob(content)))
        return os.path.join(self._listing_directory, self.listing)

    def _run(self, system: System, argv: List[str]) -> None:
        done = system.run(
            argv, user=layout.BUILDER, env=self._environment(system), cwd=self.path, timeout_s=1800
        )
        if done.status != 0:
            raise AgentError(
                f"cannot build the virtualenv {self.path}: "
                f"{os.path.basename(argv[0])} ended with exit status {done.status}",
                hint=_hint(done.tail),
                output=done.tail,
                refused=True,
            )

    def _environment(self, system: System) -> Dict[str, str]:
        environment = {
            "HOME": layout.BUILD_CACHE,
            "UV_CACHE_DIR": os.path.join(layout.BUILD_CACHE, "uv"),
            # Hard links into the cache would share their owner with it.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "PIP_CACHE_DIR": os.path.join(layout.BUILD_CACHE, "pip"),
        }
        if system.stat(CERTIFICATES):
            environment["SSL_CERT_FILE"] = CERTIFICATES
        return environment


def _hint(output: str) -> str:
    """Say what to do about the usual reasons."""
    lowered = output.lower()
    if "no solution found" in lowered or "no matching distribution" in lowered:
        return (
            "correct the requirements so that they can be met together, then deploy again; if they"
            " can, what answers is no package index (on the host: /etc/uv/uv.toml)"
        )
    if any(word in lowered for word in ("failed to fetch", "dns error", "connection", "timed out")):
        return (
            "the package index cannot be reached from the host, or does not answer as one: check "
            "the host's network or proxy, and the index"
        )
    if "hash" in lowered:
        return "make the lock file anew: it does not name the hash of what the index serves"
    if any(word in lowered for word in ("gcc", "compiler", "python.h", "pg_config")):
        return "a package must be compiled: add what it needs to the app's `packages`"
    return ""
