"""A workspace of uv with the blog of Flask's tutorial as its member."""

from __future__ import annotations

from pathlib import Path

from tests.apps.app import App, changed, key
from tests.apps.rows import flaskr
from tests.apps.sources import generate

UV = "uv==0.9.13"

_FACTORY = "packages/flaskr/flaskr/__init__.py"
_MADE = "app = Flask(__name__, instance_relative_config=True)"


def write(directory: Path) -> None:
    """Write the workspace and lock it."""
    flaskr.write(directory / "packages" / "flaskr")
    generate(UV, directory, "uv", "init", "--bare", "--name", "harbour", "--python", "3.11")
    generate(UV, directory, "uv", "add", "--no-sync", "./packages/flaskr")


WORKSPACE = App(
    name="workspace",
    kind="a workspace of uv",
    origin=f"{UV}, {flaskr.FLASK}",
    write=write,
    by_hand=(
        changed(
            _FACTORY,
            _MADE,
            _MADE.replace("True", 'True, instance_path="/srv/workspace/shared/instance"'),
            "an installed package has its instance folder in the virtualenv, which is read-only",
        ),
        key('wsgi = "flaskr:create_app()"', "the app is a member, three folders down"),
        key('shared = ["instance"]', "the database"),
        key(
            'migrate = "test -e instance/flaskr.sqlite || flask --app flaskr init-db"',
            "`init-db` empties the database; it is to run once",
        ),
        key("migrate_compatible = true", "Homeport cannot ask this command what it has changed"),
    ),
    first_visit=flaskr.FLASKR.first_visit,
    later_visit=flaskr.read_again,
    edition="packages/flaskr/flaskr/blog.py",
    pages=flaskr.FLASKR.pages,
)
