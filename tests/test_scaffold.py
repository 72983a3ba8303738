from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from provisioning.errors import ConfigurationError
from provisioning.inventory import App, load, schema
from provisioning.scaffold import Written, initialise
from provisioning.scaffold.project_guess import guess

REPOSITORY = Path(__file__).parents[1]
FILES = [
    "fabfile.py",
    "fabric.yml",
    "inventory/production.toml",
    "inventory/example.toml",
    "inventory/schema.json",
    ".gitignore",
]


def project(directory: Path, files: dict[str, str]) -> Path:
    """Write a person's project and return its folder."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(text)
    return directory


def guessed(directory: Path) -> App:
    """Initialise a project and return the app that its inventory then has."""
    initialise(directory)
    (app,) = load(directory, environ={}).apps.values()
    return app


def test_an_empty_folder_gets_every_file_and_an_inventory_without_mistakes(tmp_path: Path) -> None:
    written = initialise(tmp_path)
    assert [each.path for each in written] == FILES
    assert {each.state for each in written} == {"written"}
    inventory = load(tmp_path, environ={})
    assert inventory.environment == "production"
    (app,) = inventory.apps.values()
    assert inventory.source_of(app) == tmp_path
    note = next(each.note for each in written if each.path == "inventory/production.toml")
    assert "wsgi or asgi and requirements could not be guessed" in note


def test_the_fabfile_imports_the_commands_and_fabric_yml_names_the_executor(
    tmp_path: Path,
) -> None:
    initialise(tmp_path)
    fabfile = (tmp_path / "fabfile.py").read_text()
    compile(fabfile, "fabfile.py", "exec")
    assert "from provisioning.commands import namespace\n" in fabfile
    assert (
        (tmp_path / "fabric.yml")
        .read_text()
        .endswith("tasks:\n  executor_class: provisioning.executor.FleetExecutor\n")
    )


def test_the_example_and_the_schema_of_this_version_come_along(tmp_path: Path) -> None:
    initialise(tmp_path)
    example = tmp_path / "inventory" / "example.toml"
    assert example.read_text() == (REPOSITORY / "inventory" / "example.toml").read_text()
    assert json.loads((tmp_path / "inventory" / "schema.json").read_text()) == schema()


def test_a_second_time_changes_nothing_and_says_so(tmp_path: Path) -> None:
    initialise(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert [(each.path, each.state) for each in initialise(tmp_path)] == [
        (path, "kept") for path in FILES
    ]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_file_that_is_there_is_kept_with_a_word_on_what_to_do(tmp_path: Path) -> None:
    project(tmp_path, {"fabfile.py": "# mine\n", "fabric.yml": "user: me\n"})
    written = {each.path: each for each in initialise(tmp_path)}
    assert (tmp_path / "fabfile.py").read_text() == "# mine\n"
    assert written["fabfile.py"] == Written(
        "fabfile.py", "kept", "add at its end: from provisioning.commands import namespace"
    )
    assert "executor_class" in written["fabric.yml"].note
    assert written["inventory/production.toml"].state == "written"


def test_gitignore_keeps_its_line_endings(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"*.log\r\n")
    project(tmp_path, {})
    initialise(tmp_path, force=False)
    data = (tmp_path / ".gitignore").read_bytes()
    assert data.startswith(b"*.log\r\n\r\n# Homeport\r\n.homeport/\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_force_replaces_files_but_only_ever_extends_gitignore(tmp_path: Path) -> None:
    project(tmp_path, {"fabfile.py": "# mine\n", ".gitignore": "*.log"})
    written = {each.path: each.state for each in initialise(tmp_path, force=True)}
    assert written["fabfile.py"] == "written"
    assert "namespace" in (tmp_path / "fabfile.py").read_text()
    assert written[".gitignore"] == "extended"
    assert (tmp_path / ".gitignore").read_text().startswith("*.log\n\n# Homeport\n.homeport/\n")


def test_lines_that_gitignore_has_already_are_not_added(tmp_path: Path) -> None:
    lines = ".venv\n/.env\n__pycache__/\n.homeport\n"
    project(tmp_path, {".gitignore": lines})
    written = {each.path: each.state for each in initialise(tmp_path)}
    assert written[".gitignore"] == "kept"
    assert (tmp_path / ".gitignore").read_text() == lines


def test_the_example_app_is_recognised(tmp_path: Path) -> None:
    hello = tmp_path / "hello"
    subprocess.run(["cp", "-r", REPOSITORY / "examples" / "hello", hello], check=True)
    app = guessed(hello)
    assert (app.name, app.wsgi, app.health) == ("hello", "app:create_app()", "/healthz")
    assert app.requirements == "requirements.txt"
    assert app.static == {"/static/": "app/static"}
    assert app.shared == ("instance",)
    assert "instance/" in (hello / ".gitignore").read_text().splitlines()


FLASK = "from flask import Flask\n"


@pytest.mark.parametrize(
    ("files", "wsgi"),
    [
        ({"app.py": f"{FLASK}app = Flask(__name__)\n"}, "app:app"),
        ({"app.py": f"{FLASK}web = Flask(__name__)\n"}, "app:web"),
        ({"app.py": f"{FLASK}app: Flask = Flask(__name__)\n"}, "app:app"),
        ({"app.py": "def create_app(config=None): ...\n"}, "app:create_app()"),
        ({"hello/__init__.py": "def create_app(*, config=None): ...\n"}, "hello:create_app()"),
        (
            {"app.py": f"{FLASK}app = Flask(__name__)\n", "wsgi.py": "from app import app\n"},
            "wsgi:app",
        ),
        (
            {"app/__init__.py": "def create_app(): ...\n", "wsgi.py": "application = make()\n"},
            "wsgi:application",
        ),
        (
            {"site/wsgi.py": "application = get_wsgi_application()\n", "manage.py": ""},
            "site.wsgi:application",
        ),
        (
            {
                "shop/__init__.py": "def create_app(config): ...\n",
                "wsgi.py": "from shop import create_app\nshop = create_app(config=1)\n",
                "celery_worker.py": "app = create_app()\n",
            },
            "wsgi:shop",
        ),
        ({"src/main.py": "import flask\nsite = flask.Flask(__name__)\n"}, "main:site"),
        (
            {"src/main.py": "import flask\nfrom src.x import y\nsite = flask.Flask(__name__)\n"},
            "src.main:site",
        ),
        (
            {"celery_app.py": "app = Celery()\n", "web.py": f"{FLASK}app = Flask(__name__)\n"},
            "web:app",
        ),
        (
            {"cli.py": "app = typer.Typer()\n", "web.py": f"{FLASK}app = Flask(__name__)\n"},
            "web:app",
        ),
        (
            {"main.py": f"{FLASK}app = Flask(__name__)\n", "tests/app.py": "app = x()\n"},
            "main:app",
        ),
        ({"dav/__init__.py": "def application(environ, start_response): ...\n"}, "dav:application"),
        ({"app.py": "not python (\n", "main.py": f"{FLASK}app = Flask(__name__)\n"}, "main:app"),
    ],
)
def test_the_wsgi_app_is_found_without_importing_it(
    tmp_path: Path, files: dict[str, str], wsgi: str
) -> None:
    bomb = "raise SystemExit('imported')\n"
    for name, text in files.items():
        files[name] = text if "not python" in text else text + bomb
    assert guessed(project(tmp_path / "x", files)).wsgi == wsgi


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "def create_app(config): ...\n"},
        {"app.py": "app = 3\n"},
        {"app.py": "def app(name): ...\n"},
        {"tests/app.py": f"{FLASK}app = Flask(__name__)\n"},
        {".hidden/app.py": f"{FLASK}app = Flask(__name__)\n"},
    ],
)
def test_what_is_no_app_is_not_taken_for_one(tmp_path: Path, files: dict[str, str]) -> None:
    project(tmp_path / "x", files)
    written = {each.path: each for each in initialise(tmp_path / "x")}
    assert "wsgi" in written["inventory/production.toml"].note


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("My Shop", "my-shop"),
        ("2048_game", "game"),
        ("日本", "app"),
        ("a" * 40, "a" * 31),
        ("x" * 30 + "-y", "x" * 30),
        ('quo"te', "quo-te"),
    ],
)
def test_the_name_of_the_app_comes_from_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()
    app = guessed(tmp_path / folder)
    assert app.name == name
    assert app.domains == (f"{name}.example.com",)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('[project]\nname = "x"\ndependencies = ["flask"]\n', True),
        ('[project]\nname = "x"\ndynamic = ["dependencies"]\n', False),
        ("[tool.ruff]\nline-length = 100\n", False),
        ("no toml", False),
    ],
)
def test_a_project_file_lists_requirements_where_it_says_so(
    tmp_path: Path, text: str, is_one: bool
) -> None:
    files = {"app.py": f"{FLASK}app = Flask(__name__)\n", "pyproject.toml": text}
    found = guess(project(tmp_path / "shop", files))
    assert found.requirements == ("pyproject.toml" if is_one else None)


LISTS = '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask"]\n'


@pytest.mark.parametrize(
    ("files", "requirements", "export"),
    [
        (["poetry.lock"], "requirements.txt", "poetry export --format requirements.txt"),
        (["Pipfile", "Pipfile.lock"], "requirements.txt", "pipenv requirements --hash"),
        (["pdm.lock"], "requirements.txt", "pdm export"),
        (["poetry.lock", "requirements.txt"], "requirements.txt", ""),
        (["poetry.lock", "uv.lock"], "uv.lock", ""),
        ([], "pyproject.toml", ""),
    ],
)
def test_the_lock_file_of_another_tool_is_exported_and_not_passed_over(
    tmp_path: Path, files: list[str], requirements: str, export: str
) -> None:
    directory = project(tmp_path / "x", {"pyproject.toml": LISTS, **dict.fromkeys(files, "")})
    [note] = [
        each.note for each in initialise(directory) if each.path == "inventory/production.toml"
    ]
    text = (directory / "inventory" / "production.toml").read_text()
    [line] = [each for each in text.splitlines() if each.startswith("requirements = ")]
    assert line.startswith(f'requirements = "{requirements}"')
    assert (export in note, export in line) == (True, True)
    assert bool(export) == ("<- yours" in line)


def test_a_lock_with_digests_is_preferred_and_folders_are_found(tmp_path: Path) -> None:
    app = guessed(
        project(
            tmp_path / "shop",
            {
                "uv.lock": "",
                "requirements.txt": "",
                "shop/__init__.py": f"{FLASK}app = Flask(__name__)\n@app.get('/health')\n"
                "def health(): ...\n",
                "shop/static/style.css": "",
                "uploads/": "",
                "migrations/alembic.ini": "",
            },
        )
    )
    assert app.requirements == "uv.lock"
    assert app.static == {"/static/": "shop/static"}
    assert app.shared == ("uploads",)
    assert app.health == "/health"
    assert str(app.migrate) == "flask --app shop db upgrade"


def test_variables_that_look_secret_are_proposed_as_comments(tmp_path: Path) -> None:
    source = """
import os
app = Flask(__name__)
a = os.environ["DATABASE_URL"]
b = os.getenv("API_TOKEN")
c = os.environ.get("LOG_LEVEL", "info")
d = os.environ.get("SECRET_KEY")
"""
    guessed(project(tmp_path / "x", {"app.py": source}))
    text = (tmp_path / "x" / "inventory" / "production.toml").read_text()
    assert '# API_TOKEN = { env = "API_TOKEN" }\n# DATABASE_URL = { env = "DATABASE_URL" }' in text
    assert "# LOG_LEVEL = {" not in text
    assert text.count("SECRET_KEY") == 1


def test_a_folder_that_is_missing_or_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        initialise(tmp_path / "nowhere")
    (tmp_path / "inventory").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match=r"cannot write .*inventory"):
        initialise(tmp_path)


def test_git_ignores_what_the_lines_say(tmp_path: Path) -> None:
    initialise(tmp_path)
    (tmp_path / ".env").write_text("SECRET_KEY=canary")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(["git", "init", "-q", tmp_path], check=True, env=environment)
    status = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain", "-uall"],
        check=True,
        env=environment,
        capture_output=True,
        text=True,
    ).stdout
    assert "inventory/production.toml" in status
    assert ".env" not in status


DJANGO = {
    "manage.py": "import django\n",
    "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
    "application = get_wsgi_application()\n",
    "shop/asgi.py": "from django.core.asgi import get_asgi_application\n"
    "application = get_asgi_application()\n",
}
BOTH_NAMED = "WSGI_APPLICATION = 'x'\nASGI_APPLICATION = 'y'\n"
FASTAPI = "from fastapi import FastAPI\n"


@pytest.mark.parametrize(
    ("files", "asgi"),
    [
        ({"main.py": f"{FASTAPI}app = FastAPI()\n"}, "main:app"),
        ({"main.py": f"{FASTAPI}api = FastAPI(title='x')\n"}, "main:api"),
        ({"app/main.py": f"{FASTAPI}def create_app(): ...\n"}, "app.main:create_app()"),
        (
            {
                "app.py": "from starlette.applications import Starlette\n"
                "app = Starlette(routes=[])\n"
            },
            "app:app",
        ),
        ({"app.py": "from quart import Quart\napp = Quart(__name__)\n"}, "app:app"),
        # The factory's framework is imported by another file.
        (
            {"app.py": "import web\ndef make_app(): ...\n", "web.py": "import starlette\n"},
            "app:make_app()",
        ),
        ({"asgi.py": "from app import app\n", "app.py": f"{FASTAPI}app = FastAPI()\n"}, "asgi:app"),
        # A Flask app that is a part of it.
        (
            {"main.py": f"{FASTAPI}{FLASK}old = Flask(__name__)\napp = FastAPI()\n"},
            "main:app",
        ),
        (
            {**DJANGO, "shop/routing.py": "from channels.routing import URLRouter\n"},
            "shop.asgi:application",
        ),
        ({**DJANGO, "shop/settings.py": "ASGI_APPLICATION = 'x'\n"}, "shop.asgi:application"),
        (
            {**DJANGO, "shop/settings.py": f"{BOTH_NAMED}INSTALLED_APPS = ['daphne']\n"},
            "shop.asgi:application",
        ),
        ({"shop/asgi.py": DJANGO["shop/asgi.py"]}, "shop.asgi:application"),
    ],
)
def test_an_asgi_app_is_told_from_a_wsgi_app(
    tmp_path: Path, files: dict[str, str], asgi: str
) -> None:
    app = guessed(project(tmp_path / "x", files))
    assert (app.asgi, app.wsgi) == (asgi, None)


def test_a_setting_alone_that_names_both_is_no_sign_of_asgi(tmp_path: Path) -> None:
    app = guessed(project(tmp_path, {**DJANGO, "shop/settings.py": BOTH_NAMED}))
    assert (app.asgi, app.wsgi) == (None, "shop.wsgi:application")


def test_a_function_of_asgi_is_an_app(tmp_path: Path) -> None:
    files = {"web.py": "async def app(scope, receive, send): ...\n"}
    assert guessed(project(tmp_path, files)).asgi == "web:app"


def test_of_djangos_two_files_the_one_that_is_used_is_named_with_the_reason(tmp_path: Path) -> None:
    written = {each.path: each for each in initialise(project(tmp_path / "x", DJANGO))}
    assert written["inventory/production.toml"].note.endswith(
        "of wsgi.py and asgi.py, wsgi.py was taken: the project does not use Channels, Daphne or "
        "ASGI_APPLICATION"
    )
    text = (tmp_path / "x" / "inventory" / "production.toml").read_text()
    assert '\nwsgi = "shop.wsgi:application"\n# asgi = "shop.asgi:application" ' in text


SHOP = {
    "manage.py": "from django.core.management import execute_from_command_line\n",
    "shop/wsgi.py": "application = get_wsgi_application()\n",
    "shop/urls.py": "urlpatterns = [path('healthz', x)]\n",
    "shop/settings.py": (
        "import os\n"
        'SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]\n'
        'DATABASES = {"default": env.db("DATABASE_URL")}\n'
        'INSTALLED_APPS = ["django.contrib.staticfiles"]\n'
        'STATIC_URL = "assets/"\n'
        'STATIC_ROOT = BASE_DIR / "var" / "static"\n'
    ),
}


def test_django_collects_its_static_files_as_its_settings_say(tmp_path: Path) -> None:
    app = guessed(project(tmp_path, SHOP))
    assert app.wsgi == "shop.wsgi:application"
    assert app.static == {"/assets/": "var/static"}
    assert [str(each) for each in app.build] == [
        "DJANGO_SECRET_KEY=unused python manage.py collectstatic --noinput"
    ]
    assert str(app.migrate) == "python manage.py migrate --noinput"
    assert app.health == "/healthz"
    assert list(app.secrets) == ["DJANGO_SECRET_KEY"]
    assert '# DATABASE_URL = { env = "DATABASE_URL" }' in (
        (tmp_path / "inventory" / "production.toml").read_text()
    )


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ('os.path.join(BASE_DIR, "staticfiles")', "staticfiles"),
        ('str(BASE_DIR.joinpath("a", "b"))', "a/b"),
        ('"collected"', "collected"),
        ('"/var/www/static"', None),
        ('BASE_DIR / ".." / "static"', None),
        ("STATIC", None),
    ],
)
def test_where_django_collects_to(tmp_path: Path, root: str, folder: str | None) -> None:
    settings = f"import os\nSTATIC_ROOT = {root}\n"
    app = guessed(project(tmp_path, {**SHOP, "shop/settings.py": settings}))
    assert app.static == ({"/static/": folder} if folder else {})
    assert bool(app.build) == bool(folder)


@pytest.mark.parametrize(
    ("said", "shared"),
    [
        ('MEDIA_ROOT = BASE_DIR / "media"', ("media",)),
        ('MEDIA_ROOT = "/var/media"', ()),
        ('DATABASES = {"default": {"ENGINE": E.sqlite3, "NAME": BASE_DIR / "db.sqlite3"}}', ()),
        (
            'DATABASES = {"default": {"ENGINE": "x.sqlite3", "NAME": BASE_DIR / "data" / "db"}}',
            ("data",),
        ),
        ('DATABASES = {"default": {"ENGINE": "x.postgresql", "NAME": "shop/x"}}', ()),
    ],
)
def test_folders_that_django_writes_to_are_shared(
    tmp_path: Path, said: str, shared: tuple[str, ...]
) -> None:
    app = guessed(project(tmp_path, {**SHOP, "shop/settings.py": f"{said}\n"}))
    assert app.shared == shared


ADMIN = 'urlpatterns = [path("admin/", admin.site.urls)'


@pytest.mark.parametrize(
    ("urls", "health"),
    [
        (f"{ADMIN}]", "/admin/login/"),
        (f'{ADMIN}, path("", home)]', "/"),
        (f'{ADMIN}, re_path("^$", home)]', "/"),
        (f'{ADMIN}, path("healthz", ok)]', "/healthz"),
        ('urlpatterns = [path("shop/", home)]', "/"),
    ],
)
def test_a_project_without_pages_is_asked_for_its_admin(
    tmp_path: Path, urls: str, health: str
) -> None:
    assert guessed(project(tmp_path, {**SHOP, "shop/urls.py": f"{urls}\n"})).health == health


@pytest.mark.parametrize(
    ("files", "module"),
    [
        (["shop/settings/dev.py", "shop/settings/production.py"], "shop.settings.production"),
        (["shop/settings/dev.py", "shop/settings/prod.py"], "shop.settings.prod"),
        (["settings/production.py"], "settings.production"),
        (["shop/settings/production.py", "shop/settings/prod.py"], None),
        (["shop/settings.py"], None),
    ],
)
def test_of_several_settings_those_for_production_are_used(
    tmp_path: Path, files: list[str], module: str | None
) -> None:
    made = {**SHOP, **dict.fromkeys(files, "")}
    env = {"DJANGO_SETTINGS_MODULE": module} if module else {}
    assert guessed(project(tmp_path / "one", made)).env == env
    # What serves the app names them, and what runs its commands does not.
    named = {**made, "shop/wsgi.py": f"application = make({module!r})\n"}
    assert guessed(project(tmp_path / "two", named)).env == env
    named["manage.py"] = f"import django\nsettings = {module!r}\n"
    assert guessed(project(tmp_path / "three", named)).env == {}


def test_another_manage_py_is_not_djangos(tmp_path: Path) -> None:
    files = {"manage.py": "import click\n", "app.py": f"{FLASK}app = Flask(__name__)\n"}
    app = guessed(project(tmp_path, files))
    assert (app.migrate, app.build) == (None, ())


def test_a_procfile_names_what_runs_besides_the_web_server(tmp_path: Path) -> None:
    procfile = (
        "web: gunicorn app:app\nrelease: flask --app app init-db\n"
        "worker: celery -A app worker\nJob_Queue: cd jobs && rq worker\nbroken: echo 'x\n"
    )
    files = {"app.py": f"{FLASK}app = Flask(__name__)\n", "Procfile": procfile}
    app = guessed(project(tmp_path, files))
    assert {name: str(each.run) for name, each in app.processes.items()} == {
        "worker": "celery -A app worker",
        "job-queue": "cd jobs && rq worker",
    }
    assert str(app.migrate) == "flask --app app init-db"


@pytest.mark.parametrize(("pyproject", "env"), [
    ("", {"PYTHONPATH": "src"}),
    ('[build-system]\nrequires = ["hatchling"]\n', {}),
])  # fmt: skip
def test_an_app_below_src_is_found_by_its_own_name(
    tmp_path: Path, pyproject: str, env: dict[str, str]
) -> None:
    files = {"src/shop/wsgi.py": "application = make()\n", "pyproject.toml": pyproject}
    app = guessed(project(tmp_path, files))
    assert (app.wsgi, app.env) == ("shop.wsgi:application", env)


def test_no_key_is_made_that_the_app_does_not_read(tmp_path: Path) -> None:
    files = {"app.py": f"{FLASK}app = Flask(__name__)\nx = config('SEARX_SECRET')\n"}
    assert list(guessed(project(tmp_path / "one", files)).secrets) == ["SEARX_SECRET"]
    none = guessed(project(tmp_path / "two", {"app.py": f"{FLASK}app = Flask(__name__)\n"}))
    assert none.secrets == {}


TWO_APPS = {
    "shop/__init__.py": "",
    "shop/run.py": "",
    "shop/core.py": f"{FLASK}app = Flask(__name__)\n",
}


@pytest.mark.parametrize(
    ("files", "interface", "entry_point"),
    [
        (
            {"Procfile": "web: flask db upgrade; gunicorn shop.run:application"},
            "wsgi",
            "shop.run:application",
        ),
        ({"Procfile": "web: gunicorn -w 4 'shop.run:make()'"}, "wsgi", "shop.run:make()"),
        ({"Procfile": "web: gunicorn -b 0.0.0.0:8000 shop.run:site"}, "wsgi", "shop.run:site"),
        (
            {"Procfile": "web: gunicorn -k uvicorn.workers.UvicornWorker shop.run:app"},
            "asgi",
            "shop.run:app",
        ),
        ({"Dockerfile": 'CMD ["uvicorn", "shop.run:app", "--port", "80"]'}, "asgi", "shop.run:app"),
        (
            {"Dockerfile": "CMD gunicorn \\\n  --bind :80 \\\n  shop.run:site"},
            "wsgi",
            "shop.run:site",
        ),
        ({"entrypoint.sh": "exec gunicorn shop.run:site"}, "wsgi", "shop.run:site"),
        (
            {"Procfile": "web: gunicorn shop.wsgi", "shop/wsgi.py": ""},
            "wsgi",
            "shop.wsgi:application",
        ),
        # What is not there, or is no server, is no word on it.
        ({"Procfile": "web: gunicorn gone.run:app"}, "wsgi", "shop.core:app"),
        ({"Procfile": "worker: celery -A shop.run:app worker"}, "wsgi", "shop.core:app"),
    ],
)
def test_what_a_project_says_that_it_serves_is_taken(
    tmp_path: Path, files: dict[str, str], interface: str, entry_point: str
) -> None:
    app = guessed(project(tmp_path / "x", {**TWO_APPS, **files}))
    assert (app.interface, app.entry_point) == (interface, entry_point)


def test_what_it_says_of_a_src_layout_keeps_its_name(tmp_path: Path) -> None:
    files = {"Procfile": "web: gunicorn shop:site", "src/shop.py": ""}
    app = guessed(project(tmp_path / "x", files))
    assert (app.entry_point, app.env) == ("shop:site", {"PYTHONPATH": "src"})


def test_a_health_path_that_was_not_found_is_asked_for(tmp_path: Path) -> None:
    for name, text, asked in (("a", "", True), ("b", "x = '/healthz'\n", False)):
        initialise(project(tmp_path / name, {"app.py": f"{FLASK}app = Flask(__name__)\n{text}"}))
        lines = (tmp_path / name / "inventory" / "production.toml").read_text().splitlines()
        (line,) = [each for each in lines if each.startswith("health = ")]
        assert ("<- yours: none was found" in line) is asked
