"""What a build may do: its properties, as systemd understands them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.agent.builds import sandbox

MADE = sandbox.properties(
    user="hp-build-0123456789abcdef",
    name="homeport-build/app-hello",
    path="/srv/hello/venvs/0123456789abcdef",
    proxy="/run/homeport/build/hp-build-0123456789abcdef",
    staged="/var/lib/homeport/build",
)


def test_it_sees_no_network_but_the_door_and_writes_only_its_own() -> None:
    for line in (
        "DynamicUser=yes",
        "PrivateNetwork=yes",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "TemporaryFileSystem=/srv:ro",
        "TemporaryFileSystem=/run:ro",
        "BindReadOnlyPaths=/run/homeport/build/hp-build-0123456789abcdef:/run/index",
        "BindReadOnlyPaths=/var/lib/homeport/build:/run/sources",
    ):
        assert line in MADE
    assert [line for line in MADE if line.startswith(("BindPaths=", "ReadWritePaths="))] == [
        "BindPaths=/var/lib/private/homeport-build/app-hello:/srv/hello/venvs/0123456789abcdef"
    ]
    # All of it ends with it, and none of it is without bounds.
    names = {line.partition("=")[0] for line in MADE}
    assert {"MemoryMax", "TasksMax", "RuntimeMaxSec", "KillMode"} <= names
    assert "KillMode=control-group" in MADE


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_every_property_and_finds_it_hardly_exposed(tmp_path: Path) -> None:
    path = tmp_path / "build.service"
    path.write_text("\n".join(["[Service]", "ExecStart=/bin/true", *MADE]) + "\n")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True
    )
    said = [line for line in verified.stderr.splitlines() if str(tmp_path) in line]
    assert (verified.returncode, said) == (0, [])
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", path],
        capture_output=True, text=True,
    )  # fmt: skip
    assert scored.returncode == 0, scored.stdout[-300:]
