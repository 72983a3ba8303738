"""The socket of a release's web server: systemd makes it, whatever the server is."""

from __future__ import annotations

from provisioning.agent.layout import WEB_USER, AppLayout
from provisioning.inventory.models.app import App
from provisioning.render import render


def web_socket(app: App, release_id: str) -> str:
    """Return the text of a release's socket unit."""
    return render(
        "app/web.socket.j2",
        app=app,
        layout=AppLayout(app.name),
        release_id=release_id,
        web_user=WEB_USER,
    )
