"""The disk of a host: filled to the last byte, or to the last file, and emptied again."""

from __future__ import annotations

import contextlib
import subprocess

from provisioning.lab import Lab, LabHost

_FILL = """
free=$(($(df --output=avail -B1 / | tail -n 1) - @LEAVE@))
test "$free" -le 0 || fallocate -l "$free" /filler || true
test @LEAVE@ -gt 0 && exit
# Those who write logs give some of it back when they find that the disk is full.
for _ in 1 2 3; do
    dd if=/dev/zero bs=4k oflag=append conv=notrunc of=/filler2 2>/dev/null || true
done
"""
TRIES = 50
_GIVEN_BACK_BYTES = 2_000_000


class SmallDisk:
    """The disk of a host that was given a small one.

    Args:
        lab: The host's lab.
        host: The host.
    """

    def __init__(self, lab: Lab, host: LabHost) -> None:
        self._host = host
        # Where the lab has mounted all that the host can write to.
        self._volume = lab.paths.host(host.name) / "disk"
        self._inodes = self._df("itotal")

    def fill(self, leave_bytes: int = 0) -> None:
        """Leave no more than so many bytes."""
        self._host.shell(_FILL.replace("@LEAVE@", str(leave_bytes)))
        assert self._df("avail") <= leave_bytes + _GIVEN_BACK_BYTES

    def fill_inodes(self) -> None:
        """Leave room for no other file; the bytes are not touched."""
        for _ in range(TRIES):
            # Another file may come between the two: then there cannot be so few.
            with contextlib.suppress(subprocess.CalledProcessError):
                self._remount(self._df("iused"))
                return
        raise AssertionError("files come faster than they can be counted")

    def free(self) -> None:
        """Have room again."""
        self._remount(self._inodes)
        self._host.shell("rm -f /filler /filler2")

    def used_bytes(self) -> int:
        """Return how much is in use."""
        return self._df("used")

    def _df(self, what: str) -> int:
        shown = self._host.run("df", *([] if what.startswith("i") else ["-B1"]),
                               f"--output={what}", "/").stdout  # fmt: skip
        return int(shown.split()[-1])

    def _remount(self, inodes: int) -> None:
        argv = ["mount", "-o", f"remount,nr_inodes={inodes}", str(self._volume)]
        subprocess.run(argv, check=True, capture_output=True)
