"""Whether a host is who it says it is: the policy, the messages, and trust on first use."""

from __future__ import annotations

import base64
import fcntl
import os
import shlex
from enum import Enum
from pathlib import Path

from provisioning.errors import HostKeyError
from provisioning.transport.login.login import Login
from provisioning.transport.trust.known_hosts import (
    KnownKey,
    Verdict,
    fingerprint,
    hashed_name,
    judge,
    known_key_types,
    read_known_hosts,
)

SALT_BYTES = 20  # Source: hostfile.c of OpenSSH; as long as the SHA-1 digest.


class HostKeyPolicy(Enum):
    """What to do about a host that known_hosts does not know. A changed key is always refused."""

    STRICT = "strict"
    ACCEPT_NEW = "accept-new"


def preferred_key_types(login: Login) -> list[str]:
    """Return the key types by which known_hosts knows the host.

    A host has keys of several types; it must show one that we can compare.
    """
    known = read_known_hosts([*login.user_known_hosts, *login.global_known_hosts])
    return known_key_types(known, login.known_hosts_name)


def check_host_key(login: Login, key_type: str, key: bytes, policy: HostKeyPolicy) -> None:
    """Return if the host's key may be trusted; with ACCEPT_NEW record one that is new.

    Args:
        login: The host.
        key_type: Type of the key that it showed and proved to have.
        key: The key's blob.
        policy: What to do about a host without a known key.

    Raises:
        HostKeyError: The key is unknown (STRICT), has changed, or was revoked.
    """
    paths = [*login.user_known_hosts, *login.global_known_hosts]
    name = login.known_hosts_name
    verdict, line = judge(read_known_hosts(paths), name, key_type, key)
    if verdict is Verdict.KNOWN:
        return
    if verdict is Verdict.UNKNOWN and policy is HostKeyPolicy.ACCEPT_NEW:
        verdict, line = _record(login, key_type, key)
        if verdict is Verdict.KNOWN:
            return
    raise _refusal(login, key_type, key, verdict, line)


def _record(login: Login, key_type: str, key: bytes) -> tuple[Verdict, KnownKey | None]:
    """Append the key to the person's first known_hosts file, unless another run was faster."""
    if not login.user_known_hosts:
        raise HostKeyError(
            f"cannot record the key of {login.where}: ssh's UserKnownHostsFile is none"
        )
    path = login.user_known_hosts[0]
    name = login.known_hosts_name
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Two runs, or two threads of one, must not both find the host new.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            known = read_known_hosts([*login.user_known_hosts, *login.global_known_hosts])
            verdict, line = judge(known, name, key_type, key)
            if verdict is not Verdict.UNKNOWN:
                return verdict, line
            shown = hashed_name(name, os.urandom(SALT_BYTES)) if login.hash_known_hosts else name
            text = f"{shown} {key_type} {base64.b64encode(key).decode()}\n"
            os.write(descriptor, (_missing_newline(descriptor) + text).encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise HostKeyError(
            f"cannot record the key of {login.where} in {path}: {error.strerror}"
        ) from error
    return Verdict.KNOWN, None


def _missing_newline(descriptor: int) -> str:
    r"""Return "\n" if the file's last line has none: what is appended would join it."""
    size_bytes = os.fstat(descriptor).st_size
    return "\n" if size_bytes and os.pread(descriptor, 1, size_bytes - 1) != b"\n" else ""


def _refusal(
    login: Login, key_type: str, key: bytes, verdict: Verdict, line: KnownKey | None
) -> HostKeyError:
    shown = f"{key_type} {fingerprint(key)}"
    if verdict is Verdict.REVOKED and line:
        return HostKeyError(
            f"cannot trust {login.where}: its host key {shown} was revoked ({line.place})",
            hint="give the host new keys; anyone who has the revoked key can impersonate the host",
        )
    if verdict is Verdict.CHANGED and line:
        return HostKeyError(
            f"cannot trust {login.where}: its host key has changed: it sent {shown}, but "
            f"{line.place} has {line.key_type} {fingerprint(line.key)}; someone may be "
            "intercepting the connection, or the host was reinstalled",
            hint=f"only if you know why: {_forget(login, line.path)}, then run again with "
            "--accept-new-host-keys",
        )
    files = ", ".join(str(path) for path in login.user_known_hosts) or "known_hosts"
    reason = f"its host key {shown} is not in {files}"
    if line:
        reason += f" ({line.place} trusts an authority for it, which Homeport does not read)"
    return HostKeyError(
        f"cannot trust {login.where}: {reason}",
        hint="compare that fingerprint with the one your provider or the host's console shows "
        "(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub), then run again with "
        "--accept-new-host-keys",
    )


def _forget(login: Login, path: Path) -> str:
    default = path == Path("~/.ssh/known_hosts").expanduser()
    where = "" if default else f" -f {shlex.quote(str(path))}"
    return f"ssh-keygen -R {shlex.quote(login.known_hosts_name)}{where}"
