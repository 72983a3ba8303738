"""Exchanges whatever comes into `shared` for a link to TARGETS, as fast as it can."""

import itertools
import os
import time

os.chdir("/srv/evil/shared")
if AWAY:  # noqa: F821 - given
    os.rename(AWAY, "old")  # noqa: F821
mine = set(os.listdir("."))
targets = itertools.cycle(TARGETS)  # noqa: F821
swaps = 0
print("ready", flush=True)
end = time.monotonic() + FOR_S  # noqa: F821
while time.monotonic() < end and not os.path.exists("stop"):
    for name in os.listdir("."):
        if name in mine or name == "stop":
            continue
        try:
            taken = f"taken-{swaps}"
            mine.add(taken)
            if not os.path.islink(name):
                os.rename(name, taken)
                os.symlink(next(targets), name)
                swaps += 1
        except OSError:
            pass
print("swaps", swaps, flush=True)
for target in TARGETS:  # noqa: F821
    try:
        with open(target) as file:
            print("READ", target, len(file.read()), flush=True)
    except OSError as error:
        print("refused", target, error, flush=True)
