"""Within the sandbox of an image's build: a user namespace, and buildah in it.

It begins as root and gives that up: it makes a user namespace whose root is a user without any
rights outside, and waits. All that runs in there may be hostile: nobody believes more of it than
its exit status, which says that the result is to be looked at.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List, Mapping, NamedTuple

from provisioning.agent.builds.inside import CONNECTIONS, serve

FIRST_ID, IDS = 1_900_000_000, 65_536
"""Users and groups outside that stand for those inside: nobody else's. systemd's own ranges end at
1,879,048,191. Source: systemd's "Users, Groups, UIDs and GIDs on systemd Systems"."""

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
"""Source: <linux/sched.h>."""

LEAST_FREE_BYTES = 1 << 30
"""A build that leaves less of the disk than this is ended."""

MOST_CACHE_BYTES = 8 << 30
"""What is kept of earlier builds; beyond, the next build begins without it."""

WATCH_S = 0.5

MOST_TOLD_BYTES = 8 << 20
"""What is read of a program of buildah's: what it says of an image has some 10 kB."""

DRIVERS = ("overlay", "vfs")
"""Of buildah's storage: vfs copies each layer whole, and works everywhere."""

FULL = 75
"""Exit status: the disk would have been filled."""


def main(argv: List[str]) -> int:
    """Build an image.

    On standard input is JSON: "socket", the proxy's; "work", the folder that is the build's own;
    "context"; "dockerfile"; "bases", name -> archive; "volumes", "outside:inside:ro" for each step;
    "fresh"; "env". The result is in the folder "result" of the work folder: `rootfs`, and
    `config.json`.

    Returns:
        0, or the exit status of the step that failed.
    """
    settings = json.load(sys.stdin)
    made, ready = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os._exit(_in_namespace(settings, made[1], ready[0]))
    os.close(made[1])
    os.read(made[0], 1)
    try:
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w") as file:
                file.write(f"0 {FIRST_ID} {IDS}\n")
    except OSError as error:
        print(f"the host has no user namespaces for builds: {error}", flush=True)
        os.kill(pid, signal.SIGKILL)
        return 1
    os.write(ready[1], b".")
    return _watch(pid, settings["work"])


def _watch(pid: int, work: str) -> int:
    """Wait for the build, and end it before it has filled the disk."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 255
        disk = os.statvfs(work)
        if disk.f_bavail * disk.f_frsize < LEAST_FREE_BYTES:
            print(
                f"the build was ended: it left less than {LEAST_FREE_BYTES >> 20} MB of the disk",
                flush=True,
            )
            os.kill(pid, signal.SIGKILL)
            return FULL
        time.sleep(WATCH_S)


def _in_namespace(settings: Mapping[str, Any], made: int, ready: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        print(f"cannot make a user namespace: {os.strerror(ctypes.get_errno())}", flush=True)
        return 1
    os.write(made, b".")
    os.read(ready, 1)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    try:
        return _Build(settings).carry_out()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"cannot build the image: {error}", flush=True)
        return 1


class _Told(NamedTuple):
    """How a program ended, and what it printed."""

    status: int
    stdout: str
    stderr: str


class _StepFailedError(ValueError):
    """A step ended with another exit status than 0."""


class _Build:
    """A build, within its user namespace.

    Args:
        settings: See `main`.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._work = settings["work"]
        self._env: Dict[str, str] = {**settings["env"], **_proxy(settings["socket"])}
        self._buildah: List[str] = []

    def carry_out(self) -> int:
        os.umask(0o022)
        for name in ("home", "run", "tmp", "result"):
            os.makedirs(os.path.join(self._work, name), exist_ok=True)
        self._env.update(self._environment())
        self._choose_store()
        tag = "localhost/homeport-build:result"
        for name, archive in self._settings["bases"].items():
            self._take_base(name, archive)
        self._run(*self._build(tag))
        self._unpack(tag)
        return 0

    def _environment(self) -> Dict[str, str]:
        """Return what makes buildah do without the host's own settings.

        Source: containers-common's containers.conf(5); buildah(1).
        """
        empty = os.path.join(self._work, "containers.conf")
        with open(empty, "w"):
            pass
        return {
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_CONF": empty,
            "_CONTAINERS_USERNS_CONFIGURED": "done",
            "_CONTAINERS_ROOTLESS_UID": "0",
            "HOME": os.path.join(self._work, "home"),
            "XDG_RUNTIME_DIR": os.path.join(self._work, "run"),
            "TMPDIR": os.path.join(self._work, "tmp"),
        }

    def _choose_store(self) -> None:
        for driver in DRIVERS:
            store = os.path.join(self._work, "store-" + driver)
            run = os.path.join(self._work, "run", driver)
            command = ["buildah", "--root", store, "--runroot", run, "--storage-driver", driver]
            # What it remembers of names without a registry; by default in the host's /var/cache.
            command += ["--short-name-alias-conf", os.path.join(self._work, "short-names.conf")]
            if self._settings["fresh"] or _size(store, MOST_CACHE_BYTES) > MOST_CACHE_BYTES:
                subprocess.call(["rm", "-rf", "--", store])  # noqa: S603, S607
            tried = self._told([*command, "info"])
            if tried.status == 0:
                self._buildah = command
                return
        raise _StepFailedError(tried.stderr[-1000:])

    def _take_base(self, name: str, archive: str) -> None:
        """Have a base image under its name, of a file system or of what `podman save` writes."""
        found = os.stat(archive)
        known = f"localhost/homeport-base:{found.st_size}-{found.st_mtime_ns}"
        there = self._quiet("inspect", "--type", "image", known)
        if there.status != 0:
            for form in ("docker-archive", "oci-archive"):
                pulled = self._quiet("pull", "--quiet", f"{form}:{archive}")
                if pulled.status == 0:
                    self._run("tag", pulled.stdout.split()[-1], known)
                    break
            else:
                self._import(archive, known)
        self._run("tag", known, name)

    def _import(self, archive: str, known: str) -> None:
        container = self._output("from", "scratch")
        self._run("add", "--quiet", container, archive, "/")
        self._run("config", "--cmd", "[]", container)
        self._run("commit", "--quiet", "--rm", container, known)

    def _build(self, tag: str) -> List[str]:
        options = ["--isolation", "chroot", "--layers", "--tag", tag, "--http-proxy"]
        for each in self._settings["volumes"]:
            options += ["--volume", each]
        dockerfile = os.path.join(self._settings["context"], self._settings["dockerfile"])
        return ["build", *options, "--file", dockerfile, self._settings["context"]]

    def _unpack(self, tag: str) -> None:
        result = os.path.join(self._work, "result")
        about = json.loads(self._output("inspect", "--type", "image", tag))
        with open(os.path.join(result, "config.json"), "w") as file:
            json.dump(about["OCIv1"]["config"], file)
        container = self._output("from", "--pull-never", tag)
        try:
            mounted = self._output("mount", container)
            rootfs = os.path.join(result, "rootfs")
            subprocess.check_call(  # noqa: S603
                ["cp", "--archive", "--reflink=auto", "--one-file-system", "--", mounted, rootfs],  # noqa: S607
                env=self._env,
            )
        finally:
            self._quiet("rm", container)

    def _run(self, *arguments: str) -> None:
        status = subprocess.call(  # noqa: S603
            [*self._buildah, *arguments], stdin=subprocess.DEVNULL, env=self._env
        )
        if status != 0:
            raise _StepFailedError(f"buildah {arguments[0]} ended with exit status {status}")

    def _quiet(self, *arguments: str) -> _Told:
        return self._told([*self._buildah, *arguments])

    def _told(self, argv: List[str]) -> _Told:
        """Run a program, and return the beginning of what it printed: that may have no end."""
        place = os.path.join(self._work, "tmp")
        with tempfile.TemporaryFile(dir=place) as out, tempfile.TemporaryFile(dir=place) as err:
            status = subprocess.call(  # noqa: S603
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self._env
            )
            texts = []
            for each in (out, err):
                each.seek(0)
                texts.append(each.read(MOST_TOLD_BYTES).decode(errors="replace").strip())
        return _Told(status, *texts)

    def _output(self, *arguments: str) -> str:
        done = self._quiet(*arguments)
        if done.status != 0:
            raise _StepFailedError(f"buildah {arguments[0]} failed: {done.stderr[-1000:]}")
        return done.stdout


def _proxy(path: str) -> Dict[str, str]:
    """Have a door to the proxy outside; return the variables that lead there."""
    door = socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS)
    threading.Thread(target=serve, args=(door, path), daemon=True).start()
    proxy = f"http://127.0.0.1:{door.getsockname()[1]}"
    names = ("http_proxy", "https_proxy", "all_proxy")
    return {form(name): proxy for name in names for form in (str.lower, str.upper)}


def _size(path: str, most: int) -> int:
    """Return how many bytes a tree has on the disk, as soon as they are more than `most`."""
    total = 0
    for directory, _, names in os.walk(path):
        for name in names:
            total += os.lstat(os.path.join(directory, name)).st_blocks * 512
        if total > most:
            break
    return total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
