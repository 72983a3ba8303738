"""Makes its own live socket a link to the victim's, and everything else that may help."""

import os

own = os.path.join("/srv/evil", os.readlink("/srv/evil/live.sock"))
victims = os.path.join("/srv/victim", os.readlink("/srv/victim/live.sock"))
for path in (own, "/srv/evil/live.sock"):
    beside = os.path.join(os.path.dirname(path), ".l")
    try:
        os.symlink(victims, beside)
        os.rename(beside, path)
        print("LINKED", path, flush=True)
    except OSError as error:
        print("refused", path, error, flush=True)
