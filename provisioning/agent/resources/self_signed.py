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
        readers: The group that may read the key.
    """

    kind: ClassVar[str] = "self-signed"

    label: str
    domains: Tuple[str, ...]
    readers: str = "root"

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
        return {"domains": " ".join(sorted(self.domains)), "key": self._rights}

    @property
    def _rights(self) -> str:
        return "0600" if self.readers == "root" else f"0640 {self.readers}"

    def actual(self, system: System) -> State:
        key = system.stat(self.key)
        rights = [key.mode, *([] if key.group == "root" else [key.group])] if key else []
        return {
            "domains": " ".join(names_in(system, self.chain)),
            "key": " ".join(rights) or None,
        }

    def apply(self, system: System, change: Change) -> None:
        if set(change) == {"key"} and change["key"][0]:
            self._give_to_readers(system)
            return
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
            self._give_to_readers(system)

    def _give_to_readers(self, system: System) -> None:
        alone = self.readers == "root"
        for path, mode in (
            (self.key, "0600" if alone else "0640"),
            (self.directory, "0700" if alone else "0750"),
        ):
            system.set_attributes(path, mode=mode, owner="root", group=self.readers)
