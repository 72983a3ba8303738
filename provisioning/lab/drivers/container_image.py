"""The image that containers start from, and the files that make one a host of its lab."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from provisioning.lab import base

# What Debian's images have against services, caches and manuals is not bare Debian.
_DOCKERFILE = """\
FROM debian:{suite}-slim
COPY files/ /
RUN rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-* /etc/dpkg/dpkg.cfg.d/docker* \\
 && apt-get update && apt-get install -y --no-install-recommends {packages} && apt-get clean
COPY customize /customize
RUN sh /customize && rm /customize
"""
# Users of the base by name: uid, gid, home. Source: useradd(8), in the order of the recipe.
_USERS = ((0, 0, "root"), (1000, 1000, "home/admin"), (1001, 100, "home/operator"))


def build_context(suite: str) -> bytes:
    """Return the tar archive that an engine builds the image of a suite from."""
    dockerfile = _DOCKERFILE.format(suite=suite, packages=" ".join(base.PACKAGES))
    files = {"Dockerfile": dockerfile, "customize": base.CUSTOMIZE}
    files |= {f"files/{name}": text for name, text in base.files_of(suite).items()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            _add(archive, name, text.encode(), 0o644)
    return buffer.getvalue()


def tag(suite: str, context: bytes) -> str:
    """Return the name of the image that a context gives."""
    return f"homeport-lab/{suite}:{hashlib.sha256(context).hexdigest()[:16]}"


def seed(keys: Path, user_key: Path) -> bytes:
    """Return the tar archive that is unpacked at "/" of a container before it boots.

    Args:
        keys: Directory with the host's ssh keys at `etc/ssh`.
        user_key: The lab's private ssh key; its public half lies beside it.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for key in sorted((keys / "etc/ssh").glob("ssh_host_*")):
            mode = 0o644 if key.suffix == ".pub" else 0o600
            _add(archive, f"etc/ssh/{key.name}", key.read_bytes(), mode)
        for uid, gid, home in _USERS:
            directory = tarfile.TarInfo(f"{home}/.ssh")
            directory.type, directory.mode = tarfile.DIRTYPE, 0o700
            directory.uid, directory.gid = uid, gid
            archive.addfile(directory)
            public = user_key.with_suffix(".pub").read_bytes()
            _add(archive, f"{home}/.ssh/authorized_keys", public, 0o600, uid, gid)
    return buffer.getvalue()


def _add(
    archive: tarfile.TarFile, name: str, content: bytes, mode: int, uid: int = 0, gid: int = 0
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, uid, gid
    archive.addfile(entry, io.BytesIO(content))
