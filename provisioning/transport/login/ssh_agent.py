"""A client of ssh-agent: list its keys, let it sign. Thread-safe: one connection per question."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass

# Source: draft-ietf-sshm-ssh-agent, sections 5.1 and 5.2.
REQUEST_IDENTITIES, IDENTITIES_ANSWER = 11, 12
SIGN_REQUEST, SIGN_RESPONSE = 13, 14
RSA_SHA2_256, RSA_SHA2_512 = 2, 4
# A key that must be touched, or confirmed by a person, takes its time.
SIGN_TIMEOUT_S = 60.0
LIST_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 1 << 20


class SshAgentError(Exception):
    """The agent is gone, refused, or speaks something else."""


@dataclass(frozen=True)
class Identity:
    """A key that an agent holds: its public blob, and the comment that names it."""

    blob: bytes
    comment: str


def socket_path(setting: str | None) -> str | None:
    """Return the path that `IdentityAgent` means, or None for no agent.

    Args:
        setting: A path, "SSH_AUTH_SOCK", "$NAME" of an environment variable, or None.
    """
    if setting == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK")
    if setting and setting.startswith("$"):
        return os.environ.get(setting[1:].strip("{}"))
    return setting


def identities(path: str) -> list[Identity]:
    """Return the keys of the agent at a socket's path, in the agent's order.

    Raises:
        SshAgentError: No agent answers there.
    """
    answer = _ask(path, bytes([REQUEST_IDENTITIES]), IDENTITIES_ANSWER, LIST_TIMEOUT_S)
    found: list[Identity] = []
    rest = answer[4:]
    try:
        for _ in range(struct.unpack_from(">I", answer)[0]):
            blob, rest = split_string(rest)
            comment, rest = split_string(rest)
            found.append(Identity(blob, comment.decode("utf-8", "replace")))
    except (struct.error, ValueError) as error:
        raise SshAgentError(f"the ssh-agent at {path} sent no list of keys") from error
    return found


def sign(path: str, blob: bytes, data: bytes, algorithm: str) -> bytes:
    """Let the agent sign `data` with one of its keys, and return the signature's blob.

    Args:
        path: The agent's socket.
        blob: The public key.
        data: What to sign.
        algorithm: Signature algorithm; matters for RSA keys only.

    Raises:
        SshAgentError: The agent or the person refused, or the agent is gone.
    """
    flags = RSA_SHA2_512 * algorithm.startswith("rsa-sha2-512") + RSA_SHA2_256 * (
        algorithm.startswith("rsa-sha2-256")
    )
    request = bytes([SIGN_REQUEST]) + string(blob) + string(data) + struct.pack(">I", flags)
    return split_string(_ask(path, request, SIGN_RESPONSE, SIGN_TIMEOUT_S))[0]


def string(data: bytes) -> bytes:
    """Return `data` with its length before it. Source: RFC 4251, section 5."""
    return struct.pack(">I", len(data)) + data


def split_string(data: bytes) -> tuple[bytes, bytes]:
    """Return the string at the head of `data`, and what follows it.

    Raises:
        ValueError: `data` ends within the string.
    """
    if len(data) < 4 or len(data) - 4 < (length := int.from_bytes(data[:4], "big")):
        raise ValueError("the data ends within a string")
    return data[4 : 4 + length], data[4 + length :]


def _ask(path: str, request: bytes, expected: int, timeout_s: float) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            agent.settimeout(timeout_s)
            agent.connect(path)
            agent.sendall(string(request))
            stream = agent.makefile("rb")
            size_bytes = int.from_bytes(stream.read(4), "big")
            answer = stream.read(min(size_bytes, MAX_ANSWER_BYTES))
    except OSError as error:
        raise SshAgentError(f"no ssh-agent answers at {path}: {error}") from error
    if not answer or answer[0] != expected or len(answer) != size_bytes:
        raise SshAgentError(f"the ssh-agent at {path} refused")
    return answer[1:]
