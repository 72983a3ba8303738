"""The rows of the grid: app servers as a person would ask for them in the inventory."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.inventory.models.app_servers import APP_SERVERS
from provisioning.inventory.models.web_servers import WEB_SERVERS
from tests.e2e.project import FEW_WORKERS, Project
from tests.e2e.steps import NO_LIMIT
from tests.grid.asgi import KEYS, add_asgi


@dataclass(frozen=True)
class Row:
    """An app server and its settings.

    Args:
        name: As the table calls it.
        server: Its name in the inventory.
        keys: Lines of the app's table.
        table: Lines of the server's own table.
        is_asgi: Whether the server calls the app through the adapter: see asgi.py.
    """

    name: str
    server: str
    keys: str = FEW_WORKERS
    table: str = ""
    is_asgi: bool = False


ROWS = (
    # One request at a time in each worker, and three slow ones are always under way.
    Row("gunicorn sync", "gunicorn", "workers = 8\n", 'worker_class = "sync"\n'),
    Row("gunicorn gthread", "gunicorn"),
    Row("gunicorn gevent", "gunicorn", table='worker_class = "gevent"\n'),
    Row("gunicorn ASGI", "gunicorn", is_asgi=True),
    Row("uvicorn", "uvicorn", is_asgi=True),
    Row("uwsgi", "uwsgi"),
    Row("waitress", "waitress", keys="threads = 8\n"),
)

_TABLES = "[apps.hello.timers]\n"


def missing() -> list[str]:
    """Return the app servers of which the grid has no row."""
    return sorted(set(APP_SERVERS) - {row.server for row in ROWS})


def web_servers() -> tuple[str, ...]:
    """Return the web servers of the grid."""
    return tuple(WEB_SERVERS)


def use(row: Row, project: Project) -> None:
    """Have the app of a project, as it was created, run by a server."""
    project.configure(FEW_WORKERS, f'server = "{row.server}"\n{row.keys}')
    if row.is_asgi:
        project.configure(*KEYS)
    if row.table:
        project.configure(_TABLES, f"[apps.hello.{row.server}]\n{row.table}\n{_TABLES}")


class Inventory:
    """The inventory of a project, in which one server takes the place of another.

    Args:
        project: The project, as it was created.
        web_server: In front of all app servers.
    """

    def __init__(self, project: Project, web_server: str) -> None:
        self._project = project
        add_asgi(project)
        project.configure(*NO_LIMIT)
        # Enough to go back from each server to each other one.
        keys = f'web_server = "{web_server}"\nkeep_releases = {len(ROWS)}\n'
        project.configure(FEW_WORKERS, keys + FEW_WORKERS)
        self._plain = project.inventory.read_text()

    def use(self, row: Row) -> None:
        """Have the app run by a server from its next deploy on."""
        self._project.inventory.write_text(self._plain)
        use(row, self._project)
