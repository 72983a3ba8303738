"""uWSGI: what its settings and its units say."""

from __future__ import annotations

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles.app_servers import uwsgi
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, inventory, units_of

UWSGI = HELLO + 'server = "uwsgi"\n'


def settings(tmp_path, text=""):
    """Return the lines of its settings that are not comments."""
    app = inventory(tmp_path, UWSGI + text).apps["hello"]
    made = uwsgi.files(app, BOOKWORM, RELEASE)["server.ini"].splitlines()
    return [line for line in made if line and not line.startswith(";")]


def mistakes(tmp_path, text):
    with pytest.raises(ConfigurationError) as told:
        settings(tmp_path, text)
    return told.value.output


def test_it_serves_the_app_on_the_socket_of_systemd(tmp_path):
    made = settings(tmp_path, "threads = 9\nworkers = 3\n")
    release = f"/srv/hello/releases/{RELEASE}"
    assert f"chdir = {release}/code" in made
    assert f"wsgi-file = {release}/server.py" in made
    assert {"protocol = http", "threads = 9", "processes = 3", "need-app = true"} <= set(made)
    # One that it opened itself would be outside of what systemd keeps.
    assert not [line for line in made if line.split(" ")[0].endswith("socket")]
    service = units_of(tmp_path, UWSGI)[f"hello@{RELEASE}.service"]
    assert f"ExecStart={release}/venv/bin/uwsgi --ini {release}/server.ini\n" in service
    assert f"Sockets=hello@{RELEASE}.socket\n" in service


@pytest.mark.parametrize(
    ("wsgi", "imported"),
    [
        ("app:create_app()", "importlib.import_module('app').create_app()"),
        ("shop.web:make('live', debug=False)", "'shop.web').make('live', debug=False)"),
        ("shop.web:site.wsgi", "importlib.import_module('shop.web').site.wsgi"),
    ],
)
def test_it_imports_whatever_an_inventory_may_name(tmp_path, wsgi, imported):
    text = UWSGI.replace('"app:create_app()"', f'"{wsgi}"')
    app = inventory(tmp_path, text).apps["hello"]
    made = uwsgi.files(app, BOOKWORM, RELEASE)["server.py"]
    compile(made, "server.py", "exec")
    assert imported in made


def test_who_asks_is_what_the_web_server_says(tmp_path, monkeypatch):
    (tmp_path / "shop.py").write_text(
        "def application(environ, start_response):\n    return [environ]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = UWSGI.replace('"app:create_app()"', '"shop:application"')
    app = inventory(tmp_path / "project", text).apps["hello"]
    served: dict[str, object] = {}
    exec(uwsgi.files(app, BOOKWORM, RELEASE)["server.py"], served)
    asked = {"REMOTE_ADDR": "0.0.0.0", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    [seen] = served["application"](asked, None)
    assert (seen["REMOTE_ADDR"], seen["SERVER_NAME"]) == ("192.0.2.7", app.domains[0])


def test_every_answer_says_its_release(tmp_path):
    assert f"add-header = X-Homeport-Release: {RELEASE}" in settings(tmp_path)


def test_requests_that_are_under_way_have_the_time_that_the_inventory_gives_them(tmp_path):
    made = settings(tmp_path, "drain_timeout_s = 70\n")
    assert "worker-reload-mercy = 70" in made
    assert "hook-master-start = unix_signal:15 grace_them_all" in made
    assert "exit-on-reload = true" in made


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["max-requests = 2000", "max-requests-delta = 500"]),
        ("max_requests = 2\n", ["max-requests = 2", "max-requests-delta = 0"]),
        ("uwsgi.max-requests-delta = 7\n", ["max-requests = 2000", "max-requests-delta = 7"]),
        ("max_requests = 0\n", []),
    ],
)
def test_workers_are_renewed_far_apart_unless_never(tmp_path, text, wanted):
    assert [line for line in settings(tmp_path, text) if line.startswith("max-")] == wanted


def test_its_own_settings_stand_there_by_its_own_names(tmp_path):
    made = settings(
        tmp_path,
        'uwsgi.log-5xx = true\nuwsgi.harakiri = 300\nuwsgi.cache2 = ["name=a", "name=b"]\n'
        "uwsgi.lazy-apps = false\nuwsgi.disable-logging = false\nuwsgi.buffer-size = 8192\n",
    )
    assert made[-4:] == ["harakiri = 300", "log-5xx = true", "cache2 = name=a", "cache2 = name=b"]
    assert {"lazy-apps = false", "disable-logging = false", "buffer-size = 8192"} <= set(made)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('http-socket = ":80"', "uwsgi.http-socket: cannot be set: systemd makes the socket"),
        ("processes = 3", "uwsgi.processes: cannot be set: workers in [apps.<name>] decides it"),
        ("cheaper-busyness-max = 3", "cannot be set: workers in [apps.<name>] decides it"),
        ("mule = true", "a process: [apps.<name>.processes]"),
        ('unique-cron = "x"', "a timer: [apps.<name>.timers]"),
        ("gevent = 100", "uwsgi.gevent: cannot be set: requests are served by threads"),
        ("thread-stack-size = 9", "cannot be set: use thread-stacksize in its place"),
        ("thunder_lock = true", "uwsgi.thunder_lock: unknown key; did you mean thunder-lock?"),
        ("thunder-lok = true", "uwsgi.thunder-lok: unknown key; did you mean thunder-lock?"),
        ("harakiri = 0", "uwsgi.harakiri: must be at least 1, not 0"),
        (
            "max-worker-lifetime = 10",
            "max-worker-lifetime: must be more than min-worker-lifetime, which is 10",
        ),
        (
            'log-format = "a\\nuid = root"',
            "uwsgi.log-format: must be one line of text",
        ),
    ],
)
def test_what_it_does_not_take_is_refused_with_the_reason(tmp_path, given, told):
    assert told in mistakes(tmp_path, f"uwsgi.{given}\n")


def test_the_table_of_another_server_is_refused(tmp_path):
    told = mistakes(tmp_path, 'gunicorn.loglevel = "info"\n')
    assert "gunicorn: belongs to another app server: this app uses uwsgi" in told


def test_it_comes_with_hashes_unless_the_app_brings_either_distribution(tmp_path):
    app = inventory(tmp_path, UWSGI).apps["hello"]
    [(names, requirement)] = uwsgi.requirements(app).items()
    assert names == "pyuwsgi|uwsgi"
    assert requirement.startswith("pyuwsgi==")
    assert "--hash=sha256:" in requirement
