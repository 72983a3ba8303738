"""Writes MIB into every place below /run, /dev and /tmp that it may, and keeps it there."""

import os

places = {"/dev/shm"}
for top in ("/run", "/dev"):
    for folder, _, _ in os.walk(top):
        if os.access(folder, os.W_OK):
            places.add(folder)
for place in sorted(places):
    written = 0
    try:
        with open(os.path.join(place, "filled-by-evil"), "wb") as file:
            for _ in range(MIB):  # noqa: F821 - given
                written += file.write(bytes(1 << 20))
                file.flush()
        print("WROTE", place, written, flush=True)
    except OSError as error:
        print("refused", place, written, error, flush=True)
