"""The example app as ASGI servers call it: the same Flask app behind an adapter."""

from __future__ import annotations

from tests.e2e.project import Project

REQUIREMENT = """
a2wsgi==1.10.10 \\
    --hash=sha256:d2b21379479718539dc15fce53b876251a0efe7615352dfe49f6ad1bc507848d
"""

MODULE = '''"""The app as ASGI servers call it."""

from a2wsgi import WSGIMiddleware

from app import create_app

asgi = WSGIMiddleware(create_app())
'''

KEYS = ('wsgi = "app:create_app()"\n', 'asgi = "app.asgi:asgi"\n')


def add_asgi(project: Project) -> None:
    """Have the app's source hold the adapter; as before, servers call the app itself."""
    requirements = project.app / "requirements.txt"
    requirements.write_text(requirements.read_text().rstrip("\n") + REQUIREMENT)
    (project.app / "app" / "asgi.py").write_text(MODULE)
    project.commit("an adapter for ASGI servers")
