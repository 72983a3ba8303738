"""Requirements files as Windows, pip freeze and old editors write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deploy.requirements import read_requirements
from provisioning.errors import ConfigurationError

TEXT = "flask==3.1.0  # grün\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    """PowerShell's `pip freeze > requirements.txt` writes UTF-16."""
    (tmp_path / "requirements.txt").write_bytes(TEXT.encode(encoding))
    found = read_requirements(tmp_path, "requirements.txt")
    assert found.files == {"requirements.txt": TEXT.encode()}


def test_a_file_may_say_its_encoding(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\n" + TEXT
    (tmp_path / "requirements.txt").write_bytes(text.encode("latin-1"))
    assert (
        read_requirements(tmp_path, "requirements.txt").files["requirements.txt"].decode() == text
    )


@pytest.mark.parametrize("content", [TEXT.encode("latin-1"), b"# coding: nonsense\nflask\n"])
def test_a_file_in_no_known_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "requirements.txt").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"requirements\.txt: ") as caught:
        read_requirements(tmp_path, "requirements.txt")
    assert caught.value.hint == "save the file in UTF-8"


@pytest.mark.parametrize("before", ["-e ", "-e", "--editable=", "--editable "])
def test_what_is_editable_from_git_is_a_package_like_any_other(tmp_path: Path, before: str) -> None:
    url = "git+https://example.com/lib.git@v1#egg=lib"
    (tmp_path / "requirements.txt").write_text(f"flask\n{before}{url}\n")
    found = read_requirements(tmp_path, "requirements.txt")
    assert found.files["requirements.txt"].decode() == f"flask\n{url}\n"
