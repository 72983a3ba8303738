"""Keeps hard links of files of its virtualenv elsewhere; the next build writes to them."""

import os

from places import site_packages, virtualenvs, writable_folders

NAME = "evil-hard-link"


def attack(report):
    report["written"] = []
    report["folders"] = writable_folders()
    for folder in writable_folders():
        kept = os.path.join(folder, NAME)
        if os.path.exists(kept):
            try:
                with open(kept, "a") as file:
                    file.write("# written after the takeover\n")
                report["written"].append(kept)
            except OSError as error:
                report["refused"][kept] = str(error)
    for virtualenv in virtualenvs():
        path = os.path.join(site_packages(virtualenv), "target.py")
        with open(path, "w") as file:
            file.write("# as it was built\n")
        os.chmod(path, 0o666)
        report["did"].append(path)
        for folder in writable_folders():
            try:
                kept = os.path.join(folder, NAME)
                if os.path.lexists(kept):
                    os.unlink(kept)
                os.link(path, kept)
            except OSError as error:
                report["refused"][folder] = str(error)
