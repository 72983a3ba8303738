"""What no attack may change: files of root's, of the victim's, and the account list."""

from __future__ import annotations

from collections.abc import Sequence

from provisioning.lab import LabHost

PWNED = "/root/PWNED"
"""Written by attackers' code that finds itself run by root."""

_FILES = (
    "/etc/passwd /etc/shadow /etc/group /etc/sudoers /etc/canary /root/canary /etc/ssh/ssh_host_*"
)
_DIRECTORIES = "/ /etc /root /root/.ssh /var /var/log /var/lib /var/cache /var/spool /usr /srv /run"


class Canaries:
    """Remembers how things are, and tells what differs later.

    Args:
        host: Running.
        apps: Whose secrets are watched.
    """

    def __init__(self, host: LabHost, apps: Sequence[str]) -> None:
        self._host = host
        secrets = " ".join(f"/srv/{app}/secrets.json" for app in apps)
        self._look = (
            f"stat -c '%n %A %U %G' {_FILES} {_DIRECTORIES} {secrets}; "
            f"sha256sum {_FILES} {secrets}; "
            "find / -xdev -perm /6000 -type f -printf '%p %m %u\\n' | sort"
        )
        host.shell(
            "echo 'the content of a file of roots' | tee /etc/canary > /root/canary; "
            "chmod 600 /root/canary /etc/canary"
        )
        self._before = host.shell(self._look)

    def must_be_untouched(self) -> None:
        """Fail the test if anything differs, or if root has run attackers' code."""
        pwned = self._host.shell(f"cat {PWNED} 2>/dev/null || true")
        assert not pwned, f"root has run the attacker's code:\n{pwned}"
        now = self._host.shell(self._look)
        before, after = set(self._before.splitlines()), set(now.splitlines())
        assert after == before, (
            f"changed by the attack; was: {sorted(before - after)}; is: {sorted(after - before)}"
        )
