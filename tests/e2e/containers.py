"""The example app in a container: its Dockerfile, and a host that can build it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from provisioning.lab import LabHost
from tests.e2e.project import FEW_WORKERS, Project

BASE, ARCHIVE = "localhost/debian:13", "/var/lib/images/debian.tar"

INVENTORY = f"""\
runtime = "container"
base_images = {{ "{BASE}" = "{ARCHIVE}" }}
"""

DOCKERFILE = f"""\
FROM {BASE} AS build
RUN python3 -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-cache-dir -r requirements.txt
RUN /opt/venv/bin/pip install --no-cache-dir "gunicorn>=27,<28"

FROM {BASE}
RUN useradd --system --create-home app
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
COPY --chown=app:app . .
USER app
CMD ["gunicorn", "--config", "server.py", "serve:app"]
"""

SERVE = """\
import os

from app import create_app

_app = create_app()


def app(environ, start_response):
    def start(status, headers, exc_info=None):
        stamp = ("X-Homeport-Release", os.environ["HOMEPORT_RELEASE"])
        return start_response(status, [*headers, stamp], exc_info)

    return _app(environ, start)
"""
"""The example app, saying which release answers: visitors of the tests count them."""

SERVER = """\
workers = 2
threads = 4
worker_connections = 4
keepalive = 0
graceful_timeout = 30
worker_tmp_dir = "/dev/shm"


def post_request(worker, req, environ, resp):
    while req.body.read(1 << 16):
        pass
"""

BUILDS = "/var/cache/private/homeport-build"


def use_container(project: Project) -> None:
    """Have the app of a project, as it was created, run in a container."""
    project.configure(FEW_WORKERS, "")
    project.configure('wsgi = "app:create_app()"\n', INVENTORY)
    for name, text in (("Dockerfile", DOCKERFILE), ("serve.py", SERVE), ("server.py", SERVER)):
        (project.app / name).write_text(text)
    project.commit("a container")


def give_base_image(host: LabHost) -> None:
    """Put the archive of the base image on a host, which can reach no registry.

    In the lab the host's disk is an overlay, on which no other overlay can lie: layers are kept in
    memory, as on a host with a disk of its own.
    """
    host.shell(f"mkdir -p /var/lib/images {BUILDS} && chmod 700 {Path(BUILDS).parent}")
    shutil.copyfile(base_archive(), host.path(ARCHIVE))
    host.shell(f"mountpoint -q {BUILDS} || mount -t tmpfs -o size=4g,mode=755 none {BUILDS}")


def base_archive() -> Path:
    """Return a tar of a small Debian 13 with Python, made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homeport" / "tests"
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / "debian-trixie.tar"
    with (cache / "base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = path.with_name("debian-trixie.part.tar")
            argv = ["mmdebstrap", "--quiet", "--variant=minbase",
                    "--include=python3,python3-venv,ca-certificates", "trixie", made]  # fmt: skip
            subprocess.run(argv, check=True)
            made.rename(path)
    return path
