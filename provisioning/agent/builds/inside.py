"""Within a build's sandbox: a door to the proxy outside, and the steps of the build.

It runs as the build's own user, and all that it starts may be hostile: nobody believes more of it
than its exit status, which says that the build is to be looked at.
"""

from __future__ import annotations

import glob
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from typing import Any, Dict, List, Mapping

CHUNK = 1 << 16
CONNECTIONS = 64


def main(argv: List[str]) -> int:
    """Carry out steps.

    On standard input is JSON: "socket", the path of the proxy's; "home", the environment that is
    built; "staged", what it is made from, and "sources", where it is copied to and the steps run;
    "env"; "netrc", the content of such a file, or ""; "steps", in their order. A step has "argv".
    With "lacking", distribution -> requirement, the requirements of those that are not installed
    are written to the file "requirements" first; if there are none, the step is left out. Of
    distributions with "|" between them any one will do.
    A step with "oldest", distribution -> version, fails if an earlier version is installed.

    Returns:
        0, or the exit status of the step that failed.
    """
    settings = json.load(sys.stdin)
    door = socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS)
    threading.Thread(target=serve, args=(door, settings["socket"]), daemon=True).start()
    proxy = f"http://127.0.0.1:{door.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "all_proxy")
    env = {
        **settings["env"],
        **{form(name): proxy for name in names for form in (str.lower, str.upper)},
    }
    if settings["netrc"]:
        env["NETRC"] = _netrc(settings["netrc"])
    shutil.copytree(settings["staged"], settings["sources"], symlinks=True, dirs_exist_ok=True)
    for step in settings["steps"]:
        if "oldest" in step:
            if _are_too_old(step["oldest"], settings["home"]):
                return 1
            continue
        if "lacking" in step and not _write_lacking(step, settings["home"]):
            continue
        status = subprocess.call(  # noqa: S603
            step["argv"], stdin=subprocess.DEVNULL, cwd=settings["sources"], env=env
        )
        if status != 0:
            print(
                f"{os.path.basename(step['argv'][0])} ended with exit status {status}", flush=True
            )
            return status if 0 < status < 200 else 1
    return 0


def _netrc(text: str) -> str:
    """Write a netrc file into /tmp, which the sandbox takes with it; return its path."""
    opened, path = tempfile.mkstemp(prefix="netrc-")
    with open(opened, "w") as file:
        file.write(text)
    return path


def _write_lacking(step: Mapping[str, Any], home: str) -> bool:
    """Write the requirements of what is not installed; return whether there are any."""
    there = installed(home)
    lines = [
        line for name, line in step["lacking"].items() if not there.keys() & set(name.split("|"))
    ]
    with open(step["requirements"], "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    return bool(lines)


def _are_too_old(oldest: Mapping[str, str], home: str) -> bool:
    """Say which distributions are too old; return whether there are any."""
    there = installed(home)
    old = [name for name in oldest if name in there and _parts(there[name]) < _parts(oldest[name])]
    for name in old:
        print(f"{name} {there[name]} is too old: it must be {oldest[name]} or newer", flush=True)
    return bool(old)


def _parts(version: str) -> List[int]:
    """Return the numbers that a version begins with."""
    numbers = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    return [int(each) for each in numbers[1].split(".")] if numbers else []


def installed(home: str) -> Dict[str, str]:
    """Return the distributions that an environment has: normalised name -> version.

    Source: the PyPA's "Recording installed projects"; PEP 503 for names.
    """
    found = {}
    for path in glob.glob(os.path.join(glob.escape(home), "lib/python*/site-packages/*.dist-info")):
        name, _, version = os.path.basename(path)[: -len(".dist-info")].rpartition("-")
        found[re.sub(r"[-_.]+", "-", name).lower()] = version
    return found


def serve(door: socket.socket, path: str) -> None:
    """Pass connections to a door on to the proxy's socket, without end."""
    while True:
        inner, _ = door.accept()
        threading.Thread(target=_pass_on, args=(inner, path), daemon=True).start()


def _pass_on(inner: socket.socket, path: str) -> None:
    outer = socket.socket(socket.AF_UNIX)
    try:
        outer.connect(path)
        splice(inner, outer)
    except OSError:
        return
    finally:
        inner.close()
        outer.close()


def splice(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes between two connections until one of them ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                data = source.recv(CHUNK)
                if not data:
                    return
                key.data.sendall(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
