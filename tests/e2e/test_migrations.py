"""A rollback is refused only over what a deploy has really migrated: the database is asked."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab
from tests.e2e.django_shop import DOMAIN, add_shop, commit_shop
from tests.e2e.project import Project
from tests.e2e.steps import provision

pytestmark = [pytest.mark.lab, pytest.mark.thorough]

FLASK_MIGRATE = """\
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.getcwd()}/data/shop.sqlite3"
Migrate(app, SQLAlchemy(app))


@app.get("/healthz")
def healthz():
    return "ok"
"""

ALEMBIC = """\
from alembic import context
from flask import current_app

with current_app.extensions["migrate"].db.engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def _revision(name: str, before: str) -> str:
    return (
        f'"""{name}"""\nfrom alembic import op\nrevision, down_revision = "{name}", {before}\n'
        f'def upgrade():\n    op.execute("CREATE TABLE t_{name} (id INTEGER)")\n'
    )


def test_django_is_asked_what_it_has_migrated(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    add_shop(project)
    lab.set_domain(DOMAIN, host.name)
    provision(project, host).must_succeed()
    fab = lambda *words: project.fab("-H", host.name, *words)  # noqa: E731

    fab("deploy", "--app", "shop").must_succeed()
    fab("deploy", "--app", "shop").must_succeed()
    # Nothing was due in the second.
    fab("rollback", "--app", "shop").must_succeed()

    settings = project.app.parent / "shop" / "shop" / "settings.py"
    text = settings.read_text()
    more = text.replace('contrib.sessions"]', 'contrib.sessions", "django.contrib.auth"]')
    settings.write_text(more)
    commit_shop(project)
    fab("deploy", "--app", "shop").must_succeed()
    refused = fab("rollback", "--app", "shop")
    assert refused.code == 4, refused.output
    assert "has migrated the database since" in refused.output
    assert "migrated since: auth.0001_initial" in refused.output
    assert "sessions.0001_initial" not in refused.output
    fab("rollback", "--app", "shop", "--force").must_succeed()


def test_flask_migrate_and_alembic_are_asked_too(lab: Lab, project: Project, deployed_host):
    host = deployed_host()
    add_shop(project)
    shop = project.app.parent / "shop"
    project.configure('wsgi = "shop.wsgi:application"', 'wsgi = "shopapp:app"')
    project.configure("python manage.py migrate", "FLASK_APP=shopapp flask db upgrade")
    (shop / "requirements.txt").write_text("flask-migrate\n")
    (shop / "shopapp.py").write_text(FLASK_MIGRATE)
    versions = shop / "migrations" / "versions"
    versions.mkdir(parents=True)
    (shop / "migrations" / "env.py").write_text(ALEMBIC)
    (shop / "migrations" / "alembic.ini").write_text("[alembic]\n")
    (versions / "one.py").write_text(_revision("one", "None"))
    commit_shop(project)
    lab.set_domain(DOMAIN, host.name)
    provision(project, host).must_succeed()
    fab = lambda *words: project.fab("-H", host.name, *words)  # noqa: E731

    fab("deploy", "--app", "shop").must_succeed()
    fab("deploy", "--app", "shop").must_succeed()
    fab("rollback", "--app", "shop").must_succeed()
    (versions / "two.py").write_text(_revision("two", "'one'"))
    commit_shop(project)
    fab("deploy", "--app", "shop").must_succeed()
    refused = fab("rollback", "--app", "shop")
    assert refused.code == 4, refused.output
    assert "migrated since: two" in refused.output
