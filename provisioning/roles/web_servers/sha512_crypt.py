"""Passwords as crypt(3) hashes them with SHA-512, "$6$": what every Debian's crypt() verifies.

Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6, whose steps the
comments name. Python's own module `crypt` is gone since 3.13.
"""

from __future__ import annotations

import hashlib
import itertools

ROUNDS = 5000
"""The default, which is not written into the hash. Source: there, "default number of rounds"."""

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALT_LENGTH = 16
"""The most that is used. Source: there, "salt string"."""


def sha512_crypt(password: str, salt: str) -> str:
    """Return a password's hash: "$6$salt$...".

    Args:
        password: The password.
        salt: At most 16 characters of `ALPHABET`.
    """
    key, grain = password.encode(), salt.encode()[:SALT_LENGTH]
    digest = _first(key, grain)
    p = _repeated(hashlib.sha512(key * len(key)).digest(), len(key))  # steps 13 to 16
    s = _repeated(hashlib.sha512(grain * (16 + digest[0])).digest(), len(grain))  # 17 to 20
    for number in range(ROUNDS):  # step 21
        odd = number % 2
        parts = [p if odd else digest]
        parts += [s] if number % 3 else []
        parts += [p] if number % 7 else []
        parts += [digest if odd else p]
        digest = hashlib.sha512(b"".join(parts)).digest()
    return f"$6${salt[:SALT_LENGTH]}${_encoded(digest)}"


def salt_of(*words: str) -> str:
    """Return a salt that is always the same for the same words, and another for others.

    It must not be made of the password: whoever has the salt could then guess it faster than the
    hash permits.
    """
    digest = hashlib.sha256("\0".join(words).encode()).digest()
    return "".join(ALPHABET[each % len(ALPHABET)] for each in digest[:SALT_LENGTH])


def _first(key: bytes, salt: bytes) -> bytes:
    """Return the digest of steps 1 to 12."""
    other = hashlib.sha512(key + salt + key).digest()
    parts = [key, salt, _repeated(other, len(key))]
    length = len(key)
    while length:
        parts.append(other if length & 1 else key)
        length >>= 1
    return hashlib.sha512(b"".join(parts)).digest()


def _repeated(digest: bytes, length: int) -> bytes:
    return bytes(itertools.islice(itertools.cycle(digest), length))


def _encoded(digest: bytes) -> str:
    """Return the digest as text: three bytes at a time, in the order of step 22."""
    text = []
    for first in range(21):
        three = [first, first + 21, first + 42]
        turned = three[first % 3 :] + three[: first % 3]
        text.append(_base64([digest[each] for each in turned], 4))
    return "".join([*text, _base64([0, 0, digest[63]], 2)])


def _base64(three: list[int], length: int) -> str:
    value = three[0] << 16 | three[1] << 8 | three[2]
    return "".join(ALPHABET[value >> 6 * each & 63] for each in range(length))
