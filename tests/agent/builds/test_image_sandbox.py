"""What the build of an image may do: its properties, as systemd understands them."""

from __future__ import annotations

from provisioning.agent.builds import image_sandbox

MADE = image_sandbox.properties(
    work="/var/cache/private/homeport-build/image-hello",
    context="/var/lib/private/homeport-build/image-hello",
    bases={"/var/lib/images/debian.tar": "/srv/bases/0"},
    proxy="/run/homeport/build",
)


def test_it_sees_no_network_but_the_door_and_writes_only_its_own() -> None:
    for line in (
        "PrivateNetwork=yes",
        "NoNewPrivileges=yes",
        "ProtectHome=yes",
        "ProtectProc=invisible",
        "PrivateDevices=yes",
        "TemporaryFileSystem=/srv:ro",
        "TemporaryFileSystem=/run:ro",
        "BindReadOnlyPaths=/var/lib/private/homeport-build/image-hello:/srv/context",
        "BindReadOnlyPaths=/var/lib/images/debian.tar:/srv/bases/0",
        "BindReadOnlyPaths=/run/homeport/build:/run/index",
    ):
        assert line in MADE
    assert [line for line in MADE if line.startswith(("BindPaths=", "ReadWritePaths="))] == [
        "BindPaths=/var/cache/private/homeport-build/image-hello:/srv/work"
    ]


def test_of_roots_rights_it_has_those_that_make_a_namespace() -> None:
    assert [each for each in MADE if each.startswith("CapabilityBoundingSet=")] == [
        "CapabilityBoundingSet=CAP_SETUID CAP_SETGID"
    ]
    assert not [each for each in MADE if each.startswith(("DynamicUser=", "User=", "Delegate="))]


def test_all_of_it_ends_with_it_and_none_of_it_is_without_bounds() -> None:
    names = {line.partition("=")[0] for line in MADE}
    assert {"MemoryMax", "TasksMax", "RuntimeMaxSec", "OOMPolicy"} <= names
    assert "KillMode=control-group" in MADE
