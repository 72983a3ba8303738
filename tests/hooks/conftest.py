from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.secrets import REDACTOR


@pytest.fixture(autouse=True)
def forget_secrets() -> Iterator[None]:
    """Take back the secrets of a test: other tests print words that look like them."""
    written = set(REDACTOR._written)
    yield
    REDACTOR._written, REDACTOR._pattern = written, None
