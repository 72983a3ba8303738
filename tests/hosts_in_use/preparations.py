"""What others may have made on a host, each of which a run must name and leave as it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preparation:
    """Something of somebody else's that is in the way of the example app.

    Args:
        make: Shell commands that make it.
        undo: Shell commands that take it away again.
        names: What the refusal must say of it.
        can_be_adopted: Whether a person may hand it over.
    """

    make: str
    undo: str
    names: tuple[str, ...]
    can_be_adopted: bool = False


def _account(more: str, *words: str) -> Preparation:
    return Preparation(
        f"useradd {more} hello", "userdel --remove hello 2>/dev/null", ("user:hello", *words)
    )


def _file(path: str, text: str = "of somebody else") -> Preparation:
    return Preparation(
        f"mkdir -p $(dirname {path}) && echo '{text}' > {path}",
        f"rm -f {path}",
        (path,),
        can_be_adopted=True,
    )


def _unit(name: str) -> Preparation:
    text = "[Service]\\nExecStart=/bin/true\\n"
    return Preparation(
        f"printf '{text}' > /etc/systemd/system/{name}",
        f"rm -f /etc/systemd/system/{name}",
        (f"/etc/systemd/system/{name}",),
    )


PREPARATIONS = {
    "an account that logs in": _account("-m -s /bin/bash", "home /home/hello", "shell /bin/bash"),
    "an account with rights": _account("-m -G sudo,adm -s /bin/bash", "groups adm, sudo"),
    "a system's account": _account("--system --home-dir /var/lib/hello", "home /var/lib/hello"),
    "an account at work": Preparation(
        "useradd -m hello; setsid su hello -c 'sleep 1000' >/dev/null 2>&1 & sleep 0.5",
        "pkill -KILL -u hello; sleep 1; userdel --remove hello 2>/dev/null",
        ("user:hello",),
    ),
    "a group": Preparation("groupadd hello", "groupdel hello", ("group:hello",)),
    "a directory made by hand": Preparation(
        "mkdir -p /srv/hello/static /srv/hello/venvs/main; echo x > /srv/hello/static/a.png",
        "rm -r /srv/hello",
        ("/srv/hello", "a directory with 2 entries"),
        can_be_adopted=True,
    ),
    "an empty directory": Preparation(
        "mkdir /srv/hello", "rmdir /srv/hello", ("/srv/hello",), can_be_adopted=True
    ),
    "Capistrano's releases": Preparation(
        "mkdir -p /srv/hello/releases/20260101120000 /srv/hello/shared /srv/hello/repo; "
        "echo x > /srv/hello/releases/20260101120000/data.db; "
        "ln -s releases/20260101120000 /srv/hello/current",
        "rm -r /srv/hello",
        ("/srv/hello", "a directory with 4 entries"),
        can_be_adopted=True,
    ),
    "a link in place of the directory": Preparation(
        "mkdir -p /home/old; ln -s /home/old /srv/hello",
        "rm -r /srv/hello /home/old",
        ("/srv/hello", "a link to /home/old"),
        can_be_adopted=True,
    ),
    "a file in place of the directory": _file("/srv/hello"),
    "a template of units": _unit("hello@.service"),
    "a unit that starts at boot": Preparation(
        "printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/hello-boot.service",
        "rm -f /etc/systemd/system/hello-boot.service",
        ("/etc/systemd/system/hello-boot.service",),
    ),
    "temporary files of the same name": _file("/etc/tmpfiles.d/homeport.hello.conf", "# mine"),
    "a drop-in of the same name": _file(
        "/etc/systemd/system/nginx.service.d/homeport.conf", "# mine"
    ),
    "settings of apt of the same name": _file("/etc/apt/apt.conf.d/52homeport-upgrades", "// mine"),
    "settings of the journal of the same name": _file(
        "/etc/systemd/journald.conf.d/homeport.conf", "# mine"
    ),
    "another server on port 80": Preparation(
        "setsid python3 -m http.server 80 >/dev/null 2>&1 & echo $! > /run/server; sleep 1",
        "kill $(cat /run/server); rm /run/server",
        ("port:80", "python3 (process"),
    ),
}
"""Of an app called hello, with nothing of a web server on the host."""
