"""What every app server does for an app below a path: templates/app/prefix.j2."""

import pytest

from provisioning.render import render
from provisioning.roles import app_server
from tests.roles.samples import BOOKWORM, HELLO, RELEASE, inventory

SHOP = HELLO + 'prefix = "/shop/"\n'


@pytest.fixture
def served(tmp_path):
    """Ask an app below /shop/ for a path; return its status, headers, and what it saw."""
    names = {}
    text = render("app/prefix.j2", app=inventory(tmp_path, SHOP).apps["hello"])
    exec(compile(text, "prefix.py", "exec"), names)

    def asked(path, headers=()):
        seen, answered = {}, []

        def app(environ, start_response):
            seen.update(environ)
            start_response("200 OK", list(headers))
            return [b"body"]

        environ = {"PATH_INFO": path, "SCRIPT_NAME": "/evil"}
        body = names["below_prefix"](app)(environ, lambda *given: answered.extend(given))
        return answered[0], answered[1], seen, body

    return asked


@pytest.mark.parametrize(
    ("path", "info"), [("/shop/", "/"), ("/shop/a/b", "/a/b"), ("/shop//x", "//x")]
)
def test_the_app_sees_its_prefix_and_the_rest_of_the_path(served, path, info):
    status, _, seen, body = served(path)
    assert (status, body) == ("200 OK", [b"body"])
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/shop", info)


@pytest.mark.parametrize("path", ["/", "/shop", "/shopping/", "/x/../shop/", "//shop/"])
def test_what_is_not_below_the_prefix_never_reaches_the_app(served, path):
    status, _, seen, body = served(path)
    assert (status, seen, body) == ("404 Not Found", {}, [b""])


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("session=a; Path=/", "session=a; Path=/shop/"),
        ("session=a; HttpOnly; path=/ ; Secure", "session=a; HttpOnly; Path=/shop/; Secure"),
        ("session=a; Path=/shop/x", "session=a; Path=/shop/x"),
        ("session=a; Path=/other", "session=a; Path=/other"),
        ("session=Path=/; Secure", "session=Path=/; Secure"),
        ("session=a", "session=a"),
        ("__Host-session=a; Secure; Path=/", "__Host-session=a; Secure; Path=/"),
    ],
)
def test_a_cookie_for_all_paths_is_one_for_the_apps(served, sent, arrives):
    headers = [("Set-Cookie", sent), ("X-Other", "a; Path=/")]
    assert served("/shop/", headers)[1] == [("Set-Cookie", arrives), ("X-Other", "a; Path=/")]


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi", "waitress"])
def test_every_server_has_it_and_only_below_a_prefix(tmp_path, server):
    for text, has in ((HELLO, False), (SHOP, True)):
        app = inventory(tmp_path, f'{text}server = "{server}"\n').apps["hello"]
        made = app_server(server).files(app, BOOKWORM, RELEASE)["server.py"]
        compile(made, "server.py", "exec")
        assert made.count("below_prefix(") == (2 if has else 0)
