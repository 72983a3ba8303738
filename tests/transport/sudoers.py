"""Users with and without sudo on a real sshd, in a mount namespace: this machine keeps its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.transport import Address
from tests.transport.sshd import Sshd

PASSWORD = "correct horse"
# Where sudo keeps what must not outlive the tests: who was lectured, and its input/output logs.
STATE = (Path("/var/lib/sudo"), Path("/run/sudo"), Path("/var/log/sudo-io"))
# uid of the first user; far from those of people and services.
FIRST_UID = 61000
USERS = {
    "admin": "/bin/sh",
    "operator": "/bin/sh",
    "noisy": "/bin/bash",
    "guest": "/bin/sh",
    "ttyonly": "/bin/sh",
    "limited": "/bin/sh",
    "lectured": "/bin/sh",
    "ptyuser": "/bin/sh",
    "bare": "/bin/sh",
    "blocked": "/usr/sbin/nologin",
    "otherroot": "/bin/sh",
}
SUDOERS = """\
Defaults env_reset, mail_badpass, !fqdn
Defaults:ttyonly requiretty
Defaults:lectured lecture=always, use_pty
Defaults:ptyuser use_pty, log_output
root ALL=(ALL:ALL) ALL
admin ALL=(ALL:ALL) NOPASSWD: ALL
noisy ALL=(ALL:ALL) NOPASSWD: ALL
ptyuser ALL=(ALL:ALL) NOPASSWD: ALL
ttyonly ALL=(ALL:ALL) NOPASSWD: ALL
bare ALL=(ALL:ALL) NOPASSWD: ALL
operator ALL=(ALL:ALL) ALL
lectured ALL=(ALL:ALL) ALL
limited ALL=(ALL:ALL) NOPASSWD: /usr/bin/id
"""


class SudoSshd(Sshd):
    """An sshd where the users of `USERS` can log in with the client's key."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs root, to make users in a mount namespace")
        for program, package in (("sudo", "sudo"), ("unshare", "util-linux")):
            if shutil.which(program) is None:
                pytest.fail(f"these tests need {program}: apt-get install {package}")
        etc = folder / "etc"
        etc.mkdir(parents=True)
        self._write_accounts(etc)
        few = folder / "few"
        few.mkdir()
        for program in ("sh", "id", "cat"):
            (few / program).symlink_to(shutil.which(program) or f"/bin/{program}")
        mounts = " && ".join(
            [f"mount --bind {file} /etc/{file.name}" for file in etc.iterdir()]
            + [f"mount -t tmpfs none {path}" for path in STATE]
        )
        for path in STATE:
            path.mkdir(mode=0o700, exist_ok=True)
        super().__init__(
            folder,
            options=f"Match User bare\n  SetEnv PATH={few}\n",
            wrap=(
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                f'{mounts} && exec "$0" "$@"',
            ),
        )
        # Users other than root must be able to read what sshd reads as they.
        folder.chmod(0o755)
        self.authorized_keys.chmod(0o644)
        (folder / "client_key").chmod(0o600)

    def _write_accounts(self, etc: Path) -> None:
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True
        ).stdout.strip()
        accounts, shadows, groups = ["root:x:0:0:root:/root:/bin/sh"], ["root:*:1::::::"], []
        for uid, (user, shell) in enumerate(USERS.items(), FIRST_UID):
            home = etc.parent / "home" / user
            home.mkdir(parents=True)
            os.chown(home, uid, uid)
            number = 0 if user == "otherroot" else uid
            accounts.append(f"{user}:x:{number}:{uid}::{home}:{shell}")
            shadows.append(f"{user}:{hashed}:19000:0:99999:7:::")
            groups.append(f"{user}:x:{uid}:")
            if user == "noisy":
                (home / ".bashrc").write_text("echo welcome; echo 'mind the gap' >&2\n")
        accounts.append("sshd:x:61999:65534::/run/sshd:/usr/sbin/nologin")
        (etc / "passwd").write_text("\n".join(accounts) + "\n")
        (etc / "shadow").write_text("\n".join([*shadows, "sshd:!:19000::::::"]) + "\n")
        (etc / "group").write_text("\n".join(["root:x:0:", "nogroup:x:65534:", *groups]) + "\n")
        (etc / "sudoers").write_text(SUDOERS)
        (etc / "shadow").chmod(0o640)
        (etc / "sudoers").chmod(0o440)

    def login(self, user: str) -> Address:
        """The server as one of its users."""
        return Address("web1", "web1", user=user)
