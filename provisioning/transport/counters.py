"""The cost of a connection, for the summary and for tests of its limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counters:
    """Counts of one connection, or of many added up.

    Attributes:
        connections: TCP connections (or proxy commands) opened.
        channels: SSH channels opened, one program each.
        bytes_sent: Bytes handed to the network, encrypted and with the handshake.
        bytes_received: Bytes taken from the network, likewise.
        turns: Times that something came back after something was sent, the TCP
            handshake included: the round trips really waited for.
    """

    connections: int = 0
    channels: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    turns: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.connections + other.connections,
            self.channels + other.channels,
            self.bytes_sent + other.bytes_sent,
            self.bytes_received + other.bytes_received,
            self.turns + other.turns,
        )
