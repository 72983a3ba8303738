"""The example app with a websocket besides, which says again whatever it is told."""

from __future__ import annotations

from tests.e2e.project import Project

REQUIREMENTS = """
flask-sock==0.7.0 \\
    --hash=sha256:caac4d679392aaf010d02fabcf73d52019f5bdaf1c9c131ec5a428cb3491204a
h11==0.16.0 \\
    --hash=sha256:63cf8bbe7522de3bf65932fda1d9c2772064ffb3dae62d55932da54b31cb6c86
simple-websocket==1.1.0 \\
    --hash=sha256:4af6069630a38ed6c561010f0e11a5bc0d4ca569b36306eb257cd9a192497c8c
wsproto==1.3.2 \\
    --hash=sha256:61eea322cdf56e8cc904bd3ad7573359a242ba65688716b0710a5eb12beab584
"""

MODULE = '''"""A websocket that says again whatever it is told."""

from flask_sock import Sock

sock = Sock()


@sock.route("/say-again")
def say_again(socket):
    """Answer until the visitor leaves."""
    while True:
        socket.send(socket.receive())
'''

REGISTERED = "    app.register_blueprint(guestbook.blueprint)\n"


def add_websocket(project: Project) -> None:
    """Have the next deploy bring the websocket."""
    requirements = project.app / "requirements.txt"
    requirements.write_text(requirements.read_text().rstrip("\n") + REQUIREMENTS)
    (project.app / "app" / "sockets.py").write_text(MODULE)
    added = f"{REGISTERED}    from app.sockets import sock\n\n    sock.init_app(app)\n"
    project.edit("app/__init__.py", REGISTERED, added)
