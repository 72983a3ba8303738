"""A FastAPI app for tests: what visitors ask for, a websocket, and events."""

import asyncio
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

RELEASE = os.environ["HOMEPORT_RELEASE"]
READY = []


@asynccontextmanager
async def lifespan(app):
    READY.append("lifespan")
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def index(request: Request):
    return {
        "url": str(request.url_for("index")),
        "client": request.client.host if request.client else None,
        "claims": {
            name: value
            for name, value in request.headers.items()
            if "forwarded" in name and "evil" in value
        },
        "ready": READY,
    }


@app.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz():
    return {"release": RELEASE}


@app.post("/echo")
async def echo(request: Request):
    return Response(await request.body())


@app.post("/unread")
async def unread():
    return Response(status_code=405)


@app.get("/slow")
async def slow(seconds: float):
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@app.get("/events")
async def events(quiet: float):
    async def told():
        yield "data: first\n\n"
        await asyncio.sleep(quiet)
        yield "data: last\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


@app.websocket("/say-again")
async def say_again(websocket: WebSocket):
    await websocket.accept()
    try:
        await websocket.send_text(str(websocket.url_for("say_again")))
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return
