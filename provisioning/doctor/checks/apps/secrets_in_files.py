"""Secrets are in the environment only, in files that no other user can read."""

from __future__ import annotations

from provisioning.agent.secret_names import PROBABLE
from provisioning.doctor.finding import Finding, failed, passed, unseen
from provisioning.doctor.seen import AppSeen


def judge(seen: AppSeen) -> Finding | None:
    """Judge variables of the unit, and owners and modes of files."""
    found = seen.examination
    if found is None or not found.live:
        return unseen(seen.absent)
    for path, access in found.access.items():
        if access.owner != "root" or int(access.mode, 8) & 0o027:
            return failed(
                f"{path} is {access.mode} {access.owner}:{access.group}",
                f"chmod o-rwx,g-w {path}; chown root {path}",
            )
    open_names = [name for name in found.unit_variables if PROBABLE.search(name)]
    if open_names:
        return failed(
            f"every user can read {', '.join(open_names)} in the unit",
            "move it from Environment= to the app's secrets in the inventory, and deploy",
        )
    plain = [name for name in seen.app.env if PROBABLE.search(name)]
    if plain:
        return failed(
            f"{', '.join(plain)} stands in the inventory itself",
            f"move it from [apps.{seen.app.name}.env] to [apps.{seen.app.name}.secrets]",
        )
    return passed(f"{len(found.access)} files are root's, and closed to others")
