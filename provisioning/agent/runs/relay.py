"""Between a controller and a run in the background: frames go both ways, unread."""

from __future__ import annotations

import select
import socket
from typing import Callable, Optional

from provisioning.agent import events, layout
from provisioning.agent.runs import journal
from provisioning.agent.runs.inbox import Inbox
from provisioning.agent.runs.messages import Begun, Failed, RunEnded, RunInfo, Submit, message_of
from provisioning.agent.runs.outbox import Outbox
from provisioning.agent.runs.wire import Decoder, Frame, pack, pack_blob

LOOK_UP_S = 1.0
ABOUT_TIMEOUT_S = 10.0

ENDED = pack(message_of(RunEnded()))


def relay(
    run: str,
    inbox: Inbox,
    outbox: Outbox,
    write: Callable[[bytes], None],
    *,
    owner: bool,
    after: int = 0,
    first: Optional[Submit] = None,
) -> None:
    """Pass on the messages of the run until it ends or the controller is gone.

    Args:
        run: Its id.
        inbox: From the controller; what it says is passed on if it owns the run.
        outbox: To the controller.
        write: Writes frames to the controller as they are.
        owner: Whether the run is the controller's own.
        after: How many of the run's messages the controller has heard already.
        first: What the run is told before anything else.
    """
    connection = _connect()
    if connection is None:
        replay(run, outbox, owner=owner)
        return
    with connection:
        connection.sendall(pack({"owner": owner, "after": after}))
        if first is not None:
            _send(connection, message_of(first))
        if owner:
            inbox.forward_to(lambda frame: _send(connection, frame))
        ended = _pass_on(connection, inbox, outbox, write)
        # Before the last word: whoever has heard it may ask us something at once.
        inbox.keep()
        if ended:
            outbox.send(RunEnded())
        elif not inbox.gone:
            # It may have come to its end without a chance to say so here.
            replay(run, outbox, owner=True)
    if inbox.gone:
        # A controller that was only asleep finds the connection ended, and comes back.
        inbox.close()


def replay(run: str, outbox: Outbox, *, owner: bool) -> None:
    """Repeat the messages of a run that is over, and how it ended.

    Args:
        run: Its id.
        outbox: To the controller.
        owner: It has heard the beginning, and only wants to know the end.
    """
    said = journal.events_of(run)
    last = said[-1] if said else None
    ended = isinstance(last, events.Done) and not last.more
    if not owner:
        outbox.send(Begun(RunInfo(run)))
    for event in said:
        # What has failed since the owner heard of it last, or its command would not say so.
        has_failed = isinstance(event, events.Finished) and event.status == events.FAILED
        if not owner or (ended and (event is last or has_failed)):
            outbox.send(event)
    outbox.send(RunEnded() if ended else died())


def current_run() -> Optional[RunInfo]:
    """Return the run in the background, or None if there is none."""
    connection = _connect()
    if connection is None:
        return None
    with connection:
        connection.settimeout(ABOUT_TIMEOUT_S)
        try:
            connection.sendall(pack({"owner": False}))
            decoder = Decoder()
            while True:
                data = connection.recv(1 << 16)
                if not data:
                    return None
                decoder.feed(data)
                for frame in decoder:
                    if isinstance(frame, dict) and "begun" in frame:
                        return RunInfo(**frame["begun"])
        except OSError:
            return None


def _connect() -> Optional[socket.socket]:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(layout.RUN_SOCKET)
    except OSError:
        connection.close()
        return None
    return connection


def _pass_on(
    connection: socket.socket, inbox: Inbox, outbox: Outbox, write: Callable[[bytes], None]
) -> bool:
    """Pass on what the run says, unread, up to its word that there will be no more.

    Returns:
        Whether it said so; if not, the run has died, or the controller is gone.
    """
    decoder = Decoder()
    # An owner's word to stop is passed on; whoever only listens stops listening.
    while not (inbox.gone or inbox.stopped):
        if not select.select([connection], [], [], LOOK_UP_S)[0]:
            continue
        try:
            data = connection.recv(1 << 16)
        except OSError:
            return False
        if not data:
            return False
        decoder.feed(data)
        for frame in decoder.unread():
            if frame == ENDED:
                return True
            write(frame)
    if inbox.stopped:
        outbox.event(events.Done("", stopped=True))
    return inbox.stopped


def _send(connection: socket.socket, frame: Frame) -> None:
    data = pack_blob(frame[1]) if isinstance(frame, tuple) else pack(frame)
    try:
        connection.sendall(data)
    except OSError:
        return  # The other direction says what has become of the run.


def died() -> Failed:
    """Return the failure of a run that did not finish."""
    return Failed(
        "the run on the host ended without a result: it was killed, or the host went down",
        hint="run it again: that completes what was interrupted",
        died=True,
    )
