"""The keys to log in with: from ssh-agent and from files, in the order in which ssh tries them.

Each file is read, and each passphrase asked for, once per process: an encrypted
Ed25519 key costs a third of a second of CPU.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import paramiko

from provisioning.secrets import Secret
from provisioning.transport.login import ssh_agent
from provisioning.transport.login.login import Login
from provisioning.transport.login.ssh_agent import Identity, SshAgentError, split_string

# Asks for the passphrase of a key file; None if nobody can be asked.
AskPassphrase = Callable[[Path], Secret | None]
# Source: PROTOCOL.key of OpenSSH; the public key follows, readable without the passphrase.
OPENSSH_MAGIC = b"openssh-key-v1\0"
MAX_KEY_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Candidate:
    """A key to try, and what messages call it."""

    label: str
    key: paramiko.PKey


class SshAgentKey(paramiko.PKey):
    """A key that stays in ssh-agent; looks to paramiko like one of its own."""

    def __init__(self, socket_path: str, identity: Identity) -> None:
        self.public_blob = None
        self._socket_path = socket_path
        self._blob = identity.blob

    def asbytes(self) -> bytes:
        """Return the public key's blob."""
        return self._blob

    def get_name(self) -> str:
        """Return the key's type, which is the first string in its blob."""
        return split_string(self._blob)[0].decode("ascii", "replace")

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        """Let the agent sign.

        Raises:
            SshAgentError: The agent or the person refused.
        """
        signature = ssh_agent.sign(self._socket_path, self._blob, data, algorithm or "")
        return paramiko.Message(signature)


class KeyRing:
    """The keys of this process; shared by all connections, safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[tuple[Path, bool], paramiko.PKey | str] = {}
        self._listed: dict[str, list[Identity]] = {}

    def candidates(
        self, login: Login, ask_passphrase: AskPassphrase | None, notes: list[str]
    ) -> Iterator[Candidate]:
        """Yield the keys to try: the agent's (those of the identity files first), then the files'.

        Args:
            login: Whose identity files, and whether they alone.
            ask_passphrase: Asked for a key file that needs one, after all others.
            notes: Takes a line for each key that could not be used, for messages.
        """
        socket = ssh_agent.socket_path(login.agent_socket)
        held = {identity.blob: identity for identity in self._identities(socket, notes)}
        files = [(path, public_blob(path)) for path in login.identity_files]
        wanted = [blob for _, blob in files if blob in held]
        if not login.identities_only:
            wanted += held
        for blob in dict.fromkeys(wanted):
            assert socket
            label = f"{held[blob].comment or 'a key'} (ssh-agent)"
            yield Candidate(label, SshAgentKey(socket, held[blob]))
        locked: list[Path] = []
        for path, public in files:
            if public in held or path.suffix == ".pub" or not path.is_file():
                continue
            found = self._load(path, None)
            if found is None:
                locked.append(path)
            elif isinstance(found, str):
                notes.append(f"{path} {found}")
            else:
                yield Candidate(str(path), found)
        for path in locked:
            found = self._load(path, ask_passphrase) if ask_passphrase else None
            if isinstance(found, paramiko.PKey):
                yield Candidate(str(path), found)
            else:
                notes.append(f"{path} {found or 'needs its passphrase (ssh-add it)'}")

    def _identities(self, socket: str | None, notes: list[str]) -> list[Identity]:
        if not socket:
            return []
        with self._lock:
            if socket not in self._listed:
                try:
                    self._listed[socket] = ssh_agent.identities(socket)
                except SshAgentError as error:
                    notes.append(str(error))
                    self._listed[socket] = []
            return self._listed[socket]

    def _load(self, path: Path, ask: AskPassphrase | None) -> paramiko.PKey | str | None:
        """Return the key; or why it cannot be read; or None if it needs a passphrase."""
        with self._lock:
            if (path, True) in self._loaded:
                return self._loaded[path, True]
            if ask is None and (path, False) in self._loaded:
                return self._loaded[path, False]
            passphrase = ask(path) if ask else None
            if ask and passphrase is None:
                return None
            found = _read_key(path, passphrase)
            if found is not None:
                self._loaded[path, passphrase is not None] = found
            return found


def _read_key(path: Path, passphrase: Secret | None) -> paramiko.PKey | str | None:
    # The annotation says str, but what it is handed to takes bytes alone.
    password = cast("str", passphrase.reveal().encode()) if passphrase else None
    try:
        return paramiko.PKey.from_path(path, password)
    except TypeError:  # cryptography's word for "it is encrypted"
        return None
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
        return (
            "cannot be decrypted with that passphrase"
            if passphrase
            else "is in a format that Homeport cannot read"
        )


def public_blob(path: Path) -> bytes | None:
    """Return the public key that belongs to an identity file, as far as it can be seen.

    It stands in the file itself if that is a public key or OpenSSH's own form of a
    private key, else in the file of the same name with ".pub".
    """
    for candidate in (path, path.with_name(f"{path.name}.pub")):
        try:
            with candidate.open("rb") as file:
                text = file.read(MAX_KEY_FILE_BYTES)
        except OSError:
            continue
        if blob := _blob_in(text):
            return blob
    return None


def _blob_in(text: bytes) -> bytes | None:
    try:
        if not text.startswith(b"-----"):
            fields = text.split()
            return base64.b64decode(fields[1], validate=True) if len(fields) > 1 else None
        lines = text.split(b"-----")[2]
        data = base64.b64decode(lines)
        if not data.startswith(OPENSSH_MAGIC):
            return None
        rest = data[len(OPENSSH_MAGIC) :]
        for _ in ("cipher", "key derivation", "its options"):
            _, rest = split_string(rest)
        return split_string(rest[4:])[0]  # after the number of keys, which is one
    except (ValueError, IndexError, binascii.Error):
        return None
