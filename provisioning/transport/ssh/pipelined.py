"""Log in and start a program without waiting for the answers in between.

paramiko waits after each of: the request for the service, the authentication, the
channel, the program. Sent in one go they cost two round trips instead of five (two,
because sshd holds its second small packet until the first is acknowledged).

This needs what paramiko keeps to itself. Should a release lack any of it, `supported`
says so, and the callers take the public road, which is slower and otherwise the same.
"""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST

# sshd numbers its channels from 0, and ours is the first of its connection. Other
# servers may number otherwise, or hang up on what comes before the login.
OPENSSH_VERSION_PREFIX = "SSH-2.0-OpenSSH_"
FIRST_CHANNEL_ID = 0

_PRIVATE = {
    AuthHandler: ("_request_auth", "_parse_service_accept", "_client_handler_table"),
    paramiko.Transport: ("_next_channel", "_send_user_message", "_sanitize_window_size"),
    paramiko.Channel: ("_set_transport", "_set_window", "_request_success", "_request_failed"),
}


def supported() -> bool:
    """Whether this paramiko has what is needed here."""
    return all(hasattr(kind, name) for kind, names in _PRIVATE.items() for name in names)


def understood_by(transport: paramiko.Transport) -> bool:
    """Whether the server is known to take requests ahead of its answers."""
    return supported() and transport.remote_version.startswith(OPENSSH_VERSION_PREFIX)


class EagerAuthHandler(AuthHandler):
    """Sends the authentication along with the request for the service, and that only once.

    Args:
        transport: The connection, its keys exchanged and the host's key checked.
        request_service: Whether the service has still to be asked for.
    """

    def __init__(self, transport: paramiko.Transport, *, request_service: bool) -> None:
        super().__init__(transport)
        self._request_service = request_service

    def _request_auth(self) -> None:
        base: Any = super()
        if self._request_service:
            base._request_auth()
        # As if the service had been granted: paramiko then sends the authentication.
        granted = paramiko.Message()
        granted.add_string("ssh-userauth")
        granted.rewind()
        base._parse_service_accept(granted)

    def _parse_service_accept(self, message: paramiko.Message) -> None:
        """Do nothing: what follows the grant is on its way already."""


class EagerProgram:
    """The first channel of a connection and its program, asked for ahead of the login.

    Args:
        transport: The connection.
        command: What the login user's shell is to run.
    """

    def __init__(self, transport: paramiko.Transport, command: str) -> None:
        self._command = command
        self._transport = cast("Any", transport)
        self._opened = threading.Event()
        with transport.lock:
            self._window = self._transport._sanitize_window_size(None)
            self._packet = self._transport._sanitize_packet_size(None)
            number = self._transport._next_channel()
            self._channel = paramiko.Channel(number)
            channel: Any = self._channel
            self._transport._channels.put(number, self._channel)
            transport.channel_events[number] = self._opened
            transport.channels_seen[number] = True
            channel._set_transport(transport)
            channel._set_window(self._window, self._packet)

    def request(self) -> None:
        """Send both requests; again if a login was refused, for then they were refused too.

        Source: RFC 4254, sections 5.1 and 6.5.
        """
        opening = paramiko.Message()
        opening.add_byte(cMSG_CHANNEL_OPEN)
        opening.add_string("session")
        opening.add_int(self._channel.chanid)
        opening.add_int(self._window)
        opening.add_int(self._packet)
        self._channel.event.clear()
        self._channel.event_ready = False
        self._transport._send_user_message(opening)
        self._transport._send_user_message(exec_request(FIRST_CHANNEL_ID, self._command))

    def wait(self, timeout_s: float) -> paramiko.Channel:
        """Return the channel once its program runs.

        Raises:
            paramiko.SSHException: The server refused, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        opened = self._opened.wait(timeout_s)
        if not self._channel.active or not self._transport.is_active():
            raise self._transport.get_exception() or paramiko.SSHException(
                "the server closed the connection" if opened else "the server does not answer"
            )
        wait_for_program(self._channel, deadline - time.monotonic())
        return self._channel


def exec_request(channel_id: int, command: str) -> paramiko.Message:
    """Return the request to run a command on the server's channel of that number."""
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_REQUEST)
    request.add_int(channel_id)
    request.add_string("exec")
    request.add_boolean(True)
    request.add_string(command)
    return request


def wait_for_program(channel: paramiko.Channel, timeout_s: float) -> None:
    """Return once the server says that the program runs.

    Raises:
        paramiko.SSHException: The server refused, or did not answer in time.
    """
    answered = channel.event.wait(max(timeout_s, 0))
    if not channel.event_ready:
        failure = channel.get_transport().get_exception()
        raise failure or paramiko.SSHException(
            "the server refused to run a program" if answered else "the server does not answer"
        )
