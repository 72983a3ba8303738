"""Servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.transport.sshd import Sshd


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One sshd for all tests that only log in to it."""
    server = Sshd(tmp_path_factory.mktemp("sshd"), host_keys=("ed25519", "ecdsa", "rsa")).start()
    yield server
    server.stop()


@pytest.fixture
def sshd(shared_sshd: Sshd) -> Iterator[Sshd]:
    """The shared sshd, trusted by nobody yet."""
    accepted = shared_sshd.authorized_keys.read_text()
    shared_sshd.known_hosts.unlink(missing_ok=True)
    yield shared_sshd
    shared_sshd.authorized_keys.write_text(accepted)


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start an sshd with options of its own; ended after the test."""
    servers: list[Sshd] = []

    def start(**options: Any) -> Sshd:
        servers.append(Sshd(tmp_path / f"sshd{len(servers)}", **options))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()
