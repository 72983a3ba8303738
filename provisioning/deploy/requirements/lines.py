"""The text of a requirements file as pip and uv take it: encoding, lines, names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from provisioning.errors import ConfigurationError

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Beginning of a file -> its encoding; that of UTF-32 begins with that of UTF-16."""

CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
"""In one of the first two lines, a comment. Source: PEP 263, which pip follows."""

COMMENT = re.compile(r"(?:^|[ \t])#.*$")
EDITABLE_FROM_GIT = re.compile(
    r"^([ \t]*)(?:-e[ \t]*|--editable[ \t=]+)((?:git|hg|svn|bzr)\+)", re.MULTILINE
)
"""Sources: pip's "Requirements File Format", "VCS Support"."""


def is_toml(name: str) -> bool:
    """Return whether a file of the requirements is a lock file or a project's description."""
    return PurePosixPath(name).suffix in (".lock", ".toml")


def as_uv_reads_it(path: Path, content: bytes) -> bytes:
    """Return a requirements file in UTF-8, with each line in a form that uv knows.

    uv takes no editable package from git, as `pip freeze` writes them. In a virtualenv that never
    changes such a package is one like any other.

    Args:
        path: The file, for the message.
        content: What is in it.

    Raises:
        ConfigurationError: it is not in the encoding that it says, or in none.
    """
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the requirements {path}: {error}",
            hint="save the file in UTF-8",
        ) from None
    return EDITABLE_FROM_GIT.sub(r"\1\2", text).encode()


def _encoding(content: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    for line in content.split(b"\n")[:2]:
        coding = CODING.search(line) if line.lstrip().startswith(b"#") else None
        if coding:
            return coding[1].decode()
    return "utf-8"


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and content of each line, those that go on joined, without comments.

    Source: pip's "Requirements File Format".
    """
    begun, parts = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        begun = begun if parts else number
        goes_on = line.endswith("\\") and not line.lstrip().startswith("#")
        parts.append(line[:-1] if goes_on else line)
        if not goes_on:
            joined = COMMENT.sub("", " ".join(parts)).strip()
            parts = []
            if joined:
                yield begun, joined


def normalised(name: str) -> str:
    """Return a name in the one form in which names are compared. Source: PEP 503, PEP 685."""
    return re.sub(r"[-_.]+", "-", name).lower()
