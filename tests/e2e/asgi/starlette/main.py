"""A Starlette app for tests, made by a factory: what visitors ask for, a websocket, and events."""

import asyncio
import os
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

RELEASE = os.environ["HOMEPORT_RELEASE"]
READY = []


@asynccontextmanager
async def lifespan(app):
    READY.append("lifespan")
    yield


async def index(request):
    return JSONResponse(
        {
            "url": str(request.url_for("index")),
            "client": request.client.host if request.client else None,
            "claims": {
                name: value
                for name, value in request.headers.items()
                if "forwarded" in name and "evil" in value
            },
            "ready": READY,
        }
    )


async def healthz(request):
    return JSONResponse({"release": RELEASE})


async def echo(request):
    return Response(await request.body())


async def unread(request):
    return Response(status_code=405)


async def slow(request):
    await asyncio.sleep(float(request.query_params["seconds"]))
    return JSONResponse({"slept": request.query_params["seconds"]})


async def events(request):
    async def told():
        yield "data: first\n\n"
        await asyncio.sleep(float(request.query_params["quiet"]))
        yield "data: last\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


async def say_again(websocket):
    await websocket.accept()
    try:
        await websocket.send_text(str(websocket.url_for("say_again")))
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


def create_app():
    """Return the app."""
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", index),
            Route("/healthz", healthz),
            Route("/echo", echo, methods=["POST"]),
            Route("/unread", unread, methods=["POST"]),
            Route("/slow", slow),
            Route("/events", events),
            WebSocketRoute("/say-again", say_again),
        ],
    )
