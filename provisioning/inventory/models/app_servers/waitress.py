"""Waitress's own settings: `[apps.<name>.waitress]`.

Source of names, bounds and what they mean: Waitress's documentation, "Arguments to serve", of
version 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, ClassVar

from pydantic import Field

from provisioning.inventory.models.app_servers.base import ServerSettings
from provisioning.inventory.types.fields import Whole, Yes
from provisioning.inventory.types.interface import Interface

_REFUSED = {
    "systemd makes the socket": "host port listen ipv4 ipv6 unix_socket unix_socket_perms backlog "
    "sockets",
    "requests come from the web server alone, which sets these headers": "trusted_proxy "
    "trusted_proxy_count trusted_proxy_headers log_untrusted_proxy_headers "
    "clear_untrusted_proxy_headers url_scheme url_prefix server_name ident",
    "threads in [apps.<name>] decides it": "threads",
    "max_body in [apps.<name>] decides it": "max_request_body_size",
    "an error must not show the app's code to visitors": "expose_tracebacks",
}


class WaitressSettings(ServerSettings):
    """What only Waitress has: `[apps.<name>.waitress]`, by its own names."""

    sets_client: ClassVar[bool] = True

    refused: ClassVar[Mapping[str, str]] = {
        name: why for why, names in _REFUSED.items() for name in names.split()
    }

    connection_limit: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Connections at the same time. Default: 100."
    )
    channel_timeout: Annotated[Whole, Field(ge=1, le=86400)] | None = Field(
        default=None, description="Seconds that a connection may be idle. Default: 120."
    )
    cleanup_interval: Annotated[Whole, Field(ge=1, le=86400)] | None = Field(
        default=None, description="Seconds between two checks for idle connections. Default: 30."
    )
    channel_request_lookahead: Annotated[Whole, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="Requests that are read ahead, so that the app can notice that a client has "
        "disconnected. Default: 0.",
    )
    max_request_header_size: Annotated[Whole, Field(ge=1, le=1 << 24)] | None = Field(
        default=None, description="Maximum size of a request's headers in bytes. Default: 262144."
    )
    recv_bytes: Annotated[Whole, Field(ge=1, le=1 << 24)] | None = Field(
        default=None, description="Bytes that are received at once. Default: 8192."
    )
    send_bytes: Annotated[Whole, Field(ge=1, le=1 << 24)] | None = Field(
        default=None, description="Bytes that are sent at once. Default: 1."
    )
    inbuf_overflow: Annotated[Whole, Field(ge=1, le=1 << 40)] | None = Field(
        default=None,
        description="Bytes of a request above which it is kept in a file. Default: 524288.",
    )
    outbuf_overflow: Annotated[Whole, Field(ge=1, le=1 << 40)] | None = Field(
        default=None,
        description="Bytes of an answer above which it is kept in a file. Default: 1048576.",
    )
    outbuf_high_watermark: Annotated[Whole, Field(ge=1, le=1 << 40)] | None = Field(
        default=None,
        description="Bytes of an answer above which the app waits. Default: 16777216.",
    )

    log_socket_errors: Yes | None = Field(
        default=None, description="Log connections that are interrupted. Default: true."
    )
    asyncore_use_poll: Yes | None = Field(
        default=None,
        description="Wait with poll() instead of select(), which takes 1024 connections at most. "
        "Default: false.",
    )
    asyncore_loop_timeout: Annotated[Whole, Field(ge=1, le=3600)] | None = Field(
        default=None, description="Maximum length of one wait in seconds. Default: 1."
    )

    def given(self) -> dict[str, Any]:
        """Return the settings of the inventory."""
        return self.model_dump(exclude_none=True)

    def contradictions(
        self, given: AbstractSet[str], interface: Interface
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield settings that have no effect with a single process."""
        for key in ("workers", "max_requests"):
            if key in given:
                yield (
                    (key,),
                    "has no effect: waitress is one process with threads and replaces no "
                    'workers; remove it, or use server = "gunicorn"',
                )
