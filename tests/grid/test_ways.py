"""A rollback leads from each app server to each other one, and visitors do not notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.grid.cell import Cell
from tests.grid.rows import ROWS
from tests.suites import BOTH


@pytest.mark.lab
@pytest.mark.thorough
@pytest.mark.parametrize("suite", BOTH)
def test_a_rollback_leads_from_each_server_to_each_other(
    lab: Lab, tmp_path: Path, suite: str
) -> None:
    cell = Cell(lab, tmp_path / f"ways-{suite}", "nginx", suite)
    try:
        result = cell.try_ways(ROWS)
    finally:
        cell.close()
    assert result.is_good, result
    assert result.rollbacks == len(ROWS) * (len(ROWS) - 1)
