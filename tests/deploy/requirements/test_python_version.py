"""The Python that requirements need, held against each host's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioning.deploy.requirements import Requirements
from provisioning.deploy.requirements.python_version import must_suit
from provisioning.errors import ConfigurationError, DeployRefusedError
from provisioning.inventory.models.app import App
from tests.roles.samples import BOOKWORM, TRIXIE


def _app(**options: Any) -> App:
    return App(name="shop", source=".", wsgi="app:app", domains=["shop.test"], **options)


def _needs(said: str, name: str = "uv.lock") -> Requirements:
    return Requirements(name, {name: f'requires-python = "{said}"\n'.encode()})


FLEET = {
    "web1": replace(BOOKWORM, python="3.11.2"),
    "web2": replace(TRIXIE, python="3.13.5"),
    "web3": replace(TRIXIE, python="3.13.5"),
}


@pytest.mark.parametrize(
    ("said", "refused"),
    [(">=3.11", []), (">=3.9, <4", []), ("==3.13.*", ["web1"]), (">=3.12", ["web1"]),
     ("<3.13", ["web2", "web3"]), (">=3.14", ["web1", "web2", "web3"]), (">=3.11.3", ["web1"])],
)  # fmt: skip
def test_hosts_whose_python_will_not_do_are_named(said: str, refused: list[str]) -> None:
    if not refused:
        must_suit(_needs(said), _app(), FLEET)
        return
    with pytest.raises(DeployRefusedError, match=f"to {', '.join(refused)}: ") as caught:
        must_suit(_needs(said), _app(), FLEET)
    lines = caught.value.output.splitlines()
    assert [line.partition(":")[0] for line in lines] == refused
    assert "Python 3.1" in lines[0]
    assert "uv.lock requires Python " in lines[0]


@pytest.mark.parametrize(
    ("said", "way_out"),
    [(">=3.12", 'set python = "3.12" '), (">=3.12", "Debian 13 has Python 3.13;"),
     (">=3.14", 'set python = "3.14" '), ("<3.10", "Debian 11 has Python 3.9"),
     (">=4", "no other one that uv has will do")],
)  # fmt: skip
def test_it_is_said_which_debian_would_do(said: str, way_out: str) -> None:
    with pytest.raises(DeployRefusedError) as caught:
        must_suit(_needs(said), _app(), FLEET)
    assert way_out in caught.value.hint


def test_another_python_of_the_host_is_the_one_that_counts() -> None:
    must_suit(_needs(">=3.12,<3.13"), _app(python="python3.12"), FLEET)
    must_suit(_needs(">=3.14"), _app(python="/opt/python/bin/python"), FLEET)
    with pytest.raises(DeployRefusedError):
        must_suit(_needs(">=3.14"), _app(python="/opt/python/bin/python3.12"), FLEET)
    # Debian's own by its full name: with its last number.
    must_suit(_needs(">=3.13.5"), _app(python="python3.13"), {"web2": FLEET["web2"]})


def test_a_version_is_debians_own_or_the_newest_that_uv_has() -> None:
    must_suit(_needs(">=3.12.3,<3.13"), _app(python="3.12"), FLEET)
    must_suit(_needs(">=3.11.3"), _app(python="3.13"), FLEET)
    with pytest.raises(DeployRefusedError):
        must_suit(_needs(">=3.13.9"), _app(python="3.13"), {"web2": FLEET["web2"]})
    with pytest.raises(DeployRefusedError):
        must_suit(_needs(">=3.12.3"), _app(python="3.12.2"), FLEET)


def test_only_what_is_installed_says_what_it_needs() -> None:
    must_suit(Requirements("requirements.txt", {"requirements.txt": b"flask\n"}), _app(), FLEET)
    project = {"pyproject.toml": b'[project]\nname = "x"\nrequires-python = ">=3.14"\n'}
    with pytest.raises(DeployRefusedError, match=r"web1, web2, web3"):
        must_suit(Requirements("pyproject.toml", project), _app(), FLEET)
    with pytest.raises(ConfigurationError, match="is no version specifier"):
        must_suit(_needs("3.11 or so"), _app(), FLEET)
