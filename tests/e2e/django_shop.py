"""A small Django app with a database and a session, as a second app of a project."""

from __future__ import annotations

import subprocess

from tests.e2e.project import Project

DOMAIN = "shop.lab"

FILES = {
    "requirements.txt": "django>=5.2,<5.3\n",
    "shop/__init__.py": "",
    "shop/settings.py": """\
import os

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["shop.lab"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "data/shop.sqlite3"}}
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
""",
    "shop/urls.py": """\
from django.db import connection
from django.http import HttpResponse
from django.urls import path


def home(request):
    request.session["visits"] = 1
    return HttpResponse("welcome")


def healthz(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
    return HttpResponse("ok")


urlpatterns = [path("", home), path("healthz", healthz)]
""",
    "shop/wsgi.py": """\
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
""",
    "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
""",
}

INVENTORY = f"""
[apps.shop]
source = "../examples/shop"
wsgi = "shop.wsgi:application"
domains = ["{DOMAIN}"]
shared = ["data"]
workers = 1
migrate = "python manage.py migrate"

[apps.shop.secrets]
SECRET_KEY = {{ generate = 40 }}
"""


def add_shop(project: Project) -> None:
    """Write the app beside the other one, and into the inventory."""
    source = project.app.parent / "shop"
    for name, text in FILES.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project.inventory.write_text(project.inventory.read_text() + INVENTORY)
    commit_shop(project)


def commit_shop(project: Project) -> None:
    """Commit the app as it is."""
    source = str(project.app.parent / "shop")
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "the shop"]):
        subprocess.run(["git", "-C", source, *identity, *words], check=True)
