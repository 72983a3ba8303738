"""Puts trees too deep to walk where root tidies up: among sockets, in shared folders, in /tmp."""

import os

socket = os.path.join("/srv/evil", os.readlink("/srv/evil/live.sock"))
name = "20260101T000000.000Z-deadbee.sock"
places = [os.path.join(os.path.dirname(socket), name), f"/run/evil/{name}"]
places += ["/srv/evil/shared/uploads.part", "/srv/evil/shared/uploads.homeport-new", "/tmp/deep"]
for place in places:
    try:
        os.mkdir(place)
        os.chdir(place)
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
        print("BLOCKED", place, flush=True)
    except OSError as error:
        print("refused", place, error, flush=True)
    os.chdir("/")
