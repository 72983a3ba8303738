"""Reads what is another app's, and connects to whatever listens on the host (PORTS, ADDRESSES)."""

import glob
import os
import socket


def attack(report):
    report["read"] = []
    for top in ("/srv/victim", "/srv/evil", "/root", "/etc/homeport", "/var/lib/homeport"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        file.read(1)
                    report["read"].append(path)
                except OSError:
                    pass
    report["connected"] = []
    places = [(address, port) for address in ADDRESSES for port in PORTS]  # noqa: F821 - given
    sockets = [path for path in glob.glob("/run/**/*.sock", recursive=True) if "victim" in path]
    unix = [*sockets, "\0evil-listener"]
    for place in (*places, *unix, GATEWAY):  # noqa: F821 - given
        kind = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
        if isinstance(place, tuple) and ":" in place[0]:
            kind = socket.AF_INET6
        with socket.socket(kind) as connection:
            connection.settimeout(1)
            try:
                connection.connect(tuple(place) if isinstance(place, (tuple, list)) else place)
                report["connected"].append(place)
            except OSError as error:
                report["refused"][str(place)] = str(error)
    report["did"].append("looked around")
