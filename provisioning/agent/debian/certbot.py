"""certbot's files of one certificate: whether it can go on with them, and out of its way if not."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import Dict, Iterator, Tuple

from provisioning.agent import layout
from provisioning.agent.machine.system import LINK, System

EXPIRES_SOON_S = 7 * 86400
"""certbot renews 30 days before the end; with a week left it has failed for long."""


class Lineage:
    """A certificate, its earlier ones and how it is renewed: "lineage" is certbot's word.

    Args:
        label: certbot's name of it.
        root: certbot's directory of configuration; default: ours.
    """

    def __init__(self, label: str, root: str = "") -> None:
        root = root or layout.ACME
        self.live = f"{root}/live/{label}"
        self.archive = f"{root}/archive/{label}"
        self.chain = f"{self.live}/fullchain.pem"
        self.key = f"{self.live}/privkey.pem"
        self.renewal = f"{root}/renewal/{label}.conf"
        self._paths = (self.live, self.archive, self.renewal)
        self._root = root
        self._aside = f"{layout.STATE}/acme-{label}"

    def settings(self, system: System) -> Dict[str, str]:
        """Return how it is renewed: key -> value, without the tables' names."""
        text = system.read(self.renewal).decode(errors="replace")
        return dict(re.findall(r"^ *([^#=\s]+) *= *(.*?) *$", text, re.M))

    def is_renewed_by(self, system: System, webroot: str) -> bool:
        """Return whether its renewal puts answers into a directory, and nowhere else."""
        settings = self.settings(system)
        directories = {each.strip() for each in settings.get("webroot_path", "").split(",")} - {""}
        return settings.get("authenticator") == "webroot" and directories == {webroot}

    def copies(self, system: System) -> Iterator[str]:
        """Yield where else its keys are, and the requests that were made with them.

        Debian 12's certbot keeps both by number, and `certbot delete` leaves them.
        """
        keys = {
            system.digest(f"{self.archive}/{name}")
            for name in system.list(self.archive)
            if name.startswith("privkey")
        }
        for name in system.list(f"{self._root}/keys"):
            if system.digest(f"{self._root}/keys/{name}") in keys:
                yield f"{self._root}/keys/{name}"
                yield f"{self._root}/csr/{name.replace('_key-', '_csr-')}"

    @contextmanager
    def out_of_the_way_if_broken(self, system: System) -> Iterator[None]:
        """Have what certbot cannot read or would not repair elsewhere for the length of a block.

        It would put the new certificate under another name beside it, or refuse, or look at
        cert.pem alone and find that all is well. If the block fails, all is where it was: the web
        server may well be able to use what certbot cannot.
        """
        if not self.is_broken(system):
            yield
            return
        system.make_directory(self._aside, mode="0700")
        for path, aside in self._moves():
            if system.stat(path) is not None:
                os.rename(path, aside)
        try:
            yield
        except BaseException:
            self.bring_back(system)
            raise
        system.remove(self._aside)

    def is_aside(self, system: System) -> bool:
        """Return whether a run moved it out of the way and died before it moved it back."""
        return system.stat(self._aside) is not None

    def bring_back(self, system: System) -> None:
        """Move back what a run moved out of the way before it died."""
        if not self.is_aside(system):
            return
        if self.is_broken(system):
            for path, aside in self._moves():
                if system.stat(aside) is not None:
                    system.remove(path)
                    os.rename(aside, path)
        system.remove(self._aside)

    def is_broken(self, system: System) -> bool:
        """Return whether certbot could not go on with it."""
        shown = [
            system.run(["openssl", "x509", "-in", f"{self.live}/{name}", "-noout", "-pubkey"])
            for name in ("cert.pem", "fullchain.pem")
        ]
        shown.append(system.run(["openssl", "pkey", "-in", self.key, "-pubout"]))
        belong_together = len({each.stdout for each in shown}) == 1
        is_there = shown[0].status == 0 and system.stat(self.renewal) is not None
        return not (belong_together and is_there)

    def _moves(self) -> Iterator[Tuple[str, str]]:
        for path in self._paths:
            yield path, os.path.join(self._aside, os.path.basename(os.path.dirname(path)))


def read_linked(system: System, path: str) -> bytes:
    """Return a file's content, also of one that a check only imagines behind a link."""
    data = system.read(path)
    found = system.stat(path)
    if data or found is None or found.type != LINK:
        return data
    return system.read(os.path.normpath(os.path.join(os.path.dirname(path), found.target)))


def names_in(system: System, path: str) -> Tuple[str, ...]:
    """Return the DNS names of a certificate on the host, sorted; empty if it is about to expire."""
    if system.stat(path) is None:
        return ()
    shown = system.run(
        ["openssl", "x509", "-noout", "-checkend", str(EXPIRES_SOON_S), "-ext", "subjectAltName"],
        input=read_linked(system, path),
    )
    if shown.status != 0:
        return ()
    return tuple(sorted(re.findall(r"DNS:([^\s,]+)", shown.stdout)))
