"""A Python virtual environment, built once and never modified."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, List, Mapping, Tuple

from provisioning.agent import layout
from provisioning.agent.apps.environment import mask_of
from provisioning.agent.apps.runtimes.virtualenv import lost
from provisioning.agent.apps.staging import Staging
from provisioning.agent.apps.trusted import must_be_apps_to_run, must_be_roots
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.builds.build import Build, BuildFailedError, cache_of, staged
from provisioning.agent.builds.hints import hint, refused_hosts
from provisioning.agent.builds.index import (
    CERTIFICATES,
    configurations,
    reachable_hosts,
    replaces_index,
)
from provisioning.agent.builds.installation import Installation
from provisioning.agent.builds.once import building, recipe_of
from provisioning.agent.builds.takeover import Built
from provisioning.agent.claims import PATH, Claim
from provisioning.agent.errors import AgentError
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise

REPLACING = frozenset({"UV_INDEX_URL", "UV_DEFAULT_INDEX"})
"""Variables that name another default index. Source: uv's "Environment variables"."""


@dataclass(frozen=True)
class Virtualenv(Resource):
    """Have a virtual environment with these requirements.

    Packages run code of theirs while they are built, so that happens in a sandbox, as a user of
    the moment (see agent/builds). What comes of it is copied, checked, and becomes root's.
    `.ready`, written last, holds the digest of what it was made from.

    Args:
        path: Absolute.
        owner: The app whose it is; "" for Homeport's own.
        files: Path -> content of the requirements and of files that they include.
        listing: Which of the files to begin with: a requirements file, pylock.toml, or
            uv.lock (with pyproject.toml beside it).
        require_hashes: Refuse packages whose hash the requirements do not name.
        lists_everything: Install nothing that the requirements do not name.
        extra: Distribution -> its requirement with hashes, one line; what of these the environment
            lacks after all else is added, such as the server. Of distributions with "|" between
            them any one will do.
        hosts: "name" or "name:port" that the build may reach besides the package index.
        packages: Path -> content of files of the app's source from which packages are built.
        executables: Those of them that are executable.
        links: Path -> target, for symbolic links among them.
        extras: Of the listing's project.
        groups: Of the listing's project: its dependency groups.
        member: The member of a uv workspace that is wanted; "" for the project beside uv.lock.
        install_project: Whether the project of uv.lock or pyproject.toml is installed itself.
        elsewhere: Packages of uv.lock that do not come from the default index.
        oldest: Distribution -> the oldest version of it that will do.
        fresh: Believe nothing that earlier builds have downloaded.
        secrets: Secret JSON: variables that only the build has; "" for none.
        python: Interpreter to build it with; root's.
        uv: The uv program; "" builds with venv and pip, as for uv itself.
    """

    kind: ClassVar[str] = "virtualenv"

    path: str
    files: Mapping[str, Content]
    owner: str = ""
    listing: str = "requirements.txt"
    require_hashes: bool = False
    lists_everything: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    hosts: Tuple[str, ...] = ()
    packages: Mapping[str, Content] = field(default_factory=dict)
    executables: Tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    extras: Tuple[str, ...] = ()
    groups: Tuple[str, ...] = ()
    member: str = ""
    install_project: bool = True
    elsewhere: Tuple[str, ...] = ()
    oldest: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False
    secrets: Content = ""
    python: str = "/usr/bin/python3"
    uv: str = layout.UV + "/bin/uv"

    def __post_init__(self) -> None:
        normalise(
            self,
            files={name: as_blob(each) for name, each in self.files.items()},
            extra=dict(self.extra),
            hosts=tuple(self.hosts),
            packages={path: as_blob(each) for path, each in self.packages.items()},
            extras=tuple(self.extras),
            groups=tuple(self.groups),
            elsewhere=tuple(self.elsewhere),
            executables=tuple(self.executables),
            secrets=as_blob(self.secrets, secret=True),
        )

    @property
    def name(self) -> str:
        return self.path

    @property
    def _recipe(self) -> str:
        files = (f"{name} {as_blob(each).digest}" for name, each in sorted(self.files.items()))
        extra = (f"{name} {line}" for name, line in sorted(self.extra.items()))
        parts = (*files, self.listing, *extra, self.python, *self._choices())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _choices(self) -> Iterable[str]:
        """Yield what differs from an environment that has only what a listing names."""
        for name, each in sorted(self.packages.items()):
            yield f"package {name} {as_blob(each).digest} {name in self.executables}"
        for name, target in sorted(self.links.items()):
            yield f"link {name} {target}"
        chosen = (self.extras, self.groups, self.member, self.install_project)
        if chosen != ((), (), "", True):
            yield repr(chosen)

    def blobs(self) -> Iterable[Blob]:
        contents = (*self.files.values(), *self.packages.values(), self.secrets)
        return [as_blob(each) for each in contents]

    def missing(self, system: System) -> Iterable[Blob]:
        if self.actual(system) == self.desired():
            return
        yield as_blob(self.secrets)
        yield from self._staging.missing(system)

    def claims(self) -> Iterable[Claim]:
        # Those of releases come and go below /srv/<app>, which is Homeport's as a whole.
        return () if self.path.startswith(layout.APPS + "/") else (Claim(PATH, self.path),)

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        # Under the same name there may be another Python by now.
        is_of_use = not lost(self.path, system)
        return {"ready": recipe_of(self.path, system) if is_of_use else None}

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            system.remove(self.path)
            system.write(os.path.join(self.path, layout.READY), self._recipe.encode())
            return
        must_be_roots(self.python, "the interpreter of the virtualenv")
        must_be_apps_to_run(self.python, "the interpreter of the virtualenv")
        build = Build(
            self.path,
            self.owner,
            tuple(self._hosts(system)),
            self._environment(system),
            self._secrets(system),
        )
        with building(build, self._recipe, system, fresh=self.fresh) as part:
            system.say("building " + self.path)
            self._staging.lay_out(staged(), system)
            self._run(system, build)
            Built(build.result, self.path, self.python).take_over(part)

    def _hosts(self, system: System) -> List[str]:
        texts = [
            system.content(as_blob(each)).decode(errors="replace") for each in self.files.values()
        ]
        secrets = self._secrets(system)
        # In the form that a requirements file has them.
        indexes = [f"--{name[3:].lower().replace('_', '-')} {secrets[name]}" for name in secrets]
        return reachable_hosts(system, [*texts, *indexes], self.hosts)

    def _secrets(self, system: System) -> Dict[str, str]:
        found: Dict[str, str] = json.loads(system.content(as_blob(self.secrets)) or "{}")
        return found

    def _run(self, system: System, build: Build) -> None:
        try:
            build.run(system, self._installation(system).steps())
        except BuildFailedError as error:
            output = mask_of(build.secrets.values())(error.output)
            raise AgentError(
                error.message,
                hint=refused_hosts(error.refused_hosts) or hint(output, self.listing),
                output=output,
                refused=True,
            ) from None

    def _installation(self, system: System) -> Installation:
        secrets = self._secrets(system)
        return Installation(
            path=self.path,
            python=self.python,
            uv=self.uv,
            listing=self.listing,
            require_hashes=self.require_hashes,
            lists_everything=self.lists_everything,
            extras=self.extras,
            groups=self.groups,
            member=self.member,
            install_project=self.install_project,
            elsewhere=self.elsewhere,
            has_mirror=replaces_index(configurations(system)) or bool(REPLACING & {*secrets}),
            extra=self.extra,
            oldest=self.oldest,
        )

    @property
    def _staging(self) -> Staging:
        return Staging(
            self.owner,
            {path: as_blob(each) for path, each in self.files.items()},
            {path: as_blob(each) for path, each in self.packages.items()},
            self.executables,
            self.links,
        )

    def _environment(self, system: System) -> Dict[str, str]:
        cache = cache_of(self.owner)
        environment = {
            "UV_CACHE_DIR": os.path.join(cache, "uv"),
            # The environment is another file system's for all that uv knows.
            "UV_LINK_MODE": "copy",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_PROJECT_ENVIRONMENT": self.path,
            "UV_NO_PROGRESS": "1",
            "PIP_CACHE_DIR": os.path.join(cache, "pip"),
        }
        if system.stat(CERTIFICATES):
            environment["SSL_CERT_FILE"] = CERTIFICATES
        return environment
