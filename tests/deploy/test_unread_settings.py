"""A server's own settings file in the source is named, with where its settings go."""

from __future__ import annotations

from provisioning.deploy.unread_settings import unread_settings
from provisioning.inventory import App

CONF = b"""
import multiprocessing
bind = "0.0.0.0:8000"
workers: int = multiprocessing.cpu_count() * 2 + 1
loglevel = "warning"
proc_name = name = "shop"
_helper = 3

def post_fork(server, worker):
    pass
"""


def said(content, server="gunicorn", path="gunicorn.conf.py"):
    app = App(name="shop", source=".", wsgi="app:app", domains=["shop.lab"], server=server)
    return unread_settings(app, {"app.py": b"", path: content})


def test_each_setting_is_named_with_where_it_goes_or_why_it_cannot():
    assert said(CONF) == (
        "gunicorn.conf.py is not read, because Homeport writes the settings of gunicorn: "
        "bind: systemd makes the socket; "
        "workers: workers in [apps.shop] decides it; "
        "loglevel, proc_name: can be set in [apps.shop.gunicorn]; "
        "post_fork: it is a function, and an inventory has only values"
    )


def test_a_file_that_sets_nothing_or_is_not_python_is_named_all_the_same():
    alone = "gunicorn.conf.py is not read, because Homeport writes the settings of gunicorn"
    assert said(b"x = 1\n") == said(b"(\n") == said(b"\0") == alone


def test_where_no_server_would_read_it_nothing_is_said():
    assert said(CONF, path="other.py") == ""
    assert said(CONF, server="waitress") == ""
