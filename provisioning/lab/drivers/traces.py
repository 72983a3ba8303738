"""Remove what a lab left on the machine, also when nothing of the lab itself is left."""

from __future__ import annotations

import contextlib
from pathlib import Path

from provisioning.lab import cgroups, network, registry
from provisioning.lab.layers import mounts_below, unmount
from provisioning.lab.state import LabPaths

# systemd-nspawn keeps a directory and a lock per guest here, and leaves them
# there when it is killed.
_NSPAWN_RUN = Path("/run/systemd/nspawn")


def remove(lab_id: str, directory: Path) -> None:
    """Remove processes, mounts, namespaces, links and rules of one lab.

    Args:
        lab_id: The lab; everything outside its directory carries this id.
        directory: Its directory; what is mounted in there is unmounted.

    Raises:
        HomeportError: Something does not go away.
    """
    cgroups.kill(cgroups.lab_group(lab_id))
    for point in mounts_below(directory):
        if point.name == "root":
            remove_nspawn_files(network.namespace(lab_id, point.parent.name), point)
        unmount(point)
    # Of guests whose disk was unmounted before we came.
    for left in (_NSPAWN_RUN / "propagate").glob(f"{network.bridge(lab_id)}-*"):
        left.rmdir()
    network.tear_down(lab_id)
    registry.leave(lab_id)


def remove_orphans() -> None:
    """Remove all labs whose directory was deleted under them."""
    for lab_id, (directory, _) in registry.entries().items():
        if not LabPaths(directory).state.exists():
            remove(lab_id, directory)


def remove_nspawn_files(machine: str, root: Path) -> None:
    """Remove what systemd-nspawn forgets when it is killed.

    Args:
        machine: The guest's name.
        root: Its "/".
    """
    with contextlib.suppress(OSError):
        (_NSPAWN_RUN / "propagate" / machine).rmdir()
    with contextlib.suppress(OSError):
        place = root.stat()
        (_NSPAWN_RUN / "locks" / f"inode-{place.st_dev}:{place.st_ino}").unlink()
