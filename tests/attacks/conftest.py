"""Fixtures for attacks: a host on which `evil` and `victim` are live, restored for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provisioning.lab import Lab
from tests.attacks import neighbours as road
from tests.attacks.canaries import Canaries
from tests.attacks.index import PackageIndex, serve_index
from tests.attacks.neighbours import APPS, DOMAINS, SNAPSHOT, Neighbours
from tests.e2e.roads import lead_domains_to

Neighbourhood = Callable[..., Neighbours]


@pytest.fixture(scope="session")
def index(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    with serve_index(lab, tmp_path_factory.mktemp("index")) as served:
        yield served


@pytest.fixture(
    scope="session", params=["bookworm", pytest.param("trixie", marks=pytest.mark.thorough)]
)
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def settled(
    lab: Lab, index: PackageIndex, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], None]:
    """Return a function that has a suite's host ready to be restored; done once per suite."""
    done: set[str] = set()

    def settle(suite: str) -> None:
        if suite in done:
            return
        lab.up([f"{suite}-neighbours"], suite=suite)
        directory = tmp_path_factory.mktemp(suite) / "project"
        project = Neighbours.make(directory, lab, suite, index)
        road.travel(project)
        project.host.power_cut()
        done.add(suite)

    return settle


@pytest.fixture
def neighbourhood(
    lab: Lab, index: PackageIndex, settled: Callable[[str], None], tmp_path: Path
) -> Iterator[Neighbourhood]:
    """Return a function that gives both apps, live: `neighbourhood("trixie")`.

    At the end it is seen that no attack has reached what is root's.
    """
    given: list[tuple[Neighbours, Canaries]] = []

    def give(suite: str = "bookworm") -> Neighbours:
        settled(suite)
        project = Neighbours.make(tmp_path / "project", lab, suite, index)
        lead_domains_to(lab, project.host, DOMAINS)
        project.host.restore(SNAPSHOT)
        road.trust_index(project)
        given.append((project, Canaries(project.host, APPS)))
        return project

    yield give
    try:
        for _, canaries in given:
            canaries.must_be_untouched()
    finally:
        for project, _ in given:
            if project.deep and project.host.is_on:
                road.fell_deep_trees(project.host)
            project.host.power_cut()
