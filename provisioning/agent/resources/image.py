"""The image of a container, built once from a Dockerfile and never modified."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, List, Mapping, Tuple

from provisioning.agent import layout
from provisioning.agent.apps.environment import quoted
from provisioning.agent.apps.runtimes.container import ROOT, VARIABLES, WORDS
from provisioning.agent.apps.sources import Sources
from provisioning.agent.apps.trusted import must_be_roots_file
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.builds.build import BuildFailedError
from provisioning.agent.builds.hints import refused_hosts
from provisioning.agent.builds.image_accounts import Accounts
from provisioning.agent.builds.image_build import ImageBuild
from provisioning.agent.builds.image_config import MOST_BYTES, ImageConfig, read_config
from provisioning.agent.builds.image_takeover import BuiltImage
from provisioning.agent.builds.index import reachable_hosts
from provisioning.agent.builds.once import put_in_place, recipe_of
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files as fs
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State, normalise

_FROM = re.compile(
    rb"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*([A-Za-z0-9.-]+\.[A-Za-z0-9.-]+(?::\d+)?)/", re.M | re.I
)
"""A registry that a Dockerfile names. Source: Dockerfile reference, FROM; the first part of a
name is a host if it has a dot."""


@dataclass(frozen=True)
class Image(Resource):
    """Have an image, built from these files.

    Its steps are code of others, so that happens in a sandbox, in a user namespace (see
    agent/builds). What comes of it is copied, and becomes root's. `.ready`, written last, holds
    the digest of what it was made from.

    Args:
        path: Absolute: `/srv/<app>/images/<key>`.
        owner: The app whose it is; its group may read the image.
        files: Path -> content of what it is built from.
        executables: Those of the files that are 0755.
        links: Path -> target, for symbolic links.
        dockerfile: Which of the files says how.
        bases: Name of an image -> archive of it on the host, root's.
        hosts: "name" or "name:port" that the build may reach besides the package index and the
            registries that the Dockerfile names.
        fresh: Believe nothing that earlier builds have kept.
    """

    kind: ClassVar[str] = "image"

    path: str
    owner: str
    files: Mapping[str, Content]
    executables: Tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    dockerfile: str = "Dockerfile"
    bases: Mapping[str, str] = field(default_factory=dict)
    hosts: Tuple[str, ...] = ()
    fresh: bool = False

    def __post_init__(self) -> None:
        normalise(
            self,
            files={path: as_blob(content) for path, content in self.files.items()},
            executables=tuple(self.executables),
            hosts=tuple(self.hosts),
        )

    @property
    def name(self) -> str:
        return self.path

    def _blobs(self) -> Dict[str, Blob]:
        return {path: as_blob(content) for path, content in self.files.items()}

    @property
    def _recipe(self) -> str:
        values = (
            {path: blob.digest for path, blob in self._blobs().items()},
            sorted(self.executables),
            dict(self.links),
            self.dockerfile,
            dict(self.bases),
        )
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def blobs(self) -> Iterable[Blob]:
        return self._blobs().values()

    def missing(self, system: System) -> Iterable[Blob]:
        if self.actual(system) == self.desired():
            return
        sources = Sources(self.owner, system)
        for path, blob in self._blobs().items():
            if not sources.find(path, blob.digest):
                yield blob

    def desired(self) -> State:
        return {"ready": self._recipe}

    def actual(self, system: System) -> State:
        return {"ready": recipe_of(self.path, system)}

    def apply(self, system: System, change: Change) -> None:
        part = self.path + layout.PART
        if system.dry:
            system.write(os.path.join(self.path, layout.READY), self._recipe.encode())
            return
        for archive in self.bases.values():
            must_be_roots_file(archive)
        for leftover in (part, self.path):
            system.remove(leftover)
        build = ImageBuild(
            self.path,
            self.owner,
            tuple(self._hosts(system)),
            self.dockerfile,
            self.bases,
            self.fresh,
        )
        # By this a run that is killed leaves the build behind: see apps/leftovers.py.
        fs.make_directory(part)
        build.begin(system)
        try:
            self._write_context(system, build.context)
            system.say("building " + self.path)
            self._run(system, build)
            self._take_over(system, build, part)
        except (AgentError, OSError):
            # What is left of it is of no use, and on a full disk in the way.
            system.remove(part)
            raise
        finally:
            build.clean()
        put_in_place(part, self.path, self._recipe, system)

    def _hosts(self, system: System) -> List[str]:
        dockerfile = system.content(self._blobs()[self.dockerfile])
        named = [each.decode() for each in _FROM.findall(dockerfile)]
        return reachable_hosts(system, (), (*named, *self.hosts))

    def _write_context(self, system: System, root: str) -> None:
        sources, executables = Sources(self.owner, system), set(self.executables)
        for path, blob in self._blobs().items():
            full = os.path.join(root, path)
            mode = 0o755 if path in executables else 0o644
            fs.make_directory(os.path.dirname(full))
            source = sources.find(path, blob.digest)
            if source:
                fs.copy_file(source, full, mode)
            else:
                fs.write(full, system.content(blob), mode)
        for path, target in self.links.items():
            full = os.path.join(root, path)
            fs.make_directory(os.path.dirname(full))
            fs.symlink(target, full)

    def _run(self, system: System, build: ImageBuild) -> None:
        try:
            build.run(system)
        except BuildFailedError as error:
            raise AgentError(
                error.message,
                hint=refused_hosts(error.refused_hosts),
                output=error.output,
                refused=True,
            ) from None

    def _take_over(self, system: System, build: ImageBuild, part: str) -> None:
        config = self._config(build)
        accounts = Accounts.of(os.path.join(build.result, ROOT))
        group = system.group(self.owner)
        built = BuiltImage(
            os.path.join(build.result, ROOT),
            self.path,
            accounts.user(config.user),
            group.id if group else 0,
        )
        built.take_over(os.path.join(part, ROOT))
        for name, text in accounts.with_app(system.user(self.owner), config.user).items():
            # The directory is root's, and a link in this place is replaced.
            system.write(os.path.join(part, ROOT, "etc", name), text.encode())
        variables = {"HOME": accounts.home(config.user), **config.variables}
        variables["PATH"] = config.search_path
        text = "".join(f"{name}={quoted(value)}\n" for name, value in sorted(variables.items()))
        system.write(os.path.join(part, VARIABLES), text.encode())
        system.write(os.path.join(part, WORDS), json.dumps(config.words()).encode())

    @staticmethod
    def _config(build: ImageBuild) -> ImageConfig:
        with fs.directory(build.work) as work:
            held = fs.descend(work, ("result",))
            try:
                with open(fs.open_entry(held, "config.json"), "rb") as file:
                    return read_config(file.read(MOST_BYTES + 1))
            finally:
                os.close(held)
