"""A TLS certificate that the host makes itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterable, Tuple

from provisioning.agent.claims import PATH, Claim
from provisioning.agent.debian.certbot import names_in
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Change, Resource, State

SELF_SIGNED_DAYS = 365
"""Source: Mozilla's server-side TLS guideline: at most 366 days."""


@dataclass(frozen=True)
class SelfSigned(Resource):
    """Have a certificate that nobody trusts, for trying things out.

    Args:
        label: /etc/homeport/tls/<label>/.
        domains: Names it is for, the main one first.
    """

    kind: ClassVar[str] = "self-signed"

    label: str
    domains: Tuple[str, ...]

    @property
    def name(self) -> str:
        return self.label

    @property
    def directory(self) -> str:
        return f"/etc/homeport/tls/{self.label}"

    @property
    def chain(self) -> str:
        return f"{self.directory}/fullchain.pem"

    @property
    def key(self) -> str:
        return f"{self.directory}/privkey.pem"

    def claims(self) -> Iterable[Claim]:
        return (Claim(PATH, self.directory), Claim(PATH, self.chain), Claim(PATH, self.key))

    def desired(self) -> State:
        return {"domains": " ".join(sorted(self.domains)), "key": "0600"}

    def actual(self, system: System) -> State:
        key = system.stat(self.key)
        return {
            "domains": " ".join(names_in(system, self.chain)),
            "key": key.mode if key else None,
        }

    def apply(self, system: System, change: Change) -> None:
        system.make_directory(self.directory, mode="0700")
        # The key is written first: a run that dies then must not leave the old chain beside it.
        system.remove(self.chain)
        names = ",".join(f"DNS:{domain}" for domain in self.domains)
        # 64 characters is all a common name may have. Source: RFC 5280, ub-common-name.
        system.act(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", str(SELF_SIGNED_DAYS), "-subj", f"/CN={self.domains[0][:64]}",
             "-addext", f"subjectAltName={names}", "-keyout", self.key, "-out", self.chain],
            why=f"make a certificate for {self.domains[0]}",
            creates=[self.key, self.chain],
        )  # fmt: skip
        if not system.dry:
            system.set_attributes(self.key, mode="0600", owner="root", group="root")
