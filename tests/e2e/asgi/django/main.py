"""A Django app for tests, with a websocket beside it, which Django alone does not speak."""

import asyncio
import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

RELEASE = os.environ["HOMEPORT_RELEASE"]

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["hello.lab"],
    ROOT_URLCONF=__name__,
    DATA_UPLOAD_MAX_MEMORY_SIZE=10_000_000,
)


async def index(request):
    return JsonResponse(
        {
            "url": request.build_absolute_uri("/"),
            "client": request.META["REMOTE_ADDR"],
            "claims": {
                name: value
                for name, value in request.headers.items()
                if "forwarded" in name.lower() and "evil" in value
            },
            # Django has no lifespan.
            "ready": ["lifespan"],
        }
    )


async def healthz(request):
    return JsonResponse({"release": RELEASE})


async def echo(request):
    return HttpResponse(request.body)


async def unread(request):
    return HttpResponse(status=405)


async def slow(request):
    await asyncio.sleep(float(request.GET["seconds"]))
    return JsonResponse({"slept": request.GET["seconds"]})


async def events(request):
    async def told():
        yield "data: first\n\n"
        await asyncio.sleep(float(request.GET["quiet"]))
        yield "data: last\n\n"

    return StreamingHttpResponse(told(), content_type="text/event-stream")


urlpatterns = [
    path("", index),
    path("healthz", healthz),
    path("echo", echo),
    path("unread", unread),
    path("slow", slow),
    path("events", events),
]

django_app = get_asgi_application()


async def app(scope, receive, send):
    """Answer a websocket here, and let Django answer requests."""
    if scope["type"] == "websocket":
        await say_again(scope, receive, send)
    else:
        await django_app(scope, receive, send)


async def say_again(scope, receive, send):
    """Say where it is, and repeat each message."""
    host = dict(scope["headers"])[b"host"].decode()
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"{scope['scheme']}://{host}{scope['path']}"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
