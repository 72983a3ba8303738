"""Our own reader of known_hosts: every line form that sshd(8) describes, one pass, no writes.

paramiko's reader stops at `@revoked` and `@cert-authority`, matches no wildcards,
and rewrites the file that it read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from provisioning.errors import ConfigurationError

# Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
REVOKED = "@revoked"
CERTIFICATE_AUTHORITY = "@cert-authority"
HASH_PREFIX = "|1|"


@dataclass(frozen=True)
class KnownKey:
    """One line of a known_hosts file.

    Attributes:
        names: The first field: names with wildcards, or one hashed name.
        key_type: Such as "ssh-ed25519".
        key: The public key's blob.
        marker: "", "@revoked" or "@cert-authority".
        place: File and line, for messages.
        path: The file.
    """

    names: str
    key_type: str
    key: bytes
    marker: str
    place: str
    path: Path

    def is_for(self, name: str) -> bool:
        """Whether the line speaks of `name`: a lower-case host, or "[host]:port"."""
        if self.names.startswith(HASH_PREFIX):
            return _hash_matches(self.names, name)
        matched = False
        for pattern in self.names.lower().split(","):
            negated = pattern.startswith("!")
            if _pattern(pattern[negated:]).fullmatch(name):
                if negated:
                    return False
                matched = True
        return matched


class Verdict(Enum):
    """What known_hosts says of a key that a host showed."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


def read_known_hosts(paths: Iterable[Path]) -> list[KnownKey]:
    """Return the lines of all files, in order; a missing file has none.

    Raises:
        ConfigurationError: A file is there but cannot be read.
    """
    lines: list[KnownKey] = []
    for path in paths:
        try:
            status = path.stat()
            lines += _read(path, status.st_mtime_ns, status.st_size, status.st_ino)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigurationError(
                f"cannot read {path}: {error.strerror}",
                hint="make the known_hosts file readable: without it no host can be trusted",
            ) from error
    return lines


@lru_cache(maxsize=16)
def _read(path: Path, mtime_ns: int, size_bytes: int, inode: int) -> list[KnownKey]:
    """Parse one file; once for all hosts of a run, unless it was changed in between."""
    if not path.is_file():  # /dev/null, which ssh accepts
        return []
    lines = path.read_text("utf-8", "replace").splitlines()
    parsed = (_parse(line, f"{path}:{number}", path) for number, line in enumerate(lines, 1))
    return [line for line in parsed if line]


def _parse(line: str, place: str, path: Path) -> KnownKey | None:
    fields = line.split()
    if not fields or fields[0].startswith("#"):
        return None
    marker = fields.pop(0) if fields[0].startswith("@") else ""
    if len(fields) < 3:
        return None
    try:
        key = base64.b64decode(fields[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    # The type stands in the key as well; a line whose two types differ proves nothing.
    if not key.startswith(len(fields[1]).to_bytes(4, "big") + fields[1].encode()):
        return None
    return KnownKey(fields[0], fields[1], key, marker, place, path)


def judge(
    known: Sequence[KnownKey], name: str, key_type: str, key: bytes
) -> tuple[Verdict, KnownKey | None]:
    """Return the verdict on a host's key, and the line that it rests on.

    A host that is known by keys of other types only counts as changed: whoever is in
    between could otherwise show a type that was never recorded.

    Args:
        known: What `read_known_hosts` returned.
        name: `Login.known_hosts_name`.
        key_type: Type of the key that the host showed.
        key: Its blob.
    """
    lines = [line for line in known if line.is_for(name)]
    for line in lines:
        if line.marker == REVOKED and line.key == key:
            return Verdict.REVOKED, line
    plain = [line for line in lines if not line.marker]
    for line in plain:
        if line.key == key:
            return Verdict.KNOWN, line
    if plain:
        same_type = [line for line in plain if line.key_type == key_type]
        return Verdict.CHANGED, (same_type or plain)[0]
    authority = [line for line in lines if line.marker == CERTIFICATE_AUTHORITY]
    return Verdict.UNKNOWN, authority[0] if authority else None


def known_key_types(known: Sequence[KnownKey], name: str) -> list[str]:
    """Return the types of key by which `name` is known, in the order of the lines."""
    return list(
        dict.fromkeys(line.key_type for line in known if not line.marker and line.is_for(name))
    )


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a public key as `ssh-keygen -l` writes it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def hashed_name(name: str, salt: bytes) -> str:
    """Return the first field of a line that does not give the host's name away.

    Source: sshd(8) and hostfile.c: HMAC-SHA1 with a salt of 20 bytes.
    """
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"{HASH_PREFIX}{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def _hash_matches(field: str, name: str) -> bool:
    salt, _, digest = field.removeprefix(HASH_PREFIX).partition("|")
    try:
        expected = base64.b64decode(digest)
        return hmac.digest(base64.b64decode(salt), name.encode(), "sha1") == expected
    except (binascii.Error, ValueError):
        return False


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """Compile a name with `*` and `?`; a `[` means itself, unlike in a shell's pattern."""
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", text))
    return re.compile("".join(parts), re.DOTALL)
