"""The services that a host needs, refusing, silent or answering nonsense while it is at work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from provisioning.lab import LabHost
from tests.chaos.bad_server import DATAGRAM_WAYS, PAGE, REFUSING, WAYS, BadServer
from tests.chaos.host_faults import filter_packets
from tests.chaos.row import Row
from tests.chaos.sameness import Look
from tests.chaos.scene import Scene
from tests.chaos.stage import Stage, stage
from tests.chaos.subjects import Deploy, Provision, Subject
from tests.chaos.switching import learn
from tests.chaos.trouble import Trouble

PACKAGE = "ed"
"""A small one that nothing needs."""

GROUPS = 'groups = ["web"]\n'
PACKAGES = f'{GROUPS}packages = ["{PACKAGE}"]\n'

DOMAINS = ('"www.hello.lab"]', '"www.hello.lab", "more.lab"]')
MORE = "more.lab"

SOURCES = "grep -rlE '^[^#]*https?://' /etc/apt/sources.list*"
"""Lists the files that name Debian's archive."""

SAVED = "/run/chaos-saved"

LONGEST_S = 900
"""The longest that a command may take with a service that is silent: nothing hangs for ever."""


class DeployAnew(Deploy):
    """A deploy that fetches all that the app requires."""

    def prepare(self) -> None:
        super().prepare()
        self.stage.host.shell("rm -rf /var/cache/private/homeport-build/app-hello/*")


class InstallPackage(Provision):
    """A provision that fetches the archive's lists and a package."""

    reloads = False

    def prepare(self) -> None:
        self.stage.host.shell(
            f"apt-get -qq -y purge {PACKAGE} >/dev/null 2>&1 || true; apt-get clean;"
            "rm -f /var/lib/apt/lists/*_*"
        )

    @property
    def variant(self) -> str:
        return self.name


class GetCertificate(Provision):
    """A provision that asks for another certificate."""

    def prepare(self) -> None:
        text = self.stage.project.inventory.read_text()
        self.stage.project.configure(*(DOMAINS if DOMAINS[0] in text else DOMAINS[::-1]))

    @property
    def variant(self) -> str:
        return f"{self.name} {MORE in self.stage.project.inventory.read_text()}"


@dataclass(frozen=True)
class Service:
    """A service, and how it is kept from a host.

    Args:
        name: As in the table.
        subject: The command that needs it.
        ways: In which it can be bad.
        instead: Has the host ask a bad server instead, for the length of a block; gives
            what a person must be told of where it is.
        says: What a person must be told besides.
        unnamed: Ways in which the program that asks it does not say where it is.
    """

    name: str
    subject: Callable[[Stage], Subject]
    ways: tuple[str, ...]
    instead: Callable[[Stage, str], AbstractContextManager[tuple[str, BadServer]]]
    says: str
    unnamed: tuple[str, ...] = ()


def run(scene: Scene, suite: str) -> Iterator[Row]:
    """Have each service bad in each way, while a live host needs it.

    Args:
        scene: The scene.
        suite: The host's Debian.
    """
    with stage(scene, suite, name="chaos-services") as where:
        where.project.configure(GROUPS, PACKAGES)
        scene.lab.set_domain(MORE, where.host.name)
        where.fab("provision").must_succeed()
        for service in SERVICES:
            if scene.faults and service.name not in scene.faults:
                continue
            _, looks = learn(where, service.subject(where))
            yield from keep_from(where, service, looks, service.ways)


def keep_from(
    where: Stage, service: Service, undisturbed: Mapping[str, Look], ways: tuple[str, ...]
) -> Iterator[Row]:
    """Keep one service from a host in some ways.

    Args:
        where: The host.
        service: The service.
        undisturbed: Variant of its command -> what the host is after it otherwise.
        ways: In which it is bad, one after the other.
    """
    subject = service.subject(where)
    for way in ways:
        where.scene.say(f"{where.host.name}: {subject.name}, {service.name} {way}")
        trouble = Trouble(where, subject, undisturbed, f"{service.name} {way}", "in need of it")
        with service.instead(where, way) as (place, server):
            told = where.project.fab("-H", where.host.name, *subject.arguments, timeout_s=LONGEST_S)
            trouble.judge(told, service.says, "" if way in service.unnamed else place)
            if way != REFUSING and not server.asked:
                trouble.row.wrong.append("the bad server was never asked")
        yield trouble.complete()


@contextmanager
def _instead_of_archive(where: Stage, way: str) -> Iterator[tuple[str, BadServer]]:
    """Name another archive in apt's sources."""
    with BadServer(where.scene.lab.gateway, way) as server:
        place = f"{where.scene.lab.gateway}:{server.port}"
        name = f"{SOURCES} | xargs sed -i -E 's#https?://[^/ ]*#http://{place}#'"
        with _changed(where.host, "/etc/apt", name):
            yield place, server


@contextmanager
def _instead_of_index(where: Stage, way: str) -> Iterator[tuple[str, BadServer]]:
    """Name another index in uv's settings."""
    with BadServer(where.scene.lab.gateway, way) as server:
        place = f"{where.scene.lab.gateway}:{server.port}"
        name = (
            "mkdir -p /etc/uv; touch /etc/uv/uv.toml; sed -i '/^index-url/d' /etc/uv/uv.toml;"
            f"echo 'index-url = \"http://{place}/simple\"' >> /etc/uv/uv.toml"
        )
        with _changed(where.host, "/etc/uv", name):
            yield place, server


@contextmanager
def _instead_of_authority(where: Stage, way: str) -> Iterator[tuple[str, BadServer]]:
    """Lead the host to another server at the authority's address."""
    lab = where.scene.lab
    url = lab.acme.directory_url
    [port] = re.findall(r":(\d+)/", url)
    certificate = (str(lab.paths.acme / "cert.pem"), str(lab.paths.acme / "key.pem"))
    with (
        BadServer(lab.gateway, way, certificate=certificate) as server,
        _led(where, f"ip daddr {lab.gateway} tcp dport {port}", server),
    ):
        yield url, server


@contextmanager
def _instead_of_names(where: Stage, way: str) -> Iterator[tuple[str, BadServer]]:
    """Lead the host to another name server."""
    with (
        BadServer(where.scene.lab.gateway, way, datagrams=True) as server,
        _led(where, "udp dport 53", server),
    ):
        archive = where.host.shell(f"{SOURCES} | xargs grep -hoE 'https?://[^/ ]+'").split()[0]
        yield archive.partition("//")[2], server


@contextmanager
def _changed(host: LabHost, directory: str, script: str) -> Iterator[None]:
    """Have a script change a directory, and have the directory back after the block."""
    host.shell(f"test ! -e {directory} || cp -a {directory} {SAVED}")
    try:
        host.shell(script)
        yield
    finally:
        host.shell(f"rm -rf {directory}; test ! -e {SAVED} || mv {SAVED} {directory}")


@contextmanager
def _led(where: Stage, what: str, server: BadServer) -> Iterator[None]:
    """Have what a host sends somewhere end at a bad server, for the length of a block."""
    lab, host = where.scene.lab, where.host
    rules = f"""
        table ip chaos {{
            chain output {{
                type nat hook output priority -100; policy accept;
                {what} dnat to {lab.gateway}:{server.port}
            }}
        }}
    """
    filter_packets(lab, host, rules)
    try:
        yield
    finally:
        filter_packets(lab, host, "delete table ip chaos")


ARCHIVE = Service("Debian's archive", InstallPackage, WAYS, _instead_of_archive,
                  "cannot fetch Debian's package lists")  # fmt: skip
INDEX = Service("package index", DeployAnew, WAYS, _instead_of_index, "package index", (PAGE,))
AUTHORITY = Service("ACME authority", GetCertificate, WAYS, _instead_of_authority,
                    "cannot get a certificate for")  # fmt: skip
NAMES = Service("DNS", InstallPackage, DATAGRAM_WAYS, _instead_of_names,
                "cannot fetch Debian's package lists")  # fmt: skip

# The archive last: what is silent there takes minutes.
SERVICES = (INDEX, AUTHORITY, NAMES, ARCHIVE)
