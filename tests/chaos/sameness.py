"""Whether a host is the same as one that was never disturbed, and what is left over on it.

Releases have other names each time: the live one is called LIVE here, and so are its
virtualenv and its environment; others must be whole, or they are left over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from provisioning.lab import LabHost
from tests.e2e.steps import wait_until_python_is_given_back

ROOTS = (
    "/etc /home /opt /root /srv /var /tmp /run/homeport-sockets /run/homeport /run/systemd/system"
)
PACKAGES = "/boot /usr"
"""Only packages write here: on a live host dpkg's books say enough."""

MOVING = (
    "/etc/machine-id",
    "/etc/homeport/acme/accounts",
    "/home/operator/.sudo_as_admin_successful",
    "/run/homeport/agent",
    "/run/homeport/packages.log",
    "/run/homeport/candidates.json",
    "/srv/hello/shared/instance/*",
    "/tmp/systemd-private-*",
    "/var/backups",
    "/var/cache/apt",
    "/var/lib/caddy",
    "/var/cache/ldconfig",
    "/var/cache/private/homeport-build/*",
    "/var/lib/apt",
    "/var/lib/dpkg/*-old",
    "/var/lib/homeport/runs",
    "/var/lib/nginx/*/*",
    "/var/lib/systemd",
    "/var/log",
    "/var/tmp/systemd-private-*",
)
"""What a host, its visitors or packages' archives write, not runs; and what runs say of
themselves."""

SIZED = ("/etc/", "/opt/homeport/", "/srv/", "/run/", "/var/lib/homeport")
"""Below these a file's size must be the same too; elsewhere packages keep their books."""

UNSIZED = (
    "/etc/homeport/acme/", "/etc/ld.so.cache", "/srv/hello/history.jsonl", "/run/homeport/lock",
    "/var/lib/homeport/memory.json",
)  # fmt: skip
"""Keys, dates and names in there differ."""

_NUMBERED = re.compile(
    r"(?<=/archive/hello/cert)\d+|(?<=/archive/hello/chain)\d+|(?<=/archive/hello/fullchain)\d+"
    r"|(?<=/archive/hello/privkey)\d+|(?<=/acme/csr/)\d+|(?<=/acme/keys/)\d+"
)
"""certbot keeps every certificate that it ever got."""

_LOOK = r"""
find $(ls -d @ROOTS@ 2>/dev/null) -xdev \( @PRUNED@ \) -prune \
    -o -printf 'file\t%p\t%y %m %U:%G %s\t%l\n' || true  # What visitors make comes and goes.
find /etc -xdev -type f \( -path '/etc/homeport/acme/*' -o -name '*-' -o -name machine-id \
    -o -name ld.so.cache \) -prune -o -type f -exec sha256sum {} + | sed 's/^/digest\t/; s/  /\t/'
systemctl list-units --all --plain --no-legend --no-pager 'hello*' 'nginx*' 'caddy*' 'homeport*' |
    awk '$1 !~ /\.slice$/ { print "unit\t" $1 "\t" $2 " " $3 " " $4 }'
systemctl list-units --failed --plain --no-legend --no-pager | awk '{ print "failed\t" $1 }'
systemctl list-unit-files --plain --no-legend --no-pager | awk '{ print "unitfile\t" $1 "\t" $2 }'
ps -eo user:32,pid,args --no-headers | awk '
    $1 ~ /^(hello|homeport-build)$/ { print "process\t" $1 "\t" $3 " " $4 }
    / -I [-]c / { print "agent\t" $2 }'
flock --nonblock /run/homeport/lock true || echo lock
"""

_RELEASES = r"""
import hashlib, json, os, sys
root, found = "/srv/hello/", {}
def digest(path):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        return str(error)
for name in os.listdir(root + "releases") if os.path.isdir(root + "releases") else []:
    here = root + "releases/" + name + "/"
    try:
        with open(here + "manifest.json") as file:
            manifest = json.load(file)
    except (OSError, ValueError) as error:
        found[name] = {"wrong": [str(error)]}
        continue
    wrong = ["code/" + path for path, want in manifest["files"].items()
             if digest(here + "code/" + path) != want]
    wrong += [part for part in ("venv/.ready", "venv/bin/python", "env", "server.py")
              if not os.path.exists(here + part)]
    static = {}
    for url, folder in manifest["static"].items():
        folder = folder.rstrip("/") + "/"
        for path, want in manifest["files"].items():
            if path.startswith(folder):
                static[os.path.join(url.strip("/"), path[len(folder):])] = want
    found[name] = {"wrong": wrong, "venv": manifest["venv"], "env": manifest["env"],
                   "static": static}
def base(path):
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else ""
there = {each: os.listdir(root + each) if os.path.isdir(root + each) else []
         for each in ("venvs", "env")}
live = base(root + "live.sock").replace(".sock", "")
wanted = {path for release in found.values() for path in release.get("static", ())}
static = []
for directory, _, names in os.walk(root + "static"):
    for name in names:
        path = os.path.relpath(os.path.join(directory, name), root + "static")
        if path not in wanted and path[:-3] not in wanted:
            static.append("static/" + path + " is of no release")
for path, want in found.get(live, {}).get("static", {}).items():
    if digest(root + "static/" + path) != want:
        static.append("static/" + path + " is not that of the live release")
json.dump({"releases": found, "live": live, "current": base(root + "current"),
           "static": static, **there}, sys.stdout)
"""


@dataclass
class Look:
    """What a host is at a moment.

    Args:
        things: What must be the same as on an undisturbed host: name -> what it is.
        left_over: What must not be there on any host between two runs.
        live: The id of the live release; "" if there is none.
    """

    things: dict[str, str] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    live: str = ""

    def differences(self, undisturbed: Look) -> list[str]:
        """Return what is not as on an undisturbed host."""
        return [
            f"{name}: {self.things.get(name, 'not there')}"
            f" in place of {undisturbed.things.get(name, 'nothing')}"
            for name in sorted({*self.things, *undisturbed.things})
            if self.things.get(name) != undisturbed.things.get(name)
        ]


def look_at(host: LabHost, *, packages: bool = False) -> Look:
    """Look at all of a host; no run is at work on it.

    Args:
        host: The host.
        packages: Whether to look at what packages have brought, too; for a host that was bare.
    """
    if packages:
        wait_until_python_is_given_back(host)
    roots = f"{ROOTS} {PACKAGES}" if packages else ROOTS
    pruned = " -o ".join(f"-path '{path}'" for path in MOVING)
    lines = host.shell(_LOOK.replace("@ROOTS@", roots).replace("@PRUNED@", pruned)).splitlines()
    about = json.loads(host.run("python3", "-I", "-c", _RELEASES).stdout)
    names = _Names(about)
    look = Look(live=about["live"], left_over=list(names.left_over()))
    for line in lines:
        kind, *fields = line.split("\t")
        _take(look, names, kind, fields)
    return look


def _take(look: Look, names: _Names, kind: str, fields: list[str]) -> None:
    if kind in ("lock", "agent", "failed"):
        look.left_over.append(" ".join(["a failed unit" if kind == "failed" else kind, *fields]))
    elif kind == "process":
        name = names.canonical(" ".join([kind, *fields]))
        look.things[name] = str(int(look.things.get(name, "0")) + 1)
    elif kind == "file":
        path, entry, target = fields
        if _is_temporary(path):
            look.left_over.append(path)
        elif not names.is_anothers(path):
            look.things[names.canonical(path)] = _entry(path, entry, names.canonical(target))
    elif kind == "digest":
        look.things[f"content of {fields[1]}"] = fields[0]
    else:
        name, *state = fields
        if not names.is_anothers(name):
            look.things[f"{kind} {names.canonical(name)}"] = " ".join(state)


def _entry(path: str, entry: str, target: str) -> str:
    type_, mode, owner, size = entry.split()
    sized = type_ == "f" and path.startswith(SIZED) and not path.startswith(UNSIZED)
    sized = sized and not path.endswith("/manifest.json")
    # What pip and Python write themselves is theirs.
    sized = sized and "/venvs/" not in path
    return " ".join(each for each in (type_, mode, owner, size if sized else "", target) if each)


def _is_temporary(path: str) -> bool:
    inside = re.search(r"/site-packages/", path)
    return not inside and bool(
        re.search(r"\.(part|homeport-new|json\.new|dpkg-new|dpkg-tmp)$|/stage-", path)
    )


class _Names:
    """What is called otherwise each time."""

    def __init__(self, about: dict[str, Any]) -> None:
        self._about = about
        self._releases: dict[str, dict[str, Any]] = about["releases"]
        self._live = about["live"]
        live = self._releases.get(self._live, {})
        self._called = {
            name: called
            for name, called in (
                (self._live, "LIVE"), (live.get("venv"), "VENV"), (live.get("env"), "ENV"),
            )
            if name
        }  # fmt: skip

    def left_over(self) -> Iterator[str]:
        """Yield what is half there, or belongs to nothing."""
        for name, release in self._releases.items():
            for part in release["wrong"]:
                yield f"release {name} is not whole: {part}"
        for kind, key in (("venvs", "venv"), ("env", "env")):
            used = {release.get(key) for release in self._releases.values()}
            for name in self._about[kind]:
                if name not in used:
                    yield f"{kind}/{name} is of no release"
        yield from self._about["static"]
        if self._about["current"] != self._live:
            yield f"current is {self._about['current']}, live is {self._live}"

    def canonical(self, text: str) -> str:
        """Return a name as it is called on every host."""
        for name, called in self._called.items():
            text = text.replace(name, called)
        return _NUMBERED.sub("N", text)

    def is_anothers(self, name: str) -> bool:
        """Return whether something belongs to a release that is not live, or to several.

        Those are looked at as wholes; an old release's unit or socket is not among them.
        """
        found = re.match(r"/srv/hello/(releases|venvs|env)/([^/]+)", name)
        if name.startswith("/srv/hello/static/"):
            return True
        return bool(found) and found[2] not in self._called
