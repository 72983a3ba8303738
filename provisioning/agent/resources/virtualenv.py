"""A Python virtual environment, built once and never modified."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterable, List

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

READY = ".ready"
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
        requirements: A requirements file's or pylock.toml's content.
        format: "requirements" or "pylock".
        require_hashes: Refuse packages whose hash the requirements do not name.
        extra: Requirements added unless the environment has the package, e.g. the server.
        python: Interpreter to build it with.
        uv: The uv program; "" builds with venv and pip, as for uv itself.
    """

    kind: ClassVar[str] = "virtualenv"

    path: str
    requirements: Content
    format: str = "requirements"
    require_hashes: bool = False
    extra: str = ""
    python: str = "/usr/bin/python3"
    uv: str = layout.UV + "/bin/uv"

    def __post_init__(self) -> None:
        normalise(self, requirements=as_blob(self.requirements))

    @property
    def name(self) -> str:
        return self.path

    @property
    def _blob(self) -> Blob:
        assert isinstance(self.requirements, Blob)
        return self.requirements

    @property
    def _recipe(self) -> str:
        parts = (self._blob.digest, self.format, self.extra, self.python)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def blobs(self) -> Iterable[Blob]:
        return (self._blob,)

    def missing(self, system: System) -> Iterable[Blob]:
        return () if self.actual(system) == self.desired() else self.blobs()

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        return {"ready": system.read(os.path.join(self.path, READY)).decode().strip() or None}

    def apply(self, system: System, change: Change) -> None:
        ready = os.path.join(self.path, READY)
        system.remove(self.path)
        if system.dry:
            system.write(ready, self._recipe.encode())
            return
        system.make_directory(layout.BUILD_CACHE, mode="0700", owner=layout.BUILDER,
                              group=layout.BUILDER)  # fmt: skip
        system.make_directory(self.path, owner=layout.BUILDER, group=layout.BUILDER)
        name = "pylock.toml" if self.format == "pylock" else "requirements.txt"
        listing = os.path.join(self.path, name)
        system.write(listing, system.content(self._blob))
        system.say("building " + self.path)
        if self.uv:
            self._build_with_uv(system, listing)
        else:
            self._build_with_pip(system, listing)
        system.act(["chown", "--recursive", "--no-dereference", "root:root", self.path],
                   why=f"take over {self.path}")  # fmt: skip
        os.sync()
        system.write(ready, self._recipe.encode())

    def _build_with_pip(self, system: System, listing: str) -> None:
        self._run(system, [self.python, "-m", "venv", "--clear", self.path])
        self._take_back(system, listing)
        pip = [os.path.join(self.path, "bin", "python"), "-m", "pip", "install", "--quiet",
               "--no-input", "--disable-pip-version-check"]  # fmt: skip
        self._run(system, [*pip, "--requirement", listing])

    def _build_with_uv(self, system: System, listing: str) -> None:
        self._run(system, [self.uv, "venv", "--quiet", "--allow-existing", "--python", self.python,
                           self.path])  # fmt: skip
        install = [self.uv, "pip", "install", "--quiet", "--python",
                   os.path.join(self.path, "bin", "python"), "--compile-bytecode"]  # fmt: skip
        hashes = ["--require-hashes"] if self.require_hashes else []
        self._run(system, [*install, *hashes, "--requirement", listing])
        if self.extra:
            self._run(system, [*install, self.extra])

    def _take_back(self, system: System, listing: str) -> None:
        """`venv --clear` empties the directory, the list of requirements included."""
        system.write(listing, system.content(self._blob))

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
        return "correct the requirements so that they can be met together, then deploy again"
    if any(word in lowered for word in ("failed to fetch", "dns error", "connection", "timed out")):
        return "the package index cannot be reached from the host: check its network or proxy"
    if "hash" in lowered:
        return "make the lock file anew: it does not name the hash of what the index serves"
    if any(word in lowered for word in ("gcc", "compiler", "python.h", "pg_config")):
        return "a package must be compiled: add what it needs to the app's `packages`"
    return ""
