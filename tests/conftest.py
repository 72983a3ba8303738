"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.secrets import REDACTOR

pytest_plugins = ["tests.lab_fixtures"]


@pytest.fixture(autouse=True)
def secrets_of_this_test_only() -> Iterator[None]:
    """Have the process's redactor forget what a test's secrets were."""
    written, pattern = set(REDACTOR._written), REDACTOR._pattern
    yield
    REDACTOR._written, REDACTOR._pattern = written, pattern
