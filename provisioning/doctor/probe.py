"""A program that asks an app about itself: it runs on the host, as the app, in its sandbox.

The app's own Python runs it, 3.9 or newer, with the app's packages. What it prints is one line of
JSON after a marker; an app may be hostile, so the controller believes nothing else of it.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys

CLIENT = "203.0.113.77"
"""A visitor's address that nobody has. Source: RFC 5737."""


# What the controller adds: how the app is called, below which path it is, without the last slash, and
# the functions of deploy/frameworks.py.
caller, prefix = None, ""


def framework_of(application):
    return "", None


class Stop(Exception):
    """Raised within a request, to see which page the app shows."""


def environ(path, host, remote=""):
    """Return a request as the web server passes it on, and the app server after it."""
    return {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": prefix, "PATH_INFO": path, "QUERY_STRING": "",
        "RAW_URI": prefix + path, "REQUEST_URI": prefix + path, "SERVER_NAME": host, "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": remote, "HTTP_HOST": host,
        "HTTP_X_FORWARDED_FOR": CLIENT, "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": host, "HTTP_X_FORWARDED_PORT": "443", "HTTP_X_REAL_IP": CLIENT,
        "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }  # fmt: skip


def call(application, path, host):
    """Return status and the beginning of the body; status 0 where the app raised an error."""
    said = []

    def start_response(status, headers, exc_info=None):
        said.append(int(status.split()[0]))
        return lambda data: None

    try:
        answer = application(environ(path, host), start_response)
        try:
            body = b""
            for part in answer:
                body += part
                if len(body) > 100_000:
                    break
        finally:
            if hasattr(answer, "close"):
                answer.close()
    except Exception as error:
        return 0, type(error).__name__
    return (said or [0])[-1], body.decode(errors="replace")


def scope(path, host):
    """Return the same request as a server of ASGI apps passes it on."""
    headers = {name[5:].replace("_", "-").lower(): value
               for name, value in environ(path, host).items() if name.startswith("HTTP_")}  # fmt: skip
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        # As the server makes it of the web server's headers.
        "scheme": "https", "client": (CLIENT, 0), "server": (host, 443),
        "root_path": prefix, "path": prefix + path, "raw_path": (prefix + path).encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip


def call_asgi(application, path, host):
    """Return the same as `call`, of an ASGI app; it is started and ended for this request."""
    try:
        return asyncio.run(asked_asgi(application, scope(path, host)))
    except Exception as error:
        return 0, type(error).__name__


async def asked_asgi(application, request):
    """Return status and the beginning of the body; the app's lifespan is around it."""
    came, said = asyncio.Queue(), asyncio.Queue()
    state = {}

    async def live():
        try:
            await application({"type": "lifespan", "asgi": {"version": "3.0"}, "state": state},
                              came.get, said.put)  # fmt: skip
        except Exception:
            # An app without a lifespan says so like this. Source: the ASGI specification.
            await said.put({"type": "lifespan.startup.complete"})

    lifespan = asyncio.ensure_future(live())
    await came.put({"type": "lifespan.startup"})
    if (await said.get())["type"] != "lifespan.startup.complete":
        return 0, "startup failed"
    begun, body = [], []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            begun.append(message["status"])
        elif sum(map(len, body)) < 100_000:
            body.append(message.get("body", b""))

    await application({**request, "state": dict(state)}, receive, send)
    await came.put({"type": "lifespan.shutdown"})
    await asyncio.wait([lifespan], timeout=5)
    return (begun or [0])[-1], b"".join(body).decode(errors="replace")


def secret_key(value):
    """Return how long a key is, and the variable that it comes from; never the key."""
    if not value:
        return {"chars": 0, "distinct": 0, "variable": ""}
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    names = [name for name, each in os.environ.items() if each == text]
    return {"chars": len(text), "distinct": len(set(text)), "variable": (names or [""])[0]}


def leaks(status, body):
    """Return whether an error page shows the inside of the app."""
    return status == 0 or any(
        mark in body
        for mark in ("Traceback (most recent call last)", "__debugger__", "DEBUG = True")
    )


class OfFlask:
    """A Flask app."""

    def __init__(self, app):
        self.app = app

    def settings(self):
        config, app = self.app.config, self.app
        folder = app.static_folder if app.has_static_folder else ""
        return {
            "framework": "flask",
            "debug": bool(app.debug or app.testing),
            "secret_key": secret_key(app.secret_key),
            "cookies": {
                "name": str(config["SESSION_COOKIE_NAME"]),
                "secure": bool(config["SESSION_COOKIE_SECURE"]),
                "httponly": bool(config["SESSION_COOKIE_HTTPONLY"]),
                "samesite": str(config["SESSION_COOKIE_SAMESITE"] or ""),
            },
            "static_url": str(app.static_url_path or "")
            if folder and os.path.isdir(folder)
            else "",
        }

    def during(self, act, fails=False):
        """Have something done in place of the app's views, before anything of the app."""
        self.app.before_request_funcs.setdefault(None, []).insert(0, act)

    def over(self):
        self.app.before_request_funcs[None].pop(0)

    def request(self):
        from flask import request

        return request.scheme, request.host, request.remote_addr or "", request.url_root


class OfDjango:
    """A Django app."""

    def __init__(self):
        from django.conf import settings
        from django.core.handlers.base import BaseHandler

        self.values, self.handler = settings, BaseHandler
        # Both are looked up for each request.
        self.kept = BaseHandler.get_response, BaseHandler.resolve_request

    def settings(self):
        values = self.values
        return {
            "framework": "django",
            "debug": bool(values.DEBUG),
            "secret_key": secret_key(values.SECRET_KEY),
            "cookies": {
                "name": str(values.SESSION_COOKIE_NAME),
                "secure": bool(values.SESSION_COOKIE_SECURE and values.CSRF_COOKIE_SECURE),
                "httponly": bool(values.SESSION_COOKIE_HTTPONLY),
                "samesite": str(values.SESSION_COOKIE_SAMESITE or ""),
            },
            "static_url": str(values.STATIC_URL or "")
            if "django.contrib.staticfiles" in values.INSTALLED_APPS else "",
            "warnings": self.deploy_check(),
        }  # fmt: skip

    def deploy_check(self):
        """Return what `manage.py check --deploy` says; a request without HTTPS it cannot know."""
        from django.core import checks

        found = checks.run_checks(include_deployment_checks=True)
        return ["%s: %s" % (each.id, str(each.msg).split("\n")[0][:160]) for each in found
                if each.level >= checks.WARNING][:40]  # fmt: skip

    def during(self, act, fails=False):
        """Have something done in place of all; what fails, in place of a view."""
        from django.http import HttpResponse

        def instead(handler, request):
            self.now = request
            return HttpResponse(act())

        def view(request):
            return HttpResponse(act())

        if fails:
            self.handler.resolve_request = lambda handler, request: (view, (), {})
        else:
            self.handler.get_response = instead

    def over(self):
        self.handler.get_response, self.handler.resolve_request = self.kept

    def request(self):
        now = self.now
        return (
            now.scheme,
            now.get_host(),
            now.META.get("REMOTE_ADDR", ""),
            now.build_absolute_uri("/"),
        )


def adapter(application):
    """Return what knows the framework of an app, or None."""
    name, found = framework_of(application)
    if name == "flask":
        return OfFlask(found)
    if name == "django" and "django.core.handlers.wsgi" in sys.modules:
        return OfDjango()
    return None


def through_proxy(known, application, host):
    """Return what the app takes for the scheme, its name, the visitor, and its own URL."""
    seen = []

    def look():
        seen.append(known.request())
        return "seen"

    known.during(look)
    try:
        caller(application, "/", host)
    finally:
        known.over()
    names = ("scheme", "host", "client", "url")
    return dict(zip(names, map(str, seen[0]))) if seen else None


def error_page(known, application, host):
    """Return whether the page for an error within the app shows its inside."""

    def fail():
        raise Stop("fab doctor provokes an error to see the page")

    known.during(fail, fails=True)
    try:
        return leaks(*caller(application, "/", host))
    finally:
        known.over()


def log_files():
    """Return the files that the app's loggers write to without a bound."""
    loggers = [
        logging.getLogger(),
        *(logging.getLogger(each) for each in list(logging.root.manager.loggerDict)),
    ]
    found = set()
    for logger in loggers:
        for handler in logger.handlers:
            rotates = getattr(handler, "maxBytes", 0) or getattr(handler, "backupCount", 0)
            if isinstance(handler, logging.FileHandler) and not rotates:
                found.add(str(handler.baseFilename)[:200])
    return sorted(found)[:10]


def attempt(name, ask, answers):
    """Ask for one thing; where that fails, the others are still answered."""
    try:
        answers[name] = ask()
    except Exception as error:
        print("%s: %s" % (name, error), file=sys.stderr)


def main(load, marker, health, host, everything):
    """Load the app, ask it, and print what it said."""
    # Whatever the app prints must not stand between.
    out = os.dup(1)
    os.dup2(2, 1)
    answers = {}
    try:
        application = load()
    except BaseException as error:
        answers["error"] = type(error).__name__
    else:
        if everything:
            known = adapter(application)
            if known is not None:
                attempt("settings", known.settings, answers)
                attempt("proxy", lambda: through_proxy(known, application, host), answers)
                logging.disable(logging.CRITICAL)
                attempt("leaks", lambda: error_page(known, application, host), answers)
                logging.disable(logging.NOTSET)
            elif type(getattr(application, "debug", None)) is bool:
                answers["settings"] = {"framework": "", "debug": application.debug}
            attempt("log_files", log_files, answers)
        attempt("health", lambda: caller(application, health, host)[0], answers)
    os.write(out, ("\n%s%s\n" % (marker, json.dumps(answers))).encode())
    os._exit(0)
