"""The bytes that are sent to a host: the agent's files, and the commands that start it.

The command is one line of shell. Where there is no `python3`, it borrows one: Debian's own
packages, unpacked into a directory that is removed afterwards, so that a bare host can be
checked without being changed, and is provisioned by the same plan as any other.

    bootstrap/start.sh    python3, or a borrowed one
    bootstrap/loader.py   compiled modules from the host's cache, or from the controller
    bootstrap/attached.py besides: a person at a program of an app (see hosts/exec.py)
    agent/boot.py         makes them importable
    agent/main.py         frames
"""

from __future__ import annotations

import base64
import bz2
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from provisioning.agent.machine.child import SOURCE

AGENT = Path(__file__).parents[1] / "agent"
BOOTSTRAP = Path(__file__).parent / "bootstrap"

MARKER_BYTES = 12
"""Random bytes in the line that tells the agent from whatever a login shell printed."""


@dataclass(frozen=True)
class Payload:
    """The agent, ready to be sent.

    Args:
        digest: Of the sources: what a host's cache is asked for.
        sources: JSON: name of a module -> its text.
    """

    digest: str
    sources: bytes

    @functools.cached_property
    def data(self) -> bytes:
        """Return the sources length-prefixed and compressed, as the loader reads them.

        It takes a tenth of a second, and few runs send it. bz2 looks at all of the text at once:
        the same with zlib, which looks back 32 kB, is longer by 40 %.
        """
        packed = bz2.compress(self.sources)
        return len(packed).to_bytes(4, "big") + packed

    def command(self, marker: str) -> str:
        """Return the shell command that starts the agent.

        Args:
            marker: Random hex that begins each line that is meant for us.
        """
        loader = _base64(_without_comments(BOOTSTRAP / "loader.py"))
        script = _without_comments(BOOTSTRAP / "start.sh")
        for name, value in (("LOADER", loader), ("DIGEST", self.digest), ("MARKER", marker)):
            script = script.replace(f"@{name}@", value)
        # Within single quotes nothing of it means anything to any login shell, csh included.
        # First of all it leaves the login user's directory, in which programs or libraries may lie.
        return f"sh -c 'cd /; eval \"$(printf %s {_base64(script)} | base64 -d)\"'"


def attached_command(marker: str) -> str:
    """Return the shell command that starts the helper between a person and an app's program.

    Args:
        marker: Random hex of the line after which its frames begin.
    """
    program = _base64(_without_comments(BOOTSTRAP / "attached.py"))
    return f"sh -c 'cd /; exec python3 -I -c \"$(printf %s {program} | base64 -d)\" {marker}'"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _without_comments(path: Path) -> str:
    """Return a program less its comments: it travels with every run."""
    lines = path.read_text().splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


PROGRAMS = tuple(
    f"provisioning.agent.builds.{name}" for name in ("inside", "proxy", "image_inside")
)
"""Modules that also run as programs of other users: their text is needed besides."""


@functools.cache
def agent_payload() -> Payload:
    """Read the agent's sources from where they lie."""
    sources = {"provisioning.__init__": ""}
    for path in sorted(AGENT.rglob("*.py")):
        parts = ("provisioning", "agent", *path.relative_to(AGENT).with_suffix("").parts)
        name = ".".join(parts)
        sources[name] = path.read_text()
        if name in PROGRAMS:
            sources[name + SOURCE] = f"SOURCE = {sources[name]!r}\n"
    packed = json.dumps(sources).encode()
    return Payload(hashlib.sha256(packed).hexdigest()[:24], packed)
