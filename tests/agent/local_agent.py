"""The real agent in a process of its own, where it finds none of this machine's state."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provisioning.agent.runs.messages import Hello
from provisioning.hosts.client import AgentClient
from provisioning.protocol.payload import agent_payload
from provisioning.protocol.session import Heard, Session
from provisioning.transport import LocalChannel

# dpkg's database says that there is nothing to ask apt for: no test waits for an archive.
_STATUS = "".join(
    f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n"
    for name, version in {
        "nginx": "1.22.1-9",
        "openssl": "3.0.15-1",
        "python3": "3.11.2-1",
        "systemd": "252.1-1",
        "python3-certbot": "2.1.0-4",
    }.items()
)

# In a mount namespace of its own; what is mounted there is gone with the process.
_ISOLATE = """
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 700 /run/homeport
mount --bind "$1/run" /run/homeport
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir -p /var/lib/homeport
mount --bind "$1/state" /var/lib/homeport
mount --bind "$1/status" /var/lib/dpkg/status
cd "$1/cwd"
exec sh -c "$2"
"""


class Machine:
    """A place for agents: what they keep is kept in a directory.

    Args:
        directory: An empty one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("run", "state", "cwd"):
            (directory / name).mkdir()
        (directory / "status").write_text(_STATUS)

    @property
    def cwd(self) -> Path:
        """The login directory."""
        return self.directory / "cwd"

    @property
    def state(self) -> Path:
        """Stands for /var/lib/homeport."""
        return self.directory / "state"

    @property
    def cached_agents(self) -> list[Path]:
        return sorted((self.directory / "run" / "agent").glob("*"))

    def open(self, command: str) -> LocalChannel:
        """Start a command like a login shell would."""
        return LocalChannel(
            ["unshare", "--mount", "sh", "-c", _ISOLATE, "sh", str(self.directory), command],
            cwd=self.cwd,
        )

    @contextmanager
    def agent(self) -> Iterator[LocalAgent]:
        """Start an agent, and end it."""
        agent = LocalAgent(self)
        with agent.conversation:
            agent.start()
            yield agent

    def remove(self) -> None:
        """Take back what `_ISOLATE` had to make outside of its namespace."""
        state = Path("/var/lib/homeport")
        if state.is_dir() and not any(state.iterdir()):
            state.rmdir()


class LocalAgent:
    """One agent and the conversation with it."""

    def __init__(self, machine: Machine) -> None:
        self.session = Session(agent_payload())
        self.heard: list[Heard] = []
        self.channel: LocalChannel | None = None
        self._machine = machine
        self.conversation = AgentClient(self.session, self._open, self.heard.append)
        self.pid = 0

    def _open(self, command: str) -> LocalChannel:
        # What becomes of the agent when it is killed is asked for by its own process id.
        self.channel = self._machine.open(
            f"echo $$ >{shlex.quote(str(self._pid_file))}; exec {command}"
        )
        return self.channel

    @property
    def _pid_file(self) -> Path:
        return self._machine.directory / f"pid-{id(self)}"

    def start(self) -> Hello:
        ready = self.conversation.start()
        # Each shell on the way ends in `exec`, so the agent has the first one's id.
        self.pid = int(self._pid_file.read_text())
        return ready
