"""Write the Dockerfile that a person starts from."""

from __future__ import annotations

import json

from provisioning.scaffold.project_guess import ProjectGuess

_TEXT = """\
# How this app's image is built. The file is yours: change what you like.
# It works on python:*-slim, and on Debian's own images once they have python3 and python3-venv.
ARG BASE=python:3.13-slim-trixie

# What the app requires, in a stage of its own: compilers stay out of the image, and a change of the
# code alone does not install anything again.
FROM ${{BASE}} AS build
RUN python3 -m venv /opt/venv
COPY {requirements} ./
RUN /opt/venv/bin/pip install --no-cache-dir -r {requirements}
RUN /opt/venv/bin/pip install --no-cache-dir {server}

FROM ${{BASE}}
RUN useradd --system --create-home app
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY . .
USER app

# For other tools: Homeport requests the health path itself.
HEALTHCHECK CMD ["python3", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000{health}')"]

# The server gets its socket from systemd, as file descriptor 3 (LISTEN_FDS).
CMD {command}
"""

_SERVERS = {"wsgi": '"gunicorn>=27,<28"', "asgi": '"uvicorn[standard]>=0.38,<1"'}
"""How an app is called -> what serves it, as pip is told."""


def dockerfile(found: ProjectGuess) -> str:
    """Return the text of a Dockerfile that Homeport deploys as it is."""
    interface = found.app.interface if found.app else "wsgi"
    return _TEXT.format(
        requirements=found.requirements or "requirements.txt",
        server=_SERVERS[interface],
        health=found.health or "/",
        command=json.dumps(_command(found)),
    )


def _command(found: ProjectGuess) -> list[str]:
    app = found.app.entry_point if found.app else "app:app"
    if not found.app or found.app.interface == "wsgi":
        # Of the answers' headers, nginx sets those that tell the app about HTTPS.
        return ["gunicorn", "--workers", "3", "--threads", "4", "--worker-tmp-dir", "/dev/shm", app]  # noqa: S108 # nosec B108
    name, _, call = app.partition("()")
    factory = ["--factory"] if app.endswith("()") else []
    return ["uvicorn", "--fd", "3", "--proxy-headers", "--forwarded-allow-ips", "*", *factory,
            name + call]  # fmt: skip
