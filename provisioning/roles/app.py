"""What an app needs on a host before its first release: user, directories, sockets, unit."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.agent import layout
from provisioning.agent.apps.runtimes import RUNTIMES
from provisioning.agent.layout import AppLayout
from provisioning.agent.ownership.things import app_comment
from provisioning.errors import ConfigurationError
from provisioning.inventory.models.app import App
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.render import render
from provisioning.resources import (
    Directory,
    DiskQuota,
    MediaFolders,
    Packages,
    RegisteredApp,
    Resource,
    Service,
    SharedFolders,
    Tmpfiles,
    Unit,
    User,
)

BOOT_WAIT_S = 30
"""How long a boot delays the web server for an app that does not start."""

# Source: base-passwd, and the packages that Homeport brings.
_USERS = (
    "adm audio backup bin cdrom crontab daemon dialout dip disk fax floppy games input irc kmem "
    "kvm list lp mail man messagebus news nobody nogroup operator plugdev postfix proxy render "
    "root sasl sgx shadow ssh src sshd staff sudo sync sys tape tty users utmp uucp video voice "
    "www-data"
)
# An app's sockets would take the place of these directories in /run.
_RUNTIME_DIRECTORIES = (
    "agetty apt blkid credentials cryptsetup dbus docker fsck homeport initctl initramfs lock log "
    "mount needrestart network nologin podman resolvconf screen secrets shm sudo systemd "
    "tmpfiles udev user uuidd"
)
TAKEN = frozenset(
    (
        *_USERS.split(),
        *_RUNTIME_DIRECTORIES.split(),
        *WEB_SERVERS,
        layout.BUILDER,
        layout.RENEWAL,
    )
)
"""Names that Debian already uses on a host."""


def app_resources(app: App, web_unit: str) -> Iterator[Resource]:
    """Yield what an app needs before its first release.

    Args:
        app: The app.
        web_unit: The web server's unit of systemd.

    Raises:
        ConfigurationError: Debian itself uses the app's name.
    """
    if app.name in TAKEN or app.name.startswith("systemd-"):
        raise ConfigurationError(
            f"cannot call an app {app.name}: Debian itself has a user or a directory of that name",
            hint=f"rename [apps.{app.name}], for instance to [apps.{app.name}-app]",
        )
    yield RegisteredApp(app.name, app.names)
    if app.packages:
        yield Packages(f"app-{app.name}", app.packages)
    yield User(app.name, groups=app.groups, comment=app_comment(app.name))
    yield from _directories(app)
    if app.disk_max is not None:
        yield Packages(f"quota-{app.name}", ("quota",))
    # Also without one: what the key said before is taken back.
    yield DiskQuota(app.name, app.disk_max.size_bytes // 1024 if app.disk_max else 0)
    yield Tmpfiles(
        # With a dot, which app names have not: no other app's file is meant by it.
        f"homeport.{app.name}",
        render(
            "app/tmpfiles.conf.j2",
            app=app,
            sockets=layout.SOCKETS,
            directory=AppLayout(app.name).sockets,
            web_user=layout.WEB_USER,
            temporary=AppLayout(app.name).temporary,
        ),
    )
    boot = Unit(
        f"{app.name}-boot.service",
        render(
            "app/app-boot.service.j2",
            app=app,
            live_socket=AppLayout(app.name).live_socket,
            releases=AppLayout(app.name).releases,
            runtime_units=layout.RUNTIME_UNITS,
            web_unit=web_unit,
            wait_s=BOOT_WAIT_S,
        ),
    )
    yield boot
    yield Service(boot.path, restart_on=(boot,))


def home_directory(app: App) -> Directory:
    """Return the home of an app's programs. The account has none: nobody logs in by it."""
    return Directory(AppLayout(app.name).home, mode="0700", owner=app.name, group=app.name)


def _directories(app: App) -> Iterator[Resource]:
    paths = AppLayout(app.name)
    # The web server goes through; what is in there is for those whom it is for.
    yield Directory(paths.root, mode="0751")
    runtimes = [kind.directory(app.name) for kind in RUNTIMES]
    for path in (paths.releases, *runtimes, paths.env):
        yield Directory(path, mode="0750", group=app.name)
    yield Directory(paths.static, mode="0750", group=layout.WEB_USER)
    yield Directory(paths.shared, mode="0750", owner=app.name, group=app.name)
    yield home_directory(app)
    if app.all_shared:
        yield SharedFolders(app.name, app.all_shared)
    yield media_folders(app)


def media_folders(app: App) -> MediaFolders:
    """Return what the web server may read of what an app writes; with nothing, it is kept out."""
    return MediaFolders(app.name, tuple(dict.fromkeys(each.folder for each in app.media.values())))
