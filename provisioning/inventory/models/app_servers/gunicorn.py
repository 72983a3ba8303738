"""Gunicorn's own settings: `[apps.<name>.gunicorn]`.

Source of names, bounds and what they mean: gunicorn's documentation, "Settings", of version 27.
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
    "systemd makes the socket": "bind backlog reuse_port",
    "systemd starts the server, as the app's user and in its sandbox": "daemon pidfile user group "
    "initgroups umask tmp_upload_dir control_socket control_socket_mode "
    "control_socket_disable",
    "each worker imports the app itself, so that a worker that cannot ends alone": "preload_app",
    "the workers' heartbeat files are in memory, where no busy disk delays them": "worker_tmp_dir",
    "a release does not change": "reload reload_engine reload_extra_files",
    "all output goes to the journal": "errorlog capture_output syslog syslog_addr "
    "syslog_prefix syslog_facility enable_stdio_inheritance disable_redirect_access_to_syslog",
    "requests come from the web server alone, which ends TLS, keeps no connection open and sets "
    "these headers": "keepalive keyfile certfile ssl_version cert_reqs ca_certs ciphers "
    "suppress_ragged_eofs do_handshake_on_connect http_protocols http2_cleartext "
    "http2_max_concurrent_streams http2_initial_window_size http2_max_frame_size "
    "http2_max_header_list_size secure_scheme_headers forwarded_allow_ips forwarder_headers "
    "proxy_protocol proxy_allow_ips protocol uwsgi_allow_ips",
    "Homeport writes the settings": "config check_config print_config spew paste "
    "raw_paste_global_conf default_proc_name",
    "it is a function, and an inventory has only values": "on_starting on_reload when_ready "
    "pre_fork post_fork post_worker_init worker_int worker_abort pre_exec pre_request post_request "
    "child_exit worker_exit nworkers_changed on_exit ssl_context on_dirty_starting "
    "dirty_post_fork dirty_worker_init dirty_worker_exit",
    "it is for gunicorn's own ASGI workers; Homeport uses uvicorn's": "asgi_loop asgi_lifespan "
    "asgi_disconnect_grace_period websocket_max_message_size root_path",
    "a program next to the web server is a process: [apps.<name>.processes]": "dirty_apps "
    "dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout",
}

_KEYS_OF_THE_APP = {
    "wsgi_app": "wsgi or asgi",
    "chdir": "source",
    "raw_env": "the table env",
    "workers": "workers",
    "threads": "threads",
    "timeout": "timeout_s",
    "graceful_timeout": "drain_timeout_s",
    "max_requests": "max_requests",
}
"""Setting -> the key of the app's table that decides it, whatever the server."""

ASGI_WORKER = "uvicorn_worker.UvicornWorker"
"""Source: uvicorn's documentation, "Deployment": the package uvicorn-worker."""

_ONLY_WSGI = (
    "limit_request_line limit_request_fields limit_request_field_size sendfile access_log_format "
    "http_parser permit_obsolete_folding strip_header_spaces permit_unconventional_http_method "
    "permit_unconventional_http_version casefold_http_method header_map statsd_host statsd_prefix "
    "dogstatsd_tags enable_backlog_metric"
)
"""What gunicorn applies to requests; those of an ASGI app are read and logged by uvicorn."""


class GunicornSettings(ServerSettings):
    """What only gunicorn has: `[apps.<name>.gunicorn]`, by gunicorn's own names."""

    refused: ClassVar[Mapping[str, str]] = {
        **{name: why for why, names in _REFUSED.items() for name in names.split()},
        **{name: f"{key} in [apps.<name>] decides it" for name, key in _KEYS_OF_THE_APP.items()},
    }

    interfaces: ClassVar[tuple[Interface, ...]] = ("wsgi", "asgi")

    own_file: ClassVar[str] = "gunicorn.conf.py"

    worker_class: Literal["sync", "gthread", "gevent", "uvicorn_worker.UvicornWorker"] | None = (
        Field(
            default=None,
            description="What a worker is: gthread has threads, gevent greenlets, sync neither. "
            "Default: gthread; for an ASGI app uvicorn_worker.UvicornWorker, an event loop.",
        )
    )
    worker_connections: Annotated[Whole, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Connections of one worker of class gevent at the same time. Default: 1000.",
    )
    max_requests_jitter: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="By how many requests a worker may outlive max_requests. Default: a tenth.",
    )
    limit_request_line: Annotated[Whole, Field(ge=0, le=8190)] = Field(
        default=8190, description="Longest request line in bytes; 0: no limit."
    )
    limit_request_fields: Annotated[Whole, Field(ge=1, le=32768)] = Field(
        default=100, description="Most headers of a request."
    )
    limit_request_field_size: Annotated[Whole, Field(ge=0, le=1 << 20)] = Field(
        default=8190, description="Longest header in bytes; 0: no limit."
    )
    sendfile: Yes | None = Field(
        default=None, description="Have the kernel send files. Default: gunicorn's, true."
    )
    loglevel: Literal["debug", "info", "warning", "error", "critical"] = Field(
        default="info", description="Lowest level that gunicorn itself logs."
    )
    accesslog: Literal["-"] | None = Field(
        default=None, description='"-": gunicorn logs each request too, to the journal.'
    )
    access_log_format: str | None = Field(default=None, description="Format of these lines.")
    logger_class: str | None = Field(default=None, description="Class that logs.")
    logconfig: RelativePath | None = Field(
        default=None, description="File of the source that configures Python's logging."
    )
    logconfig_json: RelativePath | None = Field(default=None, description="The same as JSON.")
    logconfig_dict: Mapping[str, Any] | None = Field(
        default=None, description="The same as a table."
    )
    statsd_host: str | None = Field(
        default=None, description='StatsD server for metrics of requests: "127.0.0.1:8125".'
    )
    statsd_prefix: str | None = Field(default=None, description="Prefix of the metrics' names.")
    dogstatsd_tags: str | None = Field(default=None, description="Tags of the metrics.")
    enable_backlog_metric: Yes | None = Field(
        default=None, description="Also report how many connections wait."
    )
    proc_name: str | None = Field(
        default=None, description="Name of the processes, with the package setproctitle."
    )
    pythonpath: str | None = Field(
        default=None, description="Additional directories to import from, separated by commas."
    )
    http_parser: Literal["auto", "fast", "python"] | None = Field(
        default=None, description="Parser of requests."
    )
    permit_obsolete_folding: Yes | None = Field(
        default=None, description="Accept headers that are folded over several lines."
    )
    strip_header_spaces: Yes | None = Field(
        default=None, description="Accept headers with a space before the colon."
    )
    permit_unconventional_http_method: Yes | None = Field(
        default=None, description="Accept methods such as get or M-SEARCH."
    )
    permit_unconventional_http_version: Yes | None = Field(
        default=None, description="Accept versions other than 1.0 and 1.1."
    )
    casefold_http_method: Yes | None = Field(default=None, description="Accept get as GET.")
    header_map: Literal["drop", "refuse"] | None = Field(
        default=None,
        description="What happens to headers whose names could be confused with others. Default: "
        "gunicorn's, drop.",
    )

    def others(self) -> dict[str, Any]:
        """Return the settings of the inventory that Homeport passes on to gunicorn unchanged."""
        fields = type(self).model_fields
        given = {name: getattr(self, name) for name in fields if fields[name].default is None}
        return {
            name: value
            for name, value in given.items()
            if value is not None
            and name not in ("worker_class", "max_requests_jitter", "worker_connections")
        }

    def kind_of_worker(self, interface: Interface) -> str:
        """Return the class of the workers that run an app of an interface."""
        return self.worker_class or ("gthread" if interface == "wsgi" else ASGI_WORKER)

    def contradictions(
        self, given: AbstractSet[str], interface: Interface
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield settings that have no effect with its class of workers."""
        kind = self.kind_of_worker(interface)
        if (kind == ASGI_WORKER) != (interface == "asgi"):
            yield (
                ("gunicorn", "worker_class"),
                f"workers of class {kind} do not run {interface.upper()} apps; remove the key",
            )
            return
        if interface == "asgi":
            yield from self._contradictions_of_asgi(given)
            return
        if "threads" in given and kind != "gthread":
            yield (
                ("threads",),
                f"has no effect: workers of class {kind} have one thread; remove it, or use "
                'worker_class = "gthread"',
            )
        if self.worker_connections and kind != "gevent":
            why = "as many as threads" if kind == "gthread" else "one"
            yield (
                ("gunicorn", "worker_connections"),
                f"has no effect: workers of class {kind} accept {why}",
            )

    def _contradictions_of_asgi(
        self, given: AbstractSet[str]
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        if "threads" in given:
            yield (
                ("threads",),
                "has no effect: workers of an ASGI app have an event loop; remove it",
            )
        if self.worker_connections:
            yield (
                ("gunicorn", "worker_connections"),
                f"has no effect: workers of class {ASGI_WORKER} accept any number",
            )
        for name in sorted(self.model_fields_set & {*_ONLY_WSGI.split()}):
            yield (
                ("gunicorn", name),
                "has no effect: uvicorn reads the requests of an ASGI app, and logs them",
            )
