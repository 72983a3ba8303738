"""The content of a file; messages name it by its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Optional, Union


@dataclass(frozen=True)
class Blob:
    """The content of a file, named by its digest.

    The bytes stay behind when a plan is sent; a host that lacks them asks.

    Args:
        digest: SHA-256, in hex.
        size: In bytes.
        secret: Never shown in a diff.
        data: The bytes, on the side that has them.
    """

    digest: str
    size: int
    secret: bool = False
    data: Optional[bytes] = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, content: Union[str, bytes], *, secret: bool = False) -> Blob:
        """Name the given content."""
        data = content.encode() if isinstance(content, str) else content
        return cls(hashlib.sha256(data).hexdigest(), len(data), secret, data)

    @property
    def text(self) -> str:
        """The bytes as text, "" on the side that has not got them."""
        return (self.data or b"").decode(errors="replace")


Content = Union[str, bytes, Blob]


def as_blob(content: Content, *, secret: bool = False) -> Blob:
    """Return content as a Blob."""
    return content if isinstance(content, Blob) else Blob.of(content, secret=secret)
