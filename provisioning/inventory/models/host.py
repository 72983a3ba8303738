"""One host, and how it is reached."""

from __future__ import annotations

from pydantic import Field

from provisioning.inventory.models.base import Model
from provisioning.inventory.types.fields import (
    Address,
    HostName,
    HostNames,
    LocalPath,
    Packages,
    PeerAddress,
    Port,
    RoleNames,
    Seconds,
    SettingAreas,
    Things,
    UserName,
)
from provisioning.inventory.types.sources import LocalSource


class Host(Model):
    """A Debian host that Homeport brings to its desired state: `[hosts.<name>]`."""

    name: HostName = Field(description="The name in the table's header.")
    address: Address = Field(
        default="", description="IP address or DNS name. Default: the host's name."
    )
    user: UserName | None = Field(
        default=None,
        description="Who logs in: root, or any user with sudo. Default: what ssh would use.",
    )
    port: Port | None = Field(
        default=None, description="Port of the SSH server. Default: what ssh would use, else 22."
    )
    identity_file: LocalPath | None = Field(
        default=None,
        description="Private key to log in with, relative to the inventory; ~ is the home folder. "
        "Default: what ssh would use.",
    )
    sudo_password: LocalSource | None = Field(
        default=None,
        description="Where sudo's password comes from. Default: none is needed, or you are asked.",
    )
    peer_address: PeerAddress | None = Field(
        default=None,
        description="IP address at which the other hosts of an app reach port 80 of this host: "
        "with certificates from an ACME authority, they ask each other for the "
        "answers to its challenges. off: they do not ask this host, because no name "
        "points to it. Default: the address.",
    )
    groups: HostNames = Field(
        default=(), description="Names under which apps and --limit find this host."
    )
    packages: Packages = Field(default=(), description="Additional Debian packages.")
    roles: RoleNames = Field(
        default=(), description="Your own additional roles: files in roles/ next to the fabfile."
    )
    adopt: Things = Field(
        default=(),
        description="Things that others made on the host and that you hand over to Homeport, "
        "each by name: Homeport copies them to /var/backups/homeport before it "
        "changes them.",
    )

    override: SettingAreas = Field(
        default=(),
        description="Areas in which Homeport's settings of the host take precedence over those "
        'that others made: "journal", "kernel", "updates".',
    )

    def model_post_init(self, context: object, /) -> None:
        """Use the name as the address if the inventory gives none."""
        if not self.address:
            object.__setattr__(self, "address", self.name)


class Ssh(Model):
    """How every host of the environment is reached: `[ssh]`."""

    config_file: LocalPath | None = Field(
        default=None,
        description="An ssh_config file, relative to the inventory. Default: what ssh would read.",
    )
    known_hosts: LocalPath | None = Field(
        default=None,
        description="File of trusted host keys, relative to the inventory. "
        "Default: what ssh would read.",
    )
    connect_timeout_s: Seconds = Field(
        default=10, description="Seconds until a host that does not answer counts as unreachable."
    )
