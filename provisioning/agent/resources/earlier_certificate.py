"""Move a certificate of an earlier Homeport from certbot's directory to Homeport's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, Iterator
from urllib.parse import urlsplit

from provisioning.agent import layout
from provisioning.agent.debian.certbot import Lineage
from provisioning.agent.machine.system import DIRECTORY, FILE, LINK, System
from provisioning.agent.resource import Change, Resource, State

HOOKS = ("pre_hook", "post_hook", "renew_hook", "deploy_hook")
"""Source: certbot's renewal configuration: keys of hooks that belong to one certificate."""


ALL_HOOKS = ("pre", "deploy", "post")
OUR_HOOK = "10-homeport-reload-nginx"
"""Source: certbot's documentation, "Pre and Post Validation Hooks": directories of hooks."""


class EarlierLineage(Lineage):
    """A certificate of an earlier Homeport in certbot's own directory.

    Args:
        label: certbot's name of it.
        webroot: Ours: by this it is known that we have made it.
    """

    def __init__(self, label: str, webroot: str) -> None:
        super().__init__(label, layout.EARLIER_ACME)
        self._webroot = webroot

    def is_ours(self, system: System) -> bool:
        """Return whether it is there and renewed as an earlier Homeport has it renewed."""
        return system.stat(self.renewal) is not None and self.is_renewed_by(system, self._webroot)

    def account(self, system: System) -> str:
        """Return the directory of the account that it is renewed with, below certbot's."""
        settings = self.settings(system)
        server = urlsplit(settings.get("server", ""))
        return f"accounts/{server.netloc}{server.path}/{settings.get('account', '')}"

    def is_good(self, system: System) -> bool:
        """Return whether certbot could go on with it elsewhere."""
        account = os.path.join(layout.EARLIER_ACME, self.account(system))
        return bool(system.list(account)) and not self.is_broken(system)

    def other_use(self, system: System) -> str:
        """Return what shows that others need it where it is, or ""."""
        hooks = [key for key in HOOKS if self.settings(system).get(key, "None") not in ("", "None")]
        if hooks:
            return f"its renewal settings contain a {hooks[0]}"
        settings = f"{layout.EARLIER_ACME}/cli.ini"
        if re.search(rb"^\s*(pre|post|renew|deploy)-hook\b", system.read(settings), re.M):
            return f"{settings} has a hook for all renewals"
        for directory in (f"{layout.EARLIER_ACME}/renewal-hooks/{each}" for each in ALL_HOOKS):
            others = [each for each in system.list(directory) if each != OUR_HOOK]
            if others:
                return f"{directory}/{others[0]} runs after every renewal, and may be meant for it"
        for name in ("live", "archive"):
            found = system.stat(os.path.join(layout.EARLIER_ACME, name))
            if found is not None and (found.mode, found.owner) != ("0700", "root"):
                return f"{layout.EARLIER_ACME}/{name} is accessible to users other than root"
        return ""


@dataclass(frozen=True)
class EarlierCertificate(Resource):
    """Have a certificate that an earlier Homeport got in our own directory, without a new one.

    It is copied with its account, and goes from where it was only when the web server has the
    copy: see EarlierRenewal.

    Args:
        label: certbot's name of it.
        webroot: Ours.
    """

    kind: ClassVar[str] = "earlier-certificate"

    label: str
    webroot: str = layout.ACME_WEBROOT

    @property
    def name(self) -> str:
        return self.label

    @property
    def _earlier(self) -> EarlierLineage:
        return EarlierLineage(self.label, self.webroot)

    def desired(self) -> State:
        return {"is here": True}

    def actual(self, system: System) -> State:
        if system.stat(Lineage(self.label).renewal) is not None:
            return {"is here": True}
        return {"is here": not (self._earlier.is_ours(system) and self._earlier.is_good(system))}

    def apply(self, system: System, change: Change) -> None:
        earlier, here = self._earlier, Lineage(self.label)
        account = earlier.account(system)
        for name in ("", *_parts(account), "archive", "live"):
            system.make_directory(os.path.normpath(f"{layout.ACME}/{name}"), mode="0700")
        for path in (account, f"archive/{self.label}", f"live/{self.label}"):
            _copy_files(system, path)
        # The last: without it nothing is here.
        system.make_directory(os.path.dirname(here.renewal))
        system.write(here.renewal, self._settings(system, earlier))
        reason = earlier.other_use(system)
        if reason:
            system.notes.append(
                f"{earlier.live} also stays as it is, and Debian's certbot.timer renews it: "
                f"{reason}. If nothing needs it: certbot delete --cert-name {self.label}"
            )

    def _settings(self, system: System, earlier: EarlierLineage) -> bytes:
        lines = system.read(earlier.renewal).decode(errors="replace").splitlines()
        kept = [line for line in lines if line.partition("=")[0].strip() not in HOOKS]
        text = "\n".join([*kept, ""])
        return text.replace(f"{layout.EARLIER_ACME}/", f"{layout.ACME}/").encode()


def _parts(path: str) -> Iterator[str]:
    """Yield a path's directories, the outer ones first."""
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        yield "/".join(parts[:count])


def _copy_files(system: System, path: str) -> None:
    """Copy a directory's files and links, from certbot's own place to ours."""
    source, target = (os.path.join(root, path) for root in (layout.EARLIER_ACME, layout.ACME))
    found = system.stat(source)
    mode = found.mode if found is not None and found.type == DIRECTORY else "0700"
    system.make_directory(target, mode=mode)
    for name in system.list(source):
        each = system.stat(os.path.join(source, name))
        if each is not None and each.type == LINK:
            system.link(os.path.join(target, name), each.target)
        elif each is not None and each.type == FILE:
            data = system.read(os.path.join(source, name))
            system.write(os.path.join(target, name), data, mode=each.mode)
