"""The certificate authority for apps: Pebble, Let's Encrypt's own test server, and its DNS."""

from __future__ import annotations

import json
import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from provisioning.errors import HomeportError
from provisioning.lab import cgroups, keys
from provisioning.lab.processes import tail
from provisioning.lab.state import ACME_PORT, acme_directory_url
from provisioning.lab.supervisor import start_supervised

_ROOTS_PORT = 15000
_DNS_PORT = 8053
_DNS_MANAGEMENT_PORT = 8055
# 90 days, as Let's Encrypt issues them.
_VALIDITY_S = 7_776_000
_START_TIMEOUT_S = 20.0
# Source: Pebble's README: no random waits before a validation, no nonces
# refused at random, no order granted at random on an earlier validation.
_ENV = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}


class Acme:
    """A running ACME server with the names it believes in.

    Args:
        directory: Where its files lie.
        authority: Directory of the lab's authority, which signs its own certificate.
        group: Control group for its processes.
        address: The machine's address in the lab; it listens there.
        names: Returns where each name leads, for the start.
    """

    def __init__(
        self,
        directory: Path,
        authority: Path,
        group: Path,
        address: str,
        names: Callable[[], Mapping[str, str]],
    ) -> None:
        self._directory = directory
        self._names = names
        self._group = group
        self._authority = authority
        self._address = address

    @property
    def directory_url(self) -> str:
        """What an ACME client is pointed at."""
        return acme_directory_url(self._address)

    @property
    def ca_certificate(self) -> Path:
        """The authority that signs the server's own certificate; hosts trust it already."""
        return self._authority / "ca.pem"

    @property
    def root_certificate(self) -> bytes:
        """The root, as PEM, of the certificates that it issues; a new one with every start."""
        return self._get(f"https://{self._address}:{_ROOTS_PORT}/roots/0")

    def is_running(self) -> bool:
        """Tell whether both programs run."""
        return all(cgroups.processes(self._group / name) for name in ("pebble", "dns"))

    def start(self) -> None:
        """Start the server, unless it runs, and tell it where the lab's names lead.

        Raises:
            HomeportError: It did not answer within 20 seconds.
        """
        if not self.is_running():
            self.stop()
            self._write_files()
            dns = ["pebble-challtestsrv", f"-dns01={self._address}:{_DNS_PORT}"]
            dns += [f"-management={self._address}:{_DNS_MANAGEMENT_PORT}"]
            # The challenges are answered by the hosts; unknown names have no address.
            dns += ["-http01=", "-https01=", "-tlsalpn01=", "-defaultIPv4=", "-defaultIPv6="]
            self._launch("dns", dns)
            pebble = ["pebble", f"-config={self._directory}/pebble.json"]
            pebble += [f"-dnsserver={self._address}:{_DNS_PORT}"]
            self._launch("pebble", pebble)
            self._wait()
        for name, address in self._names().items():
            self.set_addresses(name, address)

    def stop(self) -> None:
        """End both programs."""
        cgroups.kill(self._group)

    def set_addresses(self, name: str, *addresses: str) -> None:
        """Let a name lead to IPv4 addresses, as the server sees it."""
        self.forget(name)
        self._manage("add-a", {"host": name, "addresses": addresses})

    def forget(self, name: str) -> None:
        """Let a name lead nowhere."""
        self._manage("clear-a", {"host": name})

    def _launch(self, name: str, argv: list[str]) -> None:
        program = shutil.which(argv[0])
        if program is None:
            raise HomeportError(f"cannot start the lab's authority: {argv[0]} is not installed")
        for group in (self._group / name, self._group / f"{name}.supervisor"):
            cgroups.make(group)
        start_supervised(
            [program, *argv[1:]],
            stays=self._group / f"{name}.supervisor",
            group=self._group / name,
            log=self._directory / f"{name}.log",
            env=_ENV,
        )

    def _write_files(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        keys.make_certificate(self._authority, self._directory, self._address, "acme.lab")
        config = {
            "listenAddress": f"{self._address}:{ACME_PORT}",
            "managementListenAddress": f"{self._address}:{_ROOTS_PORT}",
            "certificate": f"{self._directory}/cert.pem",
            "privateKey": f"{self._directory}/key.pem",
            "httpPort": 80,
            "tlsPort": 443,
            "certificateValidityPeriod": _VALIDITY_S,
        }
        (self._directory / "pebble.json").write_text(json.dumps({"pebble": config}, indent=2))

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self._get(self.directory_url)
                self._manage("clear-a", {"host": "nobody.lab"})
            except OSError as problem:
                if time.monotonic() > deadline:
                    raise HomeportError(
                        f"cannot start the lab's authority: {problem}",
                        output=tail((self._directory / "pebble.log").read_text()),
                    ) from None
                time.sleep(0.05)
            else:
                return

    def _get(self, url: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self.ca_certificate))
        with urllib.request.urlopen(url, context=context, timeout=5) as answer:  # noqa: S310  # nosec B310
            content: bytes = answer.read()
            return content

    def _manage(self, action: str, what: Mapping[str, object]) -> None:
        url = f"http://{self._address}:{_DNS_MANAGEMENT_PORT}/{action}"
        with urllib.request.urlopen(url, data=json.dumps(what).encode(), timeout=5):  # nosec B310
            pass
