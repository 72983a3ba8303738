"""What a person reads of resources and releases."""

from __future__ import annotations

import pytest

from provisioning.report.names import readable_id, short_release


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("one-off:hello/20260102T030405.000Z-abcdef0 import", "run:hello/abcdef0 import"),
        ("one-off:hello/20260102T030405.000Z-nocommit import", "run:hello/20260102T030405 import"),
        ("one-off:hello/20260102T030405.000Z-0000000 import", "run:hello/20260102T030405 import"),
        ("release:hello/20260102T030405.000Z-abcdef0", "release:hello/abcdef0"),
        ("old-releases:hello after", "earlier releases:hello after"),
        ("file:/etc/motd", "file:/etc/motd"),
        ("", ""),
    ],
)
def test_an_id_is_read_in_words(id: str, words: str) -> None:
    assert readable_id(id) == words


def test_what_is_no_release_stays() -> None:
    assert short_release("stopped") == "stopped"
