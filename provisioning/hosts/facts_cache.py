"""The controller's cache of hosts' facts, so that a run without changes need not ask for them.

It is only a guess to plan by: the plan carries the facts' digest, and a host that has
other facts says so. Losing the file costs one exchange.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from pathlib import Path

from provisioning.agent.facts import Facts
from provisioning.cache import cache_directory


def _file(environment: str, address: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{environment}-{address}")
    return cache_directory() / "facts" / f"{name}.json"


def recall_facts(environment: str, address: str) -> Facts | None:
    """Return the facts that a host had last time, or None."""
    try:
        values = json.loads(_file(environment, address).read_text())
    except (OSError, ValueError):
        return None
    return Facts.from_json(values) if isinstance(values, dict) else None


def remember_facts(environment: str, address: str, facts: Facts) -> None:
    """Keep a host's facts for next time; where that fails, the next run asks."""
    path = _file(environment, address)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(facts.to_json(), file)
        Path(file.name).replace(path)
