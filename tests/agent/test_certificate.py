"""What a certbot that was killed has left."""

from __future__ import annotations

import os
import time
from pathlib import Path

from provisioning.agent.resources.certificate import Certificate
from provisioning.agent.system import System


def test_answers_to_an_authority_that_nobody_waits_for_are_removed(root: Path) -> None:
    challenges = root / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    began = time.time()
    for name, age_s in (("left", 1), ("of now", -1)):
        (challenges / name).touch()
        os.utime(challenges / name, (began - age_s, began - age_s))
    Certificate("hello", ("hello.test",), "https://authority", webroot=str(root))._sweep(
        System(), began
    )
    assert [each.name for each in challenges.iterdir()] == ["of now"]
