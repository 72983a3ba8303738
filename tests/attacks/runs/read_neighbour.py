"""Prints every file of the victim's that it can read or write, and what lies in /dev/shm."""

import os

looked = 0
for top in ("/srv/victim", "/run/victim", "/srv/evil/releases", "/root", "/var/lib/homeport"):
    for folder, _, names in os.walk(top):
        looked += 1
        if os.access(folder, os.W_OK):
            print("WRITES", folder)
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            try:
                with open(path, "rb") as file:
                    file.read(1)
                print("READS", path)
            except OSError:
                pass
print("SHM", sorted(os.listdir("/dev/shm")))
print("looked", looked, os.getuid())
