"""Where certificates come from."""

from __future__ import annotations

from pydantic import Field

from provisioning.errors import ConfigurationError
from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import AcmeDirectory, Email, LocalPath, TlsMethod, Yes
from provisioning.inventory.types.units import ACME_DIRECTORIES, LAB_DIRECTORY


class Tls(Model):
    """How the environment's sites get their certificates: `[tls]`."""

    method: TlsMethod = Field(
        default="acme",
        description="acme: from an ACME authority such as Let's Encrypt, renewed automatically. "
        "files: your own certificate and key. self-signed: made on the host, for "
        "tests. off: no HTTPS.",
    )
    email: Email | None = Field(
        default=None,
        description="Address at which the ACME authority may contact you. Default: none.",
    )
    directory_url: AcmeDirectory = Field(
        default="letsencrypt",
        description="The ACME directory: letsencrypt, staging (untrusted certificates, generous "
        "limits), lab (the test authority of `fab lab.up`), or a URL.",
    )
    preflight: Yes = Field(
        default=True,
        description="Before the authority is asked, check that every domain points to the host "
        "and that port 80 answers. false if a proxy or NAT is in front of the hosts.",
    )
    certificate: LocalPath | None = Field(
        default=None,
        description="For method files: the certificate with its chain, as PEM, relative to the "
        "inventory.",
    )
    key: LocalPath | None = Field(
        default=None,
        description="For method files: its private key, as PEM, relative to the inventory.",
    )

    @property
    def is_lab(self) -> bool:
        """Tell whether certificates come from the lab's authority."""
        return self.method == "acme" and self.directory_url == LAB_DIRECTORY

    @property
    def https(self) -> bool:
        """Whether sites are served on 443."""
        return self.method != "off"

    @property
    def directory(self) -> str:
        """Return the URL of the ACME directory.

        Raises:
            ConfigurationError: It is the lab's, and the lab has not put its address in.
        """
        if self.directory_url == LAB_DIRECTORY:
            raise ConfigurationError(
                "cannot use the ACME directory of the lab: the lab is not up",
                hint="fab lab.up",
            )
        return ACME_DIRECTORIES.get(self.directory_url, self.directory_url)
