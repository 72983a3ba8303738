"""What every app server does for an app below a path: templates/app/prefix.j2."""

import asyncio

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


@pytest.fixture
def called(tmp_path):
    """Call an ASGI app below /shop/; return what it saw, and what it and the wrapper sent."""
    names = {}
    text = render("app/prefix-asgi.j2", app=inventory(tmp_path, SHOP).apps["hello"])
    exec(compile(text, "prefix.py", "exec"), names)

    def asked(kind, path, headers=()):
        seen, sent = [], []

        async def app(scope, receive, send):
            seen.append(scope)
            begin = {"http": "http.response.start", "websocket": "websocket.accept"}
            if kind in begin:
                await send({"type": begin[kind], "headers": list(headers)})

        async def send(message):
            sent.append(message)

        scope = {"type": kind, "path": path, "root_path": "/evil"}
        asyncio.run(names["below_prefix"](app)(scope, None, send))
        return seen, sent

    return asked


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_an_asgi_app_gets_the_whole_path_and_its_prefix(called, kind):
    cookies = [(b"set-cookie", b"a=\xe9; Path=/"), (b"x", b"Path=/")]
    [scope], [begin] = called(kind, "/shop/a", cookies)
    assert (scope["path"], scope["root_path"]) == ("/shop/a", "/shop")
    assert begin["headers"] == [(b"set-cookie", b"a=\xe9; Path=/shop/"), (b"x", b"Path=/")]


@pytest.mark.parametrize("path", ["/", "/shop", "/shopping/", "//shop/"])
def test_what_is_not_below_the_prefix_never_reaches_an_asgi_app(called, path):
    seen, [begin, end] = called("http", path)
    assert (seen, begin["status"], end["body"]) == ([], 404, b"")
    assert called("websocket", path) == ([], [{"type": "websocket.close"}])


def test_an_asgi_apps_lifespan_knows_no_prefix(called):
    [scope], sent = called("lifespan", "")
    assert (scope["type"], scope["root_path"], sent) == ("lifespan", "/evil", [])


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_every_server_of_asgi_apps_has_it_and_only_below_a_prefix(tmp_path, server):
    for text, has in ((HELLO, False), (SHOP, True)):
        asgi = text.replace("wsgi = ", "asgi = ")
        app = inventory(tmp_path, f'{asgi}server = "{server}"\n').apps["hello"]
        made = app_server(server).files(app, BOOKWORM, RELEASE)["server.py"]
        compile(made, "server.py", "exec")
        assert made.count("below_prefix(") == (2 if has else 0)


@pytest.mark.parametrize("server", ["gunicorn", "uwsgi", "waitress"])
def test_every_server_has_it_and_only_below_a_prefix(tmp_path, server):
    for text, has in ((HELLO, False), (SHOP, True)):
        app = inventory(tmp_path, f'{text}server = "{server}"\n').apps["hello"]
        made = app_server(server).files(app, BOOKWORM, RELEASE)["server.py"]
        compile(made, "server.py", "exec")
        assert made.count("below_prefix(") == (2 if has else 0)
