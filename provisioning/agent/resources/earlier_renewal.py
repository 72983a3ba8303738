"""Take back what an earlier Homeport changed in the certbot of the whole host."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterable, List, Tuple

from provisioning.agent import layout
from provisioning.agent.debian.certbot import Lineage
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import systemctl
from provisioning.agent.machine.system import System
from provisioning.agent.ownership.things import has_mark
from provisioning.agent.resource import Change, Resource, State, Value
from provisioning.agent.resources.earlier_certificate import OUR_HOOK, EarlierLineage

DROP_IN = f"{layout.UNIT_FILES}/certbot.service.d/homeport.conf"
HOOK = f"{layout.EARLIER_ACME}/renewal-hooks/deploy/{OUR_HOOK}"
WEB_SERVER = "/etc/nginx"


@dataclass(frozen=True)
class EarlierRenewal(Resource):
    """Have nothing of Homeport in the renewal of the host's other certificates.

    That is the bounds of certbot.service, the hook that follows every renewal, and our own
    certificates among those of others: they are in our own directory by now. Where they were
    leads a link, for whoever else reads them.

    Args:
        labels: certbot's names of our certificates.
        webroot: Ours.
    """

    kind: ClassVar[str] = "earlier-renewal"

    labels: Tuple[str, ...] = ()
    webroot: str = layout.ACME_WEBROOT

    @property
    def name(self) -> str:
        return "certbot"

    def desired(self) -> State:
        state: Dict[str, Value] = {"bounds": None, "hook": None, "systemd": "has read it"}
        return {**state, **{f"certificate {label}": None for label in self.labels}}

    def actual(self, system: System) -> State:
        state: Dict[str, Value] = {
            "bounds": DROP_IN if has_mark(system, DROP_IN) else None,
            "hook": HOOK if has_mark(system, HOOK) and not self._is_needed(system) else None,
            "systemd": system.memory.recall(self.id) or "has read it",
        }
        for label in self.labels:
            earlier = EarlierLineage(label, self.webroot)
            is_here = system.stat(Lineage(label).renewal) is not None
            goes = is_here and earlier.is_ours(system) and not earlier.other_use(system)
            state[f"certificate {label}"] = earlier.live if goes else None
        return state

    def apply(self, system: System, change: Change) -> None:
        if "bounds" in change or "systemd" in change:
            # A run that dies before systemd has heard of it is completed by the next.
            system.memory.remember(self.id, "is to read it")
            system.memory.forget("unit:certbot.service.d/homeport.conf")
            system.remove(DROP_IN)
            if not system.list(os.path.dirname(DROP_IN)):
                system.remove(os.path.dirname(DROP_IN))
            systemctl.read_units_again(system)
            system.memory.forget(self.id)
        if "hook" in change:
            system.remove(HOOK)
        for label in self.labels:
            if f"certificate {label}" in change:
                _lead_here(system, label, EarlierLineage(label, self.webroot))

    def _is_needed(self, system: System) -> bool:
        """Return whether the web server must hear of renewals of others' certificates."""
        try:
            used = {name for text in _texts(system, WEB_SERVER) for name in _names(text)}
        except (AgentError, OSError):  # What cannot be read may well name one.
            return True
        return any(
            system.stat(EarlierLineage(name, self.webroot).renewal) is not None
            and not EarlierLineage(name, self.webroot).is_ours(system)
            for name in (each.decode(errors="replace") for each in used)
        )


def _names(text: bytes) -> List[bytes]:
    """Return the names of the certificates in certbot's own place that a configuration has."""
    place = re.escape(layout.EARLIER_ACME.encode())
    return re.findall(rb"^\s*ssl_certificate\s+[\"']?" + place + rb"/live/([^/\s;]+)/", text, re.M)


def _lead_here(system: System, label: str, earlier: EarlierLineage) -> None:
    system.remove(earlier.live)
    system.link(earlier.live, Lineage(label).live)
    system.remove(earlier.archive)
    # Last: by this it is known that the rest is ours.
    system.remove(earlier.renewal)
    system.remove(f"{layout.STATE}/certificate-{label}")


def _texts(system: System, directory: str) -> Iterable[bytes]:
    for name in system.list(directory):
        path = os.path.join(directory, name)
        if name.endswith(".d") or name.startswith("sites-"):
            yield from _texts(system, path)
        else:
            yield system.read(path)
