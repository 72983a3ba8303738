"""The listeners of a run in the background; one of them may also send it plans."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from typing import List, Optional, Tuple

from provisioning.agent import events, layout
from provisioning.agent.runs.inbox import Inbox, frames
from provisioning.agent.runs.messages import Begun, Failed, Response, RunEnded, RunInfo, message_of
from provisioning.agent.runs.wire import Message, pack

LAST_WORDS_S = 10.0
"""How long a run that is over waits for a slow listener."""


def forget() -> None:
    """Remove the socket of a run that was killed; the caller has the host's lock."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.RUN_SOCKET)


def listen() -> socket.socket:
    """Return the socket on which a run can be reached; the caller has the host's lock."""
    forget()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # In a directory that only root can enter.
    listening.bind(layout.RUN_SOCKET)
    listening.listen(16)
    return listening


class Listeners:
    """Sends every message to all listeners; a late one first gets all earlier messages.

    Args:
        listening: See `listen`.
        about: Said first.
    """

    def __init__(self, listening: socket.socket, about: RunInfo) -> None:
        self._listening = listening
        self._lock = threading.Lock()
        # Frame, and whether it is for everybody: queries are answered to who asked.
        self._said: List[Tuple[bytes, bool]] = [(pack(message_of(Begun(about))), True)]
        self._all: List[_Listener] = []
        self._accepting = False

    def accept(self, inbox: Inbox) -> None:
        """Accept listeners from now on, in threads; the owner's messages go to the inbox."""
        if self._accepting:
            return
        self._accepting = True

        def accept() -> None:
            while True:
                try:
                    connection, _ = self._listening.accept()
                except OSError:
                    return
                threading.Thread(target=self._serve, args=(connection, inbox), daemon=True).start()

        threading.Thread(target=accept, daemon=True, name="accept").start()

    def __call__(self, said: Response) -> None:
        """Send a message."""
        public = isinstance(said, (*events.EVENTS, Failed, RunEnded))
        frame = pack(message_of(said))
        with self._lock:
            self._said.append((frame, public))
            for listener in self._all:
                if public or listener.owner:
                    listener.frames.put(frame)

    def end(self) -> None:
        """Say that nothing more will come, and wait until it was heard."""
        self._listening.close()
        self(RunEnded())
        with self._lock:
            listeners = list(self._all)
        for listener in listeners:
            listener.frames.put(None)
        for listener in listeners:
            listener.sender.join(LAST_WORDS_S)

    def _serve(self, connection: socket.socket, inbox: Inbox) -> None:
        listener: Optional[_Listener] = None
        for frame in frames(connection.fileno()):
            if listener is None:
                listener = self._add(connection, frame if isinstance(frame, dict) else {})
            elif listener.owner:
                inbox.take(frame)
        with self._lock:
            if listener in self._all:
                self._all.remove(listener)
        if listener is not None:
            listener.frames.put(None)

    def _add(self, connection: socket.socket, hello: Message) -> _Listener:
        """Take in a listener.

        Args:
            connection: To it.
            hello: "owner": it began the run; "after": how many messages it has heard.
        """
        listener = _Listener(connection, bool(hello.get("owner")))
        with self._lock:
            said = self._said[int(hello.get("after", 0)) :] if listener.owner else self._said
            for frame, public in said:
                if public or listener.owner:
                    listener.frames.put(frame)
            self._all.append(listener)
        listener.sender.start()
        return listener


class _Listener:
    def __init__(self, connection: socket.socket, owner: bool) -> None:
        self.owner = owner
        self.frames: queue.SimpleQueue[Optional[bytes]] = queue.SimpleQueue()
        self._connection = connection
        # One that reads slowly holds up neither the run nor the others.
        self.sender = threading.Thread(target=self._send, daemon=True)

    def _send(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                frame = self.frames.get()
                if frame is None:
                    # The other side reads the end; it hears no more.
                    self._connection.shutdown(socket.SHUT_WR)
                    return
                self._connection.sendall(frame)
