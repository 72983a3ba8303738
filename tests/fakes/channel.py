"""Stand-ins for channels: one that plays back what a host says, and one with an agent behind it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from provisioning.agent.events import Done, to_message
from provisioning.agent.runs.wire import Decoder, pack
from provisioning.errors import ConnectionLostError
from provisioning.protocol.payload import MARKER_BYTES

HELLO = pack({"hello": {"python": "3.11.2"}})


class PlayedChannel:
    """A host that has said all that it will say, whatever it is asked.

    Args:
        parts: What it says, as it comes.
        last_words: What stands on its stderr.
    """

    def __init__(self, *parts: bytes, last_words: str = "") -> None:
        self.sent = bytearray()
        self.closed = False
        self._parts, self._last_words = list(parts), last_words

    def send(self, data: bytes) -> None:
        self.sent += data

    def receive(self, timeout_s: float | None = None) -> bytes:
        return self._parts.pop(0) if self._parts else b""

    def stderr_tail(self) -> str:
        return self._last_words

    def close(self) -> None:
        self.closed = True


class AgentChannel:
    """One connection to a host that begins a run and carries out plans; `cut` ends it.

    Args:
        marker: The word by which the agent is known to speak.
    """

    def __init__(self, marker: bytes) -> None:
        self.heard: list[Any] = []
        self._parts = [b"\n" + marker + b" ready\n" + HELLO]
        self._decoder = Decoder()
        self._is_cut = False

    def cut(self) -> None:
        """Lose the connection."""
        self._is_cut = True

    def answers(self, frame: Any) -> Iterator[dict[str, Any]]:
        """Yield what is said to a frame."""
        if "begin" in frame:
            yield {"begun": {"run": frame["begin"]}}
        elif "plan" in frame:
            yield to_message(Done(frame["run"], more=not frame["last"]))
        elif "end" in frame:
            yield {"ended": 1}

    def send(self, data: bytes) -> None:
        if self._is_cut:
            raise ConnectionLostError("reset")
        self._decoder.feed(data)
        for frame in self._decoder:
            self.heard.append(frame)
            self._parts += map(pack, self.answers(frame))

    def receive(self, timeout_s: float | None = None) -> bytes:
        return self._parts.pop(0) if self._parts and not self._is_cut else b""

    def stderr_tail(self) -> str:
        return ""

    def close(self) -> None:
        self._is_cut = True


class AgentHost:
    """A host that can be connected to again and again.

    Args:
        channel: What each connection is.
    """

    def __init__(self, channel: type[AgentChannel] = AgentChannel) -> None:
        self.connections: list[AgentChannel] = []
        self.failures: list[Exception] = []
        """Why it cannot be connected to, the last one first."""
        self._channel = channel

    def open(self, command: str) -> AgentChannel:
        if self.failures:
            raise self.failures.pop()
        script = base64.b64decode(command.split("printf %s ")[1].split(" ")[0])
        marker = re.findall(rb"\b[0-9a-f]{%d}\b" % (2 * MARKER_BYTES), script)[-1]
        self.connections.append(self._channel(marker))
        return self.connections[-1]
