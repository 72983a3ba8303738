"""Hosts to compile desired state for."""

from pathlib import Path

from provisioning.agent.facts import Facts
from provisioning.inventory import Inventory, load
from provisioning.roles import compile_host, release_units

BOOKWORM = Facts(
    debian="12",
    codename="bookworm",
    architecture="amd64",
    cores=2,
    memory_mb=1984,
    ipv6=True,
    nginx="1.22.1",
    openssl="3.0.19",
    python="3.11.2",
    systemd="252.39",
    certbot="2.1.0",
)
TRIXIE = Facts(
    debian="13",
    codename="trixie",
    architecture="amd64",
    cores=1,
    memory_mb=448,
    ipv6=False,
    container="systemd-nspawn",
    nginx="1.26.3",
    openssl="3.5.7",
    python="3.13.5",
    systemd="257.9",
    certbot="4.0.0",
)

HELLO = """
[apps.hello]
source = "../hello"
wsgi = "app:create_app()"
domains = ["hello.example.com", "www.hello.example.com"]
"""


def inventory(folder: Path, text: str) -> Inventory:
    """Return the inventory with this text, and one host if it has none."""
    if "[hosts." not in text:
        text = "[hosts.web1]\n" + text
    (folder / "inventory").mkdir(parents=True, exist_ok=True)
    (folder / "inventory" / "production.toml").write_text(text)
    return load(folder, environ={})


def compiled(folder: Path, text: str, facts: Facts = BOOKWORM, **given):
    """Return the resources of the first host, by id."""
    made = inventory(folder, text)
    host = next(iter(made.hosts.values()))
    return {each.id: each for each in compile_host(made, host, facts, **given).resources}


RELEASE = "20260102T030405.000Z-abcdef0"


def units_of(folder: Path, text: str, name: str = "hello", facts: Facts = BOOKWORM):
    """Return the unit files of a release of an app: name -> text."""
    return release_units(inventory(folder, text).apps[name], facts, RELEASE)


def text_of(resource, path: str = "") -> str:
    """Return the text of a file, a unit, or one file of a set."""
    (blob,) = [resource.files[path]] if path else [each for each in resource.blobs() if each.data]
    return blob.data.decode()


def write_tree(resources, root: Path) -> None:
    """Write every file that the resources would have below a directory."""
    for path, text in files_of(resources):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def files_of(resources):
    """Yield (path on the host, text) of every file that the resources would have."""
    for each in resources:
        if each.kind == "file-set":
            for path, blob in each.files.items():
                yield f"{each.root}/{path}", blob.data.decode()
            continue
        folder = {"file": "", "unit": "/etc/systemd/system/", "tmpfiles": "/etc/tmpfiles.d/"}
        if each.kind in folder:
            suffix = ".conf" if each.kind == "tmpfiles" else ""
            yield folder[each.kind] + each.name + suffix, text_of(each)
