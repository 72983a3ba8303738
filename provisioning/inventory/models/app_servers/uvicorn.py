"""Uvicorn's own settings: `[apps.<name>.uvicorn]`.

Source of names, bounds and what they mean: uvicorn's documentation, "Settings", and the arguments
of `uvicorn.Config`, of version 0.54.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from provisioning.inventory.models.app_servers.base import ServerSettings
from provisioning.inventory.types.fields import RelativePath, Whole, Yes
from provisioning.inventory.types.interface import Interface

_REFUSED = {
    "systemd makes the socket": "host port uds fd backlog",
    "a release does not change": "reload reload_dirs reload_delay reload_includes reload_excludes",
    "requests come from the web server alone, which ends TLS, keeps no connection open and sets "
    "these headers": "proxy_headers forwarded_allow_ips server_header date_header headers "
    "http2 timeout_keep_alive ssl_keyfile ssl_certfile ssl_keyfile_password ssl_version "
    "ssl_cert_reqs ssl_ca_certs ssl_ciphers ssl_context_factory",
    "Homeport starts and replaces the workers": "timeout_worker_healthcheck timeout_notify "
    "callback_notify",
    "the app speaks version 3 of ASGI": "interface",
    "all output goes to the journal, without colours": "use_colors",
}

_KEYS_OF_THE_APP = {
    "app": "asgi",
    "factory": "asgi",
    "env_file": "the table env",
    "workers": "workers",
    "limit_max_requests": "max_requests",
    "root_path": "prefix",
    "timeout_graceful_shutdown": "drain_timeout_s",
}
"""Setting -> the key of the app's table that decides it, whatever the server."""

_Seconds = Annotated[Whole, Field(ge=1, le=86400)]


class UvicornSettings(ServerSettings):
    """What only uvicorn has: `[apps.<name>.uvicorn]`, by the names of its Python arguments."""

    interfaces: ClassVar[tuple[Interface, ...]] = ("asgi",)

    refused: ClassVar[Mapping[str, str]] = {
        **{name: why for why, names in _REFUSED.items() for name in names.split()},
        **{name: f"{key} in [apps.<name>] decides it" for name, key in _KEYS_OF_THE_APP.items()},
    }

    loop: Literal["auto", "asyncio", "uvloop"] | None = Field(
        default=None, description="Event loop. Default: auto, which is uvloop."
    )
    http: Literal["auto", "h11", "httptools"] | None = Field(
        default=None, description="What reads requests. Default: auto, which is httptools."
    )
    ws: Literal["auto", "none", "websockets", "websockets-sansio", "wsproto"] | None = Field(
        default=None, description="What speaks websockets. Default: auto, which is websockets."
    )
    ws_max_size: Annotated[Whole, Field(ge=1, le=1 << 31)] | None = Field(
        default=None, description="Largest message of a websocket in bytes. Default: 16777216."
    )
    ws_max_queue: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Messages of a websocket that may wait. Default: 32."
    )
    ws_ping_interval: _Seconds | None = Field(
        default=None, description="Seconds between two pings of a websocket. Default: 20."
    )
    ws_ping_timeout: _Seconds | None = Field(
        default=None,
        description="Seconds after which a websocket without answer to a ping is closed. "
        "Default: 20.",
    )
    ws_per_message_deflate: Yes | None = Field(
        default=None, description="Compress messages of websockets. Default: true."
    )
    lifespan: Literal["auto", "on", "off"] | None = Field(
        default=None,
        description="Whether uvicorn tells the app when it starts and ends. auto: if the app "
        "supports it. on: an app that does not support it does not start. Default: auto.",
    )
    limit_concurrency: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Connections of one worker above which it answers 503. Default: no limit.",
    )
    limit_max_requests_jitter: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="By how many requests a worker may outlive max_requests. Default: a tenth.",
    )
    h11_max_incomplete_event_size: Annotated[Whole, Field(ge=1024, le=1 << 24)] | None = Field(
        default=None, description="Bytes of a request's headers with http = h11. Default: 65536."
    )
    reset_contextvars: Yes | None = Field(
        default=None, description="Give each request a fresh context. Default: false."
    )
    log_level: Literal["trace", "debug", "info", "warning", "error", "critical"] | None = Field(
        default=None, description="Lowest level that uvicorn itself logs. Default: info."
    )
    access_log: Yes = Field(
        default=False, description="true: uvicorn logs each request too, to the journal."
    )
    log_config: RelativePath | None = Field(
        default=None, description="File of the source that configures Python's logging."
    )

    def others(self) -> dict[str, Any]:
        """Return the settings that Homeport passes on to uvicorn unchanged: name -> value."""
        return self.model_dump(exclude_none=True, exclude={"limit_max_requests_jitter"})

    def contradictions(
        self, given: AbstractSet[str], interface: Interface
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield keys that have no effect with event loops."""
        if "threads" in given:
            yield (
                ("threads",),
                "has no effect: workers of an ASGI app have an event loop; remove it",
            )
        if self.h11_max_incomplete_event_size and self.http != "h11":
            yield (
                ("uvicorn", "h11_max_incomplete_event_size"),
                'has no effect without http = "h11"',
            )
