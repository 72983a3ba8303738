"""A host's disk: read-only layers and one written layer, by overlayfs.

    upper                 what this host wrote since it was reset
    layers/1, layers/2    what it had written when a snapshot was taken, if any
    seed                  its name, keys and addresses: what makes it this host
    trust/<suite>         the lab's certificate authority
    <cache>/<suite>-...   bare Debian, shared by all labs

Resetting and restoring move directories and copy nothing, whatever the size.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab.processes import call

_UNMOUNT_TIMEOUT_S = 10.0
_OCTAL = re.compile(r"\\([0-7]{3})")


class Disk:
    """The layers of one host.

    Args:
        directory: Where the host's own part lies.
        lower: The shared read-only directories beneath, uppermost first.
    """

    def __init__(self, directory: Path, lower: Sequence[Path]) -> None:
        self.root = directory / "root"
        self._volume = directory / "disk"
        self._lower = list(lower)

    def mount(self, layers: Sequence[str], size_mb: int | None) -> None:
        """Put the layers together at `root`, unless they are already.

        Args:
            layers: Names of the host's own read-only layers, oldest first.
            size_mb: Size of everything it can write, in MiB; None for no bound.
        """
        if is_mounted(self.root):
            return
        self._volume.mkdir(parents=True, exist_ok=True)
        if size_mb is not None and not is_mounted(self._volume):
            call(
                [
                    "mount",
                    "-t",
                    "tmpfs",
                    "-o",
                    f"size={size_mb}m,mode=755",
                    "lab",
                    str(self._volume),
                ],
                purpose="make a small disk",
            )
        for directory in (self.root, self._volume / "upper", self._volume / "work"):
            directory.mkdir(exist_ok=True)
            # The upper layer's top is the host's "/".
            directory.chmod(0o755)
        own = [self._volume / "layers" / name for name in reversed(layers)]
        lower = ":".join(str(path) for path in [*own, *self._lower])
        options = f"lowerdir={lower},upperdir={self._volume}/upper,workdir={self._volume}/work"
        # redirect_dir: directories of lower layers can be renamed, as on any real disk.
        call(
            [
                "mount",
                "-t",
                "overlay",
                "overlay",
                "-o",
                f"{options},redirect_dir=on",
                str(self.root),
            ],
            purpose="put the host's disk together",
            hint="keep the lab in a directory on a plain file system (ext4, xfs, btrfs, tmpfs)",
        )

    def unmount(self) -> None:
        """Take the layers apart; the disk's content stays."""
        unmount(self.root)

    def erase(self) -> None:
        """Forget everything that the host wrote, snapshots too."""
        self.unmount()
        unmount(self._volume)
        shutil.rmtree(self._volume, ignore_errors=True)

    def clear(self) -> None:
        """Forget what the host wrote since its last layer."""
        self.unmount()
        for name in ("upper", "work"):
            shutil.rmtree(self._volume / name, ignore_errors=True)

    def freeze(self, name: str) -> None:
        """Turn what the host wrote into a read-only layer of that name."""
        self.unmount()
        (self._volume / "layers").mkdir(exist_ok=True)
        (self._volume / "upper").rename(self._volume / "layers" / name)
        shutil.rmtree(self._volume / "work", ignore_errors=True)

    def move_to(self, directory: Path) -> None:
        """Make what was written a directory of its own, and forget the disk."""
        self.unmount()
        (self._volume / "upper").rename(directory)
        self.erase()
        shutil.rmtree(self.root.parent, ignore_errors=True)


def mounts_below(directory: Path) -> list[Path]:
    """Return what is mounted at or below a directory, innermost first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # Source: proc(5): the fifth field, with blanks and the like as octal.
        point = Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), line.split()[4]))
        if point.is_relative_to(directory):
            found.append(point)
    return found[::-1]


def is_mounted(path: Path) -> bool:
    """Tell whether something is mounted exactly there."""
    return path in mounts_below(path)


def unmount(path: Path) -> None:
    """Unmount a place, if something is mounted there.

    Raises:
        HomeportError: It stays in use.
    """
    deadline = time.monotonic() + _UNMOUNT_TIMEOUT_S
    while is_mounted(path):
        try:
            call(["umount", str(path)], purpose=f"unmount {path}")
        except HomeportError:
            # The kernel lets go of a killed host's files a moment after its death.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
