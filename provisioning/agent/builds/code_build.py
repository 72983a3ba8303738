"""The build of a release's code: the app's own commands, as the build user, before it is final."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Sequence

from provisioning.agent.builds.build import Build, BuildFailedError, staged
from provisioning.agent.builds.code_takeover import BuiltCode, take_over_code
from provisioning.agent.builds.hints import hint, refused_hosts
from provisioning.agent.builds.index import reachable_hosts
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import files
from provisioning.agent.machine.system import System

LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")
"""Lock files of JavaScript, by name: a build may reach the hosts that they name."""

NPM_HOSTS = ("registry.npmjs.org", "registry.yarnpkg.com")
"""Where npm, pnpm and Yarn look where the lock file does not say: pnpm's names no hosts. Source:
`npm config get registry`, `yarn config get npmRegistryServer`."""

MOST_LOCK_BYTES = 16 << 20
MOST_LINES, MOST_CHARS = 2000, 500
"""How much of what a build prints is passed on as it comes."""

BUILD = ".built"


@dataclass(frozen=True)
class CodeBuild:
    """A build of a release's code.

    Args:
        app: Whose it is.
        commands: Programs and arguments, in their order.
        code: Where the code will be: `/srv/<app>/releases/<id>/code`. The commands see it there.
        runtime: What it runs on: its programs are found first.
        hosts: "name" or "name:port" that it may reach besides the indexes.
        env: The app's plain environment.
        secrets: Variables that only builds have.
        mask: Takes secrets out of what is shown.
    """

    app: str
    commands: Sequence[Sequence[str]]
    code: str
    runtime: str
    hosts: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    mask: Callable[[str], str] = str

    def carry_out(
        self, system: System, written: str, links: Mapping[str, str], known: Mapping[str, str]
    ) -> BuiltCode:
        """Run the commands on a copy of the code, and take over what comes of it.

        Args:
            system: The machine.
            written: Where the code is now, root's; it is replaced.
            links: The links of the source: path -> target.
            known: Path -> digest of its files.

        Raises:
            AgentError: a command failed, or made what does not belong into a release.
        """
        build = Build(
            self.code, self.app, tuple(self._hosts(system, written, known)), self._environment(),
            dict(self.secrets), shown=(self.runtime,), in_place=True,
        )  # fmt: skip
        # Where the sandbox shows it.
        system.make_directory(self.code)
        build.begin(system)
        new = written + BUILD
        try:
            _lay_out(written, links, staged())
            self._run(system, build)
            built = take_over_code(build.result, written, new, known, (self.code, self.runtime))
        finally:
            build.clean(system)
            files.remove(os.path.dirname(self.code))
        files.remove(written)
        files.rename(new, written)
        return built

    def _run(self, system: System, build: Build) -> None:
        said = _Said(system.say, self.mask)
        try:
            build.run(system, [{"argv": list(each)} for each in self.commands], each_line=said.line)
        except BuildFailedError as error:
            output = self.mask(error.output)
            raise AgentError(
                f"the build of {self.app} failed: {output.splitlines()[-1] if output else ''}",
                hint=refused_hosts(error.refused_hosts)
                or hint(output, "the requirements")
                or "correct the app or the commands of its `build`, then deploy again; no traffic "
                "reached this release",
                output=output,
                refused=True,
            ) from None

    def _environment(self) -> Dict[str, str]:
        return {
            **self.env,
            "PATH": f"{self.runtime}/bin:/usr/local/bin:/usr/bin:/bin",
            # Nobody else knows the name of a user of the moment.
            "USER": "build",
            "LOGNAME": "build",
            "PYTHONUNBUFFERED": "1",
            # Each host compiles the code by an interpreter that is root's.
            "PYTHONDONTWRITEBYTECODE": "1",
            # Source: npm-config(7); they ask nobody, and tell nobody.
            "CI": "1",
            "npm_config_update_notifier": "false",
            "npm_config_fund": "false",
            "npm_config_audit": "false",
        }

    def _hosts(self, system: System, written: str, known: Mapping[str, str]) -> List[str]:
        locks = [path for path in known if os.path.basename(path) in LOCKS]
        texts = [_beginning(os.path.join(written, path)) for path in locks]
        npm = NPM_HOSTS if locks else ()
        return reachable_hosts(system, texts, (*self.hosts, *npm))


class _Said:
    """Passes on what a build prints, as far as a person can read it."""

    def __init__(self, say: Callable[[str], None], mask: Callable[[str], str]) -> None:
        self._say, self._mask = say, mask
        self._count = 0

    def line(self, text: str) -> None:
        """Pass a line on."""
        self._count += 1
        if text.strip() and self._count <= MOST_LINES:
            self._say(f"| {self._mask(text)[:MOST_CHARS]}")
        elif self._count == MOST_LINES + 1:
            self._say(f"| (more than {MOST_LINES} lines: the others are not shown)")


def _lay_out(written: str, links: Mapping[str, str], place: str) -> None:
    """Copy the code, as root's, to where the build may read it."""
    files.remove(place)
    files.copy_tree(written, place)
    for path, target in links.items():
        full = os.path.join(place, path)
        files.make_directory(os.path.dirname(full))
        files.symlink(target, full)


def _beginning(path: str) -> str:
    opened = files.open_file(path)
    with open(opened, "rb") as file:
        return file.read(MOST_LOCK_BYTES).decode(errors="replace")
