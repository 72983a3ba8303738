"""Packages with alternatives: a host that has one of them has what is wanted."""

from __future__ import annotations

import pytest

from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.resource import differences
from provisioning.resources import Packages

CLOCK = "systemd-timesyncd | chrony | ntpsec"


class Installed(Overlay):
    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def packages(self) -> dict[str, str]:
        return dict.fromkeys(self.names, "1.0")


@pytest.mark.parametrize("there", ["systemd-timesyncd", "chrony", "ntpsec"])
def test_any_of_them_will_do(there: str) -> None:
    packages = Packages("base", (CLOCK,))
    assert not differences(packages.desired(), packages.actual(Installed(there)))
    assert packages.lacking({there: "1.0"}) == []


def test_where_there_is_none_the_first_is_installed() -> None:
    packages = Packages("base", ("python3", CLOCK))
    assert packages.lacking({"python3": "3.11"}) == ["systemd-timesyncd"]
    assert differences(packages.desired(), packages.actual(Installed("python3")))
