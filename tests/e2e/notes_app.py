"""A small app that needs much of what runs and is kept, as a second app of a project."""

from __future__ import annotations

import sqlite3
import subprocess

from tests.e2e.project import Project

DOMAIN = "notes.lab"

FILES = {
    "requirements.txt": "flask\n",
    ".gitignore": "notes.sqlite3\n",
    "init_db.py": """\
import sqlite3

with sqlite3.connect("notes.sqlite3") as database:
    # Fails where it has run already.
    database.execute("create table site (title)")
    database.execute("insert into site values ('notes')")
""",
    "app.py": """\
import logging
import sqlite3
from pathlib import Path

from flask import Flask

# What many apps do, and should not: it fails where the database is not there yet.
with sqlite3.connect("notes.sqlite3") as database:
    [TITLE] = database.execute("select title from site").fetchone()

logging.basicConfig(filename="data/logs/app.log", level=logging.INFO)
app = Flask(__name__)


@app.get("/healthz")
def healthz():
    return TITLE


@app.get("/write")
def write():
    with sqlite3.connect("seed.sqlite3") as database:
        database.execute("insert into rows values ('more')")
        return str(database.execute("select count(*) from rows").fetchone()[0])


@app.get("/home")
def home():
    cache = Path.home() / ".cache" / "hub"
    cache.mkdir(parents=True, exist_ok=True)
    known = (cache / "x").exists()
    (cache / "x").touch()
    return f"{Path.home()} {known}"


@app.get("/group")
def group():
    return Path("/opt/films.txt").read_text()


@app.get("/log")
def log():
    logging.info("x" * 1000)
    return "logged"
""",
    "beat.py": """\
import fcntl
import os
import signal
import sys
import time

lock = open("data/beat.lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print(os.environ["HOMEPORT_RELEASE"], file=open("data/twice", "a"))
    raise


def finish(*_):
    # A scheduler that takes its time: the next one must wait for it.
    time.sleep(1)
    sys.exit(0)


signal.signal(signal.SIGTERM, finish)
print(os.environ["HOMEPORT_RELEASE"], file=open("data/beats", "a"), flush=True)
while True:
    signal.pause()
""",
    "data/logs/.gitkeep": "",
}

INVENTORY = f"""
[apps.notes]
source = "../examples/notes"
wsgi = "app:app"
domains = ["{DOMAIN}"]
shared = ["seed.sqlite3", "data"]
shared_files = ["notes.sqlite3"]
setup = "python init_db.py"
groups = ["films"]
log_files = ["data/logs/*.log"]
log_files_max = "10k"
log_files_kept = 2
workers = 1

[apps.notes.processes]
beat = {{ run = "python beat.py", once = true, handover = "stop-first", settle_s = 1 }}

[apps.notes.timers]
tick = {{ run = "test -e data/good", at = "*:*:0/2" }}
"""


def add_notes(project: Project, host: str) -> None:
    """Write the app beside the other one, and into the inventory, for one of the lab's hosts."""
    source = project.app.parent / "notes"
    for name, text in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with sqlite3.connect(source / "seed.sqlite3") as database:
        database.execute("create table rows (text)")
        database.execute("insert into rows values ('first')")
    text = INVENTORY.replace("workers = 1\n", f'workers = 1\nhosts = ["{host}"]\n')
    project.inventory.write_text(project.inventory.read_text() + text)
    commit_notes(project)


def edit_notes(project: Project, name: str, old: str, new: str) -> None:
    """Change a file of the app, and commit it."""
    path = project.app.parent / "notes" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    commit_notes(project)


def commit_notes(project: Project) -> None:
    """Commit the app as it is."""
    source = str(project.app.parent / "notes")
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--quiet", "--allow-empty", "-m", "the notes"],
    ):
        subprocess.run(["git", "-C", source, *identity, *words], check=True)
