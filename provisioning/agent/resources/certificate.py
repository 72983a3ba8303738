"""A TLS certificate from an ACME authority."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from typing import ClassVar, Iterable, Sequence, Tuple
from urllib.parse import urlsplit

from provisioning.agent import layout
from provisioning.agent.claims import CERTIFICATE, Claim
from provisioning.agent.debian.certbot import Lineage, names_in
from provisioning.agent.errors import AgentError
from provisioning.agent.machine import http
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

PEERS_S, PEER_POLL_S = 240.0, 2.0
"""How long a host waits for peers that are provisioned at the same time: for their packages."""


@dataclass(frozen=True)
class Certificate(Resource):
    """Have a certificate from an ACME authority; what renews it is homeport-renewal@<label>.timer.

    Before the authority is asked, the host asks itself the way the authority will: so that
    a name that leads elsewhere does not use up the authority's few failed validations.

    Args:
        label: certbot's name of it: /etc/homeport/acme/live/<label>/.
        domains: Names it is for, the main one first.
        directory_url: The authority.
        email: Where the authority may write to; "" gives none.
        webroot: Served as /.well-known/acme-challenge/ on port 80 of every domain.
        preflight: Whether the host asks itself first; it cannot where its router does not
            let it reach its own public address.
        peers: Addresses of other hosts with these domains, which pass on what they are asked.
    """

    kind: ClassVar[str] = "certificate"

    label: str
    domains: Tuple[str, ...]
    directory_url: str
    email: str = ""
    webroot: str = layout.ACME_WEBROOT
    preflight: bool = True
    peers: Tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.label

    @property
    def chain(self) -> str:
        return self._lineage.chain

    @property
    def key(self) -> str:
        return self._lineage.key

    @property
    def _lineage(self) -> Lineage:
        return Lineage(self.label)

    def claims(self) -> Iterable[Claim]:
        return (Claim(CERTIFICATE, self.label),)

    def desired(self) -> State:
        return {
            "domains": " ".join(sorted(self.domains)),
            "authority": self.directory_url,
            "out of the way": False,
        }

    def actual(self, system: System) -> State:
        return {
            "domains": " ".join(names_in(system, self.chain)),
            "authority": self._lineage.settings(system).get("server"),
            "out of the way": self._lineage.is_aside(system),
        }

    def test(self, system: System, change: Change) -> None:
        """Refuse to take over a certificate that others made and renew in another way."""
        lineage = self._lineage
        if system.stat(lineage.renewal) and not lineage.is_renewed_by(system, self.webroot):
            raise AgentError(
                f"cannot get a certificate for {self.domains[0]}: {lineage.renewal} does not "
                f"belong to Homeport: it does not renew through {self.webroot}",
                hint=f"give the app another name, or delete that certificate: {layout.CERTBOT} "
                f"delete --cert-name {self.label}",
            )

    def apply(self, system: System, change: Change) -> None:
        if system.dry:
            self._get(system, change)
            return
        self._lineage.bring_back(system)
        deadline = time.monotonic() + (PEERS_S if self.peers else 0)
        for domain in self.domains if self.preflight else ():
            system.say(f"asking port 80 of {domain}")
            self.ask_as_authority(system, domain, deadline)
        began = time.time()
        with self._lineage.out_of_the_way_if_broken(system):
            system.say(f"asking {self.directory_url} for a certificate")
            self._get(system, change)
        self._sweep(system, began)

    def _get(self, system: System, change: Change) -> None:
        contact = ["--email", self.email] if self.email else ["--register-unsafely-without-email"]
        names = [word for domain in self.domains for word in ("--domain", domain)]
        renew = "--force-renewal" if "authority" in change else "--keep-until-expiring"
        system.act(
            [layout.CERTBOT, "certonly", "--non-interactive", "--agree-tos", *contact,
             "--server", self.directory_url, *self._account(system),
             "--webroot", "--webroot-path", self.webroot,
             "--cert-name", self.label, "--key-type", "ecdsa", renew, *names],
            why=f"get a certificate for {', '.join(self.domains)}",
            creates=[self._lineage.renewal],
            hint=self._hint(system),
            timeout_s=300,
        )  # fmt: skip

    def _hint(self, system: System) -> str:
        """Return what to look for, where this host has reached itself and the authority has not."""
        said = (
            f"the answer of {self.directory_url} is above; more in {layout.ACME_LOGS}/ on the host"
        )
        if not self.preflight:
            return said
        said += (
            "; this host itself reaches port 80 of these names: if the authority does not, look "
            "for a firewall on the host (nft list ruleset) and in front of it"
        )
        words = system.read("/etc/hosts").decode(errors="replace").split()
        own = [domain for domain in self.domains if domain in words]
        if own:
            said += (
                f", and check where {', '.join(own)} points in DNS: this host has the address "
                "from /etc/hosts, which the authority does not read"
            )
        return said

    def _account(self, system: System) -> Sequence[str]:
        """Return which account asks, where there are several: certbot would ask a person.

        The certificate's own, for an authority may be told to hear no other (RFC 8657); else the
        newest.
        """
        server = urlsplit(self.directory_url)
        directory = f"{layout.ACME}/accounts/{server.netloc}{server.path}"
        accounts = [
            (system.read(f"{directory}/{name}/meta.json"), name) for name in system.list(directory)
        ]
        if len(accounts) < 2:
            return ()
        own = self._lineage.settings(system).get("account")
        is_there = own in {name for _, name in accounts}
        # Its first key is the time it was made. Source: certbot, account.py, Meta.
        return ("--account", str(own) if is_there else max(accounts)[1])

    @property
    def _challenges(self) -> str:
        return os.path.join(self.webroot, ".well-known", "acme-challenge")

    def _sweep(self, system: System, began: float) -> None:
        """Remove answers that a certbot has left which was killed: of two, only one can be at work.

        Args:
            system: The machine.
            began: When the last one began, in seconds since the epoch.
        """
        for name in system.list(self._challenges):
            path = os.path.join(self._challenges, name)
            if os.lstat(path).st_mtime < began:
                system.remove(path)

    def ask_as_authority(self, system: System, domain: str, deadline: float) -> None:
        try:
            found = socket.getaddrinfo(domain, 80, type=socket.SOCK_STREAM)
        except socket.gaierror:
            raise AgentError(
                f"cannot get a certificate for {domain}: the name does not exist",
                hint=f"add an A record for {domain} that points to this host, then run again",
            ) from None
        token = "homeport-" + secrets.token_hex(8)
        path = os.path.join(self._challenges, token)
        system.make_directory(self._challenges)
        system.write(path, token.encode())
        try:
            for address in dict.fromkeys(str(each[4][0]) for each in found):
                self._ask(system, domain, address, token, deadline)
        finally:
            system.remove(path)

    def _ask(self, system: System, domain: str, address: str, token: str, deadline: float) -> None:
        """Ask an address as the authority will; wait for a peer that is being provisioned too."""
        said = False
        while True:
            target = f"/.well-known/acme-challenge/{token}"
            answer = http.get_address(address, 80, target, {"Host": domain}, timeout_s=10)
            if answer.body == token:
                return
            if time.monotonic() > deadline:
                raise _leads_elsewhere(domain, address, answer, self.peers)
            if not said:
                system.say(f"waiting for {address}, to which {domain} points too")
                said = True
            system.checkpoint()
            time.sleep(PEER_POLL_S)


def _leads_elsewhere(
    domain: str, address: str, answer: http.Answer, peers: Sequence[str]
) -> AgentError:
    said = f"answers with status {answer.status}" if answer.status else answer.body.lower()
    if peers:
        return AgentError(
            f"cannot get a certificate for {domain}: it points to {address}, and port 80 there "
            f"does not pass on the answer of this host ({said})",
            hint="the authority was not asked. If that is another host of this app, provision "
            "all its hosts at the same time, so that each knows the others; they ask each "
            f"other at {', '.join(peers)} (peer_address of [hosts.<name>], otherwise its "
            f"address). Otherwise point {domain}'s A and AAAA records at the app's hosts "
            "only",
        )
    return AgentError(
        f"cannot get a certificate for {domain}: it points to {address}, and port 80 there is "
        f"not this host's web server ({said})",
        hint=f"point {domain}'s A and AAAA records at this host and open port 80, then run "
        "again; the authority was not asked. If this host cannot reach its own public "
        "address, set preflight = false under [tls]",
    )
