"""The units of a release's web server, and where it answers: the same, whatever the server is."""

from __future__ import annotations

from provisioning.agent.apps.runtimes.surroundings import word
from provisioning.agent.facts import Facts
from provisioning.agent.layout import WEB_USER, AppLayout
from provisioning.inventory.models.app import App
from provisioning.render import render
from provisioning.roles.sandbox import sandbox_properties
from provisioning.roles.site import Upstream
from provisioning.roles.surroundings import surroundings

STREAM_QUIET_S = 3600
"""An hour: longer than what apps and browsers leave between two signs of life. nginx cannot tell a
quiet stream from a dead one; the ping of a websocket, every 20 s in uvicorn, can.
"""


def upstream(app: App) -> Upstream:
    """Return where the app answers: the link to the live release's socket."""
    return Upstream(
        socket=AppLayout(app.name).live_socket,
        timeout_s=app.timeout_s,
        stream_quiet_s=STREAM_QUIET_S,
        # A worker of a WSGI app has few threads: no visitor may keep one by calling a request a
        # stream, so only what the inventory names is one.
        recognises_streams=not app.wsgi,
    )


def web_units(app: App, facts: Facts, release_id: str) -> dict[str, str]:
    """Return the socket, which systemd makes, and the service, which the server's template is of.

    Args:
        app: The app.
        facts: Of the host that the release is for.
        release_id: The release's id.
    """
    layout = AppLayout(app.name)
    service = render(
        f"{app.served_by}/web.service.j2",
        app=app,
        layout=layout,
        release_id=release_id,
        socket_unit=layout.socket_unit(release_id),
        surroundings=surroundings(app, release_id),
        command=word("COMMAND"),
        sandbox=sandbox_properties(app, facts),
    )
    socket = render(
        "app/web.socket.j2", app=app, layout=layout, release_id=release_id, web_user=WEB_USER
    )
    return {layout.socket_unit(release_id): socket, layout.unit(release_id): service}
