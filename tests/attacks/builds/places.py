"""What a build step finds on the host, whatever the host calls it."""

import glob
import os
import sys


def virtualenvs():
    """Return the virtualenvs that this step may write to, less the one it runs in."""
    found = set(glob.glob("/srv/*/venvs/*"))
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        for word in words:
            for place in (word, os.path.dirname(os.path.dirname(word))):
                if os.path.isabs(place) and os.path.exists(os.path.join(place, "pyvenv.cfg")):
                    found.add(place)
    if "VIRTUAL_ENV" in os.environ:
        found.add(os.environ["VIRTUAL_ENV"])
    if not any(map(_ours, found)):
        for top in ("/srv", "/var", "/run", "/tmp", "/build", "/home", os.environ.get("HOME", "/")):
            for folder, _, names in os.walk(top):
                if "pyvenv.cfg" in names:
                    found.add(folder)
    return sorted(filter(_ours, found))


def site_packages(virtualenv):
    """Return the folder of a virtualenv's packages, made if need be."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    path = os.path.join(virtualenv, "lib", version, "site-packages")
    os.makedirs(path, exist_ok=True)
    return path


def _ours(path):
    own = os.path.realpath(sys.prefix)
    temporary = "builds-v0" in path
    return os.access(path, os.W_OK) and os.path.realpath(path) != own and not temporary


def writable_folders():
    """Return folders outside of virtualenvs in which this step may leave something."""
    names = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/srv", "/var/cache/homeport"]
    names += [os.environ.get("HOME", "/"), os.environ.get("UV_CACHE_DIR", "/"), os.getcwd()]
    return sorted({name for name in names if os.path.isdir(name) and os.access(name, os.W_OK)})
