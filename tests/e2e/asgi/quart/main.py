"""A Quart app for tests: what visitors ask for, a websocket, and events."""

import asyncio
import os

from quart import Quart, Response, request, url_for, websocket

RELEASE = os.environ["HOMEPORT_RELEASE"]
READY = []

app = Quart(__name__)


@app.before_serving
async def before_serving():
    READY.append("lifespan")


@app.get("/")
async def index():
    return {
        "url": url_for("index", _external=True),
        "client": request.remote_addr,
        "claims": {
            name: value
            for name, value in request.headers.items()
            if "forwarded" in name.lower() and "evil" in value
        },
        "ready": READY,
    }


@app.get("/healthz")
async def healthz():
    return {"release": RELEASE}


@app.post("/echo")
async def echo():
    return Response(await request.get_data())


@app.post("/unread")
async def unread():
    return Response(status=405)


@app.get("/slow")
async def slow():
    await asyncio.sleep(float(request.args["seconds"]))
    return {"slept": request.args["seconds"]}


@app.get("/events")
async def events():
    quiet = float(request.args["quiet"])

    async def told():
        yield b"data: first\n\n"
        await asyncio.sleep(quiet)
        yield b"data: last\n\n"

    response = Response(told(), mimetype="text/event-stream")
    response.timeout = None
    return response


@app.websocket("/say-again")
async def say_again():
    await websocket.send(websocket.url)
    while True:
        await websocket.send(await websocket.receive())
