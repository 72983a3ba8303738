"""A release: code, environment, settings, units and what runs it, immutable and whole."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from provisioning.agent.answers import BUILT, HistoryEvent
from provisioning.agent.apps import compiled, environment, shared
from provisioning.agent.apps.environment import mask_of
from provisioning.agent.apps.history import History
from provisioning.agent.apps.links import link_or_copy, relative_link
from provisioning.agent.apps.manifest import CODE, ENVIRONMENT, MANIFEST, UNITS
from provisioning.agent.apps.releases import Releases
from provisioning.agent.apps.runtimes import kind_of
from provisioning.agent.apps.runtimes.surroundings import filled
from provisioning.agent.apps.sources import Sources
from provisioning.agent.apps.trusted import must_be_roots
from provisioning.agent.blob import Blob, Content, as_blob
from provisioning.agent.builds.code_build import CodeBuild
from provisioning.agent.builds.code_takeover import BuiltCode
from provisioning.agent.errors import AgentError
from provisioning.agent.layout import PART, AppLayout
from provisioning.agent.machine import files as fs
from provisioning.agent.machine.system import LINK, System
from provisioning.agent.resource import Change, Resource, State, normalise

SHARED_FROM_FILES = 200
"""From how many files on the processors share the compiling: to start processes for it costs as
much as to compile so many."""


@dataclass(frozen=True)
class Release(Resource):
    """Have a release's directory, complete.

    It is built under another name and renamed at the end: a directory of the release's own
    name is whole. Files that an earlier release has are shared with it, after their content
    was checked; only the others are sent.

    Args:
        app: The app's name.
        release: The release's id.
        files: Path below the code's root -> content.
        executables: Those of the files that are 0755.
        links: Path -> target, for symbolic links in the source.
        shared: Paths that survive releases, below `shared/`: directories, and files where the
            source has a file there.
        shared_files: Those of them that are files although the source has none there.
        static: URL folder -> folder below the code's root; kept for pruning.
        runtime: The path of what it runs on, such as its virtualenv: see apps/runtimes.
        python: The interpreter that compiles its code, root's; "" where the host compiles none.
        settings: Path below the release -> content of a file that its app server reads.
        parts: Name -> path below the release of what else it is whole with: of what runs it.
        units: Name -> content of the unit files of its web server, processes and timers.
        env: Secret JSON: the environment as given by the operator; null for that of `base`.
        base: A release here whose code it has, in place of `files`; "" for none.
        secrets: Names of those variables that nobody may see, generated ones included.
        proposed: Secret JSON: values for secrets that are to be generated; used where the
            host has none yet.
        rotate: Use the proposed values in place of those that the host has.
        build: Programs and arguments that complete the code: see builds/code_build.py.
        build_env: Secret JSON: the app's plain environment.
        build_secrets: Secret JSON: variables that only builds have.
        build_hosts: "name" or "name:port" that the build may reach besides the indexes.
        about: What people want to know: commit, by, ...
    """

    kind: ClassVar[str] = "release"

    app: str
    release: str
    files: Mapping[str, Content]
    runtime: str
    python: str
    env: Content
    proposed: Content
    settings: Mapping[str, Content] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Content] = field(default_factory=dict)
    executables: Tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    shared: Tuple[str, ...] = ()
    shared_files: Tuple[str, ...] = ()
    static: Mapping[str, str] = field(default_factory=dict)
    secrets: Tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    rotate: bool = False
    build: Tuple[Tuple[str, ...], ...] = ()
    build_env: Content = "{}"
    build_secrets: Content = "{}"
    build_hosts: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        normalise(
            self,
            files={path: as_blob(content) for path, content in self.files.items()},
            settings={path: as_blob(content) for path, content in self.settings.items()},
            units={name: as_blob(content) for name, content in self.units.items()},
            env=as_blob(self.env, secret=True),
            proposed=as_blob(self.proposed, secret=True),
            build=tuple(tuple(each) for each in self.build),
            build_env=as_blob(self.build_env, secret=True),
            build_secrets=as_blob(self.build_secrets, secret=True),
            build_hosts=tuple(self.build_hosts),
        )

    @property
    def name(self) -> str:
        return f"{self.app}/{self.release}"

    @property
    def _layout(self) -> AppLayout:
        return AppLayout(self.app)

    def _code(self) -> Dict[str, Blob]:
        return {path: as_blob(content) for path, content in self.files.items()}

    def _settings(self) -> Tuple[Blob, ...]:
        values = (
            *self.settings.values(),
            self.env,
            self.proposed,
            self.build_env,
            self.build_secrets,
            *self.units.values(),
        )
        return tuple(as_blob(each) for each in values)

    def blobs(self) -> Iterable[Blob]:
        return (*self._code().values(), *self._settings())

    def missing(self, system: System) -> Iterable[Blob]:
        if self.actual(system) == self.desired():
            return
        yield from self._settings()
        sources = Sources(self.app, system)
        for path, blob in self._code().items():
            if not sources.find(path, blob.digest):
                yield blob

    def desired(self) -> State:
        return {"complete": True}

    def actual(self, system: System) -> State:
        manifest = Releases(self.app, system).manifest(self.release)
        return {"complete": manifest.get("release") == self.release}

    def apply(self, system: System, change: Change) -> None:
        final = self._layout.release(self.release)
        part = final + PART
        if system.dry:
            return
        for leftover in (part, final):
            system.remove(leftover)
        try:
            self._build(system, part, final)
        except (AgentError, OSError):
            # What is left of it is of no use, and on a full disk in the way.
            system.remove(part)
            raise
        os.sync()
        fs.rename(part, final)
        fs.sync(self._layout.releases)
        built = {"event": BUILT, "release": self.release, **self.about}
        History(self.app, system).record(HistoryEvent.of_line(built))

    def _build(self, system: System, part: str, final: str) -> None:
        code = os.path.join(part, CODE)
        fs.make_directory(code)
        same = self._share_code(system, code) if self.base else self._write_files(system, code)
        built = self._build_code(system, code) if self.build and not self.base else None
        self._share_compiled(code, self._unbuilt(same, built))
        # Before there are links in it: what they lead to is not the code's to be compiled.
        self._compile(system, code)
        self._make_links(system, code, built)
        shared_files = self._shared_files(system, code)
        self._link_shared(system, code, shared_files)
        env = self._write_environment(system)
        self._write(system, part, self.settings)
        self._write(system, os.path.join(part, UNITS), self._units(system))
        link = os.path.join(final, ENVIRONMENT)
        fs.symlink(relative_link(link, env), os.path.join(part, ENVIRONMENT))
        link = kind_of(self.runtime).link
        target = relative_link(os.path.join(final, link), self.runtime)
        fs.symlink(target, os.path.join(part, link))
        self._write_manifest(system, part, env, built, shared_files)

    def _build_code(self, system: System, code: str) -> BuiltCode:
        """Run the app's build; the code is what it leaves."""
        plain = json.loads(system.content(as_blob(self.build_env)))
        secrets = json.loads(system.content(as_blob(self.build_secrets)))
        build = CodeBuild(
            app=self.app,
            commands=self.build,
            code=self._layout.code(self.release),
            runtime=self.runtime,
            hosts=self.build_hosts,
            env=plain,
            secrets=secrets,
            mask=mask_of(secrets.values()),
        )
        built = build.carry_out(system, code, self.links, self._digests(system))
        system.notes += [f"{each} stays with the build" for each in built.left_behind]
        return built

    def _units(self, system: System) -> Mapping[str, Content]:
        """Return the units, with what only the host knows of what the release runs on."""
        words = self._words(system)
        if not words:
            return self.units
        return {
            name: filled(system.content(as_blob(each)).decode(), words).encode()
            for name, each in self.units.items()
        }

    def _words(self, system: System) -> Mapping[str, str]:
        return kind_of(self.runtime).words(self.runtime, system)

    def _compile(self, system: System, code: str) -> None:
        """Compile the code, which the app itself cannot write, by an interpreter that is root's.

        Never by the virtualenv's: its program, and what that starts with, packages have written.
        """
        if not self.python:
            return
        must_be_roots(self.python, f"the interpreter of {self.app}")
        # What is in a shared folder becomes the app's.
        ours = compiled.except_for(os.path.join(code, each) for each in self.shared)
        there = fs.regular_files(code)
        left = sum((path[-3:] == ".py") - (path[-4:] == ".pyc") for path in there)
        workers = "0" if left >= SHARED_FROM_FILES else "1"
        argv = [self.python, "-I", "-S", "-m", "compileall", "-q", "-j", workers, *ours, code]
        system.run(argv, timeout_s=300)

    def _unbuilt(self, same: Mapping[str, str], built: Optional[BuiltCode]) -> Mapping[str, str]:
        """Return those of the files that an earlier release has which a build left as they were."""
        if built is None:
            return same
        digests = {path: blob.digest for path, blob in self._code().items()}
        return {path: each for path, each in same.items() if built.files.get(path) == digests[path]}

    def _share_compiled(self, root: str, same: Mapping[str, str]) -> None:
        """Share what Python has compiled of the files that an earlier release has."""
        tag = compiled.tag_of(self.python) if self.python else ""
        for path, source in same.items():
            if not self._is_shared(path):
                compiled.share(source, os.path.join(root, path), tag)

    def _write_files(self, system: System, root: str) -> Dict[str, str]:
        """Return those that an earlier release has under the same path: path -> where."""
        sources = Sources(self.app, system)
        executables, same = set(self.executables), {}
        for path, blob in self._code().items():
            full = os.path.join(root, path)
            mode = 0o755 if path in executables else 0o644
            source = sources.find(path, blob.digest)
            fs.make_directory(os.path.dirname(full))
            if not source:
                fs.write(full, system.content(blob), mode)
            elif link_or_copy(source, full, mode) and sources.has_path(source, path, blob.digest):
                same[path] = source
        return same

    def _share_code(self, system: System, root: str) -> Dict[str, str]:
        """Have the code of the release that this one is based on; return as `_write_files`."""
        source_root, same = self._layout.code(self.base), {}
        for path, digest in self._base_files(system).items():
            source, full = os.path.join(source_root, path), os.path.join(root, path)
            if system.digest(source) != digest:
                raise AgentError(
                    f"{source} is not what was deployed: it was changed or removed",
                    hint="fab deploy, which builds a complete release",
                    refused=True,
                )
            fs.make_directory(os.path.dirname(full))
            if link_or_copy(source, full, 0o755 if fs.lstat(source).st_mode & 0o100 else 0o644):
                same[path] = source
        return same

    def _base_files(self, system: System) -> Mapping[str, str]:
        files: Mapping[str, str] = Releases(self.app, system).manifest(self.base).get("files", {})
        # An earlier Homeport deployed what Python had compiled, and Python has written it anew.
        return {path: each for path, each in files.items() if not compiled.is_pythons(path)}

    def _make_links(self, system: System, root: str, built: Optional[BuiltCode]) -> None:
        links = built.links if built else self.links
        if self.base:
            found = fs.links(self._layout.code(self.base))
            links = {path: target for path, target in found if not compiled.is_pythons(path)}
        for path, target in links.items():
            full = os.path.join(root, path)
            fs.make_directory(os.path.dirname(full))
            fs.symlink(target, full)

    def _shared_files(self, system: System, root: str) -> List[str]:
        """Return which of the shared paths are files."""
        known = set(self.shared_files)
        if self.base:
            known.update(Releases(self.app, system).manifest(self.base).get("shared_files", ()))
        # What is there already wins: an earlier release may have brought it.
        return [
            path
            for path in self.shared
            if path in known
            or shared.is_file(self.app, path)
            or _is_file(shared.stat_of(os.path.join(root, path)))
        ]

    def _link_shared(self, system: System, root: str, of_files: Sequence[str]) -> None:
        """Replace what is shared by links; what the release brought is its beginning."""
        for path in self.shared:
            self._must_lead_nowhere(system, root, path)
            inside = os.path.join(root, path)
            begin = shared.begin_file if path in of_files else shared.begin
            begin(system, self.app, path, inside)
            system.remove(inside)
            fs.make_directory(os.path.dirname(inside))
            link = os.path.join(self._layout.code(self.release), path)
            fs.symlink(relative_link(link, os.path.join(self._layout.shared, path)), inside)

    def _must_lead_nowhere(self, system: System, root: str, path: str) -> None:
        """Refuse a link on the way to a shared folder: its place is somewhere else."""
        for above in shared.prefixes([path])[:-1]:
            found = system.stat(os.path.join(root, above))
            if found is not None and found.type == LINK:
                raise AgentError(
                    f"cannot set up the shared folder {path}: in the release, {above} is a link "
                    f"to {found.target}",
                    hint="in the app's `shared`, name the folder that the link points to",
                    refused=True,
                )

    def _is_shared(self, path: str) -> bool:
        return any(path == each or path.startswith(each + "/") for each in self.shared)

    def _write_environment(self, system: System) -> str:
        given: Optional[Dict[str, str]] = json.loads(system.content(as_blob(self.env)))
        if given is None:
            given = environment.of_release(system, self.app, self.base)
        proposed: Dict[str, str] = json.loads(system.content(as_blob(self.proposed)))
        if self.rotate:
            # They are kept once this release has stayed live: see KeptSecrets.
            kept: Mapping[str, str] = proposed
        else:
            kept = environment.keep_generated(system, self.app, proposed)
        values = {**given, **{name: kept[name] for name in proposed}}
        values["HOMEPORT_RELEASE"] = self.release
        return environment.write_revision(system, self.app, values)

    @staticmethod
    def _write(system: System, directory: str, contents: Mapping[str, Content]) -> None:
        fs.make_directory(directory)
        for name, content in contents.items():
            path = os.path.join(directory, name)
            fs.make_directory(os.path.dirname(path))
            data = content if isinstance(content, bytes) else system.content(as_blob(content))
            system.write(path, data)

    @property
    def _parts(self) -> Mapping[str, str]:
        """All that it is whole with: name -> path below the release."""
        return {
            "code": CODE,
            "environment": ENVIRONMENT,
            **self.parts,
            **{f"file {path}": path for path in self.settings},
            **{f"unit {name}": f"{UNITS}/{name}" for name in self.units},
        }

    def _digests(self, system: System) -> Mapping[str, str]:
        if self.base:
            return self._base_files(system)
        return {path: blob.digest for path, blob in self._code().items()}

    def _links(self, part: str) -> Mapping[str, str]:
        """Return the links of the source: path -> target; those to shared directories are ours."""
        ours = set(self.shared)
        found = fs.links(os.path.join(part, "code"))
        return {path: target for path, target in found if path not in ours}

    def _write_manifest(
        self,
        system: System,
        part: str,
        env: str,
        built: Optional[BuiltCode],
        shared_files: Sequence[str],
    ) -> None:
        digests = built.files if built else self._digests(system)
        manifest = {
            "app": self.app,
            "release": self.release,
            "built": round(time.time(), 3),
            "parts": dict(self._parts),
            kind_of(self.runtime).link: os.path.basename(self.runtime),
            "words": dict(self._words(system)),
            "python": self.python,
            "env": os.path.basename(env),
            "shared": list(self.shared),
            "shared_files": list(shared_files),
            "static": dict(self.static),
            "links": dict(self._links(part)),
            "secrets": list(self.secrets),
            "rotated": sorted(json.loads(system.content(as_blob(self.proposed))))
            if self.rotate
            else [],
            "files": {
                path: digest for path, digest in digests.items() if not self._is_shared(path)
            },
            **self.about,
        }
        system.write(os.path.join(part, MANIFEST), json.dumps(manifest, indent=1).encode())


def _is_file(found: Optional[os.stat_result]) -> bool:
    return found is not None and stat.S_ISREG(found.st_mode)
