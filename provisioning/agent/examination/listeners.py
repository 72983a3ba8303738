"""The ports on which programs of this host wait.

Read from /proc, since a bare host need not have `ss`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import struct
from typing import Dict, Iterator, List, Tuple

from provisioning.agent.answers import Listener

TABLES = (("tcp", "tcp", "0A"), ("tcp", "tcp6", "0A"), ("udp", "udp", "07"), ("udp", "udp6", "07"))
"""Protocol, file below /proc/net, and state of sockets that wait: TCP_LISTEN, and of UDP TCP_CLOSE.

Source: proc(5), /proc/net/tcp; Linux, include/net/tcp_states.h.
"""

MOST = 500
"""Listeners that are told: a hostile app could open any number."""

Row = Tuple[str, str, int, int, str]
"""Protocol, address, port, user id, inode."""


def listeners() -> Tuple[Listener, ...]:
    """Return all of them, without repetitions, those that others can reach first."""
    rows = [row for table in TABLES for row in _rows(*table)]
    programs = _programs({row[4] for row in rows})
    found = {
        Listener(protocol, address, port, programs.get(inode, ""), _user(user_id))
        for protocol, address, port, user_id, inode in rows
    }
    return tuple(sorted(found, key=lambda each: (_is_local(each.address), each))[:MOST])


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _rows(protocol: str, table: str, state: str) -> Iterator[Row]:
    with contextlib.suppress(OSError), open(f"/proc/net/{table}") as lines:
        next(lines)
        for line in lines:
            fields = line.split()
            # A connected socket of UDP has another state; one that waits has no other end.
            if fields[3] == state and fields[2].endswith(":0000"):
                address, port = fields[1].split(":")
                yield protocol, _address(address), int(port, 16), int(fields[7]), fields[9]


def _address(text: str) -> str:
    """Return an address. The kernel prints it in words of 32 bits, each in the host's order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def _programs(inodes: "set[str]") -> Dict[str, str]:
    """Return inode of a socket -> name of a process that has it open."""
    found: Dict[str, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for inode in _sockets(pid):
            if inode in inodes and inode not in found:
                with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
                    found[inode] = file.read(64).strip()
    return found


def _sockets(pid: str) -> List[str]:
    found = []
    with contextlib.suppress(OSError):
        for each in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{each}")
                if target.startswith("socket:["):
                    found.append(target[len("socket:[") : -1])
    return found


def _user(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)
