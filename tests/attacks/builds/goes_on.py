"""Leaves a process that writes into the virtualenv later, through a file held open and by name."""

import os
import time

from places import site_packages, virtualenvs

MARK = "evil-goes-on"


def attack(report):
    places = [site_packages(each) for each in virtualenvs()]
    files = []
    for place in places:
        files.append(open(os.path.join(place, "late.py"), "w"))
        report["did"].append(files[-1].name)
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    # Or the installer would wait for its end.
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    with open("/proc/self/comm", "w") as name:
        name.write(MARK)
    for _ in range(600):
        for file in files:
            try:
                file.write("# late\n")
                file.flush()
                with open(file.name + ".by-name", "a") as other:
                    other.write("# late\n")
            except OSError:
                pass
        time.sleep(0.1)
    os._exit(0)
