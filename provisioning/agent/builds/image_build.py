"""One build of an image: its files, in its sandbox, with its door; ended whole."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Dict, Mapping, Tuple

from provisioning.agent.builds import door
from provisioning.agent.builds.build import CLEAN_S, BuildFailedError, end, unit_of
from provisioning.agent.builds.image_inside import FIRST_ID
from provisioning.agent.builds.image_sandbox import BASES, CONTEXT, WORK, properties
from provisioning.agent.builds.sandbox import DOOR, TIMEOUT_S
from provisioning.agent.machine import child, files
from provisioning.agent.machine.programs import CLEAN_ENVIRONMENT
from provisioning.agent.machine.system import System
from provisioning.agent.machine.systemd import unexpanded

IMAGE_INSIDE = "provisioning.agent.builds.image_inside"

OF_THE_HOST = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
"""What a build finds as on the host: which package index to use, and which authorities vouch for
it. Source: pip's documentation, "Configuration"; Debian's ca-certificates."""

PRIVATE = ("/var/lib/private", "/var/cache/private")
"""Root's alone: what is below is of builds and of systemd's users of the moment. As systemd makes
them. Source: systemd.exec(5), DynamicUser=."""


@dataclass(frozen=True)
class ImageBuild:
    """A build of one image.

    Args:
        path: Where the image will be: `/srv/<app>/images/<key>`.
        owner: The app whose it is. What its builds keep no other app's build can reach.
        hosts: "name:port" that it may reach.
        dockerfile: Below the files.
        bases: Name of an image -> archive on the host, root's.
        fresh: Believe nothing that earlier builds have kept.
    """

    path: str
    owner: str
    hosts: Tuple[str, ...]
    dockerfile: str
    bases: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False

    @property
    def work(self) -> str:
        """The build's own folder, in which it keeps layers for the next one."""
        return work_of(self.owner)

    @property
    def context(self) -> str:
        """Where the image's files are put for the build; root's."""
        return context_of(self.owner)

    @property
    def result(self) -> str:
        """What was built: `rootfs` and `config.json`; the build's own."""
        return result_of(self.owner)

    def begin(self, system: System) -> None:
        """End processes that a killed run left of this build, and empty its folders."""
        end(system, self.path)
        self.clean()
        for path in PRIVATE:
            files.make_directory(path, 0o700)
        files.make_directory(self.context)
        files.make_directory(self.work, 0o700)
        opened = files.open_directory(self.work)
        try:
            files.own(opened, 0o700, FIRST_ID, FIRST_ID, what=self.work)
        finally:
            os.close(opened)

    def clean(self) -> None:
        """Remove what was built, and what it was built of; what is kept for the next one stays."""
        files.remove(self.context, within_s=CLEAN_S)
        files.remove(self.result, within_s=CLEAN_S)

    def run(self, system: System) -> None:
        """Build.

        Raises:
            BuildFailedError: a step of it failed.
        """
        places = {path: f"{BASES}/{number}" for number, path in enumerate(self.bases.values())}
        with door.opened(self.hosts) as (directory, proxy):
            options = properties(
                work=self.work, context=self.context, bases=places, proxy=directory
            )
            done = system.run(
                ["systemd-run", "--quiet", "--wait", "--collect", "--pipe",
                 f"--unit={unit_of(self.path)}",
                 *(f"--property={each}" for each in options), "--",
                 *map(unexpanded, child.command((door.INSIDE, IMAGE_INSIDE)))],
                input=json.dumps(self._settings(system, places)).encode(),
                timeout_s=TIMEOUT_S + 60,
            )  # fmt: skip
            refused = door.refused_names(proxy)
        if done.status != 0:
            raise BuildFailedError(
                f"cannot build the image {self.path}", output=done.tail, refused_hosts=refused
            )

    def _settings(self, system: System, places: Mapping[str, str]) -> Dict[str, object]:
        there = [path for path in OF_THE_HOST if system.stat(path)]
        return {
            "socket": f"{DOOR}/proxy.sock",
            "work": WORK,
            "context": CONTEXT,
            "dockerfile": self.dockerfile,
            "bases": {name: places[path] for name, path in self.bases.items()},
            "volumes": [f"{path}:{path}:ro" for path in there],
            "fresh": self.fresh,
            "env": CLEAN_ENVIRONMENT,
        }


def work_of(owner: str) -> str:
    """Return the folder that the builds of an app's images keep."""
    return f"{PRIVATE[1]}/homeport-build/image-{owner}"


def result_of(owner: str) -> str:
    """Return the folder in which the build of an app's image leaves its result."""
    return os.path.join(work_of(owner), "result")


def context_of(owner: str) -> str:
    """Return the folder with the files of which an app's image is built."""
    return f"{PRIVATE[0]}/homeport-build/image-{owner}"
