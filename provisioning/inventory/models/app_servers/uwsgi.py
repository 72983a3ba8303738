"""uWSGI's own settings: `[apps.<name>.uwsgi]`.

Source of names, bounds and what they mean: uWSGI's documentation, "uWSGI Options", and what
`uwsgi --help` of version 2.0 says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from provisioning.inventory.models.app_servers.base import ServerSettings
from provisioning.inventory.types.fields import Matching, Whole, Yes
from provisioning.inventory.types.interface import Interface

_REFUSED = {
    "systemd makes the socket": "abstract-socket chmod* chown-socket close-on-exec* fastcgi-* "
    "fd-safe freebind http-socket* http11-socket listen map-socket multicast* no-defer-accept "
    "no-fd-passing protocol puwsgi-socket raw-* reuse-port safe-fd scgi-* shared-socket "
    "shutdown-sockets so-* socket socket-* tcp-* udp undeferred-shared-socket uwsgi-socket zerg*",
    "systemd starts the server, as the app's user and in its sandbox": "add-gid binary-path binsh "
    "*cgroup* cheap chroot command-mode daemonize* die-on-* drop-after-* exit exit-on-reload "
    "force-gateway forkbomb-delay gid idle immediate-* jailed ksm limit-as limit-nproc master "
    "master-as-root max-fd namespace* never-swap no-initgroups no-orphans no-server notify-socket "
    "ns* pidfile* *pivot* prio *privileged-binary-patch* *re-fork* reaper refork* safe-pidfile* "
    "setns* skip-atexit* uid umask unshare* use-abort vacuum wait-*",
    "Homeport writes the settings": "auto-weight binary-append-data blacklist build-plugin "
    "config config-py connect-and-read declare-option* dot-h dump-options end* extract "
    "fallback-config for for-* get help if* include inherit ini* inject-* iprint js json paste* "
    "print resolve set set-* show-config skip-zero strict usage version weight whitelist xml* "
    "yaml yml",
    "a release does not change": "check-interval check-mount* fs-* master-fifo mount-check "
    "mountpoint-check pause propagate-touch *auto-reload* *autoreload* reload reload-os-env "
    "resume stop suspend touch-*",
    "it ends workers during requests": "brutal-* evil-* mem-collector-freq reload-on-exception* "
    "reload-on-fd",
    "all output goes to the journal": "alarm alarm-backlog alarm-cheap alarm-f* alarm-l* "
    "alarm-msg-size alarm-segfault alarms-list backlog-alarm backtrace-depth honour-stdin "
    "listen-queue-alarm log-alarm log-backupname log-big log-date log-drain log-encoder "
    "log-filter log-format-strftime log-master* log-maxsize log-micros log-prefix log-re* "
    "log-route log-sendfile log-socket log-syslog log-truncate log-x-forwarded-for log-zero "
    "logdate logfile-* logger* loggers-list logto* lq-alarm memory-report not-* req-logger "
    "rsyslog-* segfault-alarm threaded-logger",
    "a program next to the web server is a process: [apps.<name>.processes]": "attach-* "
    "daemons-* early-emperor emperor emperor-* farm heartbeat imperial-* mule* ping* "
    "smart-attach-* spooler* vassal*",
    "a program at set times is a timer: [apps.<name>.timers]": "cron* *timer signal "
    "signal-buf* signals-* unique-cron",
    "requests come from the web server alone, which ends TLS, sets headers, serves files and holds "
    "uploads": "add-header after-request-* allowed-modifiers body-read-warning cgi-mode "
    "check-cache check-static* chunked-input-* collect-header del-header disable-sendfile "
    "enable-proxy-protocol error-* fastrouter* file-serve-mode fileserve-mode final-route* "
    "honour-range http http-[!s]* http-s[!o]* httprouter ignore-script-name manage-script-name "
    "mime* no-default-app offload-* post-buffering* pull-header rawrouter* rem-header "
    "remap-modifier response-header-collect response-route* route* start-unsubscribed static-* "
    "subscri* st unsubscribe-on-graceful-reload upload-progress vhost* websocket*",
    "requests are served by threads; for greenlets use gunicorn's worker_class": "async "
    "gevent* loop* ugreen*",
    "an error must not show the app's code to visitors": "catch-exceptions exception-handler "
    "profiler py-tracebacker",
    "the release before may still run, at the same address": "snmp* stats stats-http stats-min* "
    "stats-no-* stats-server",
    "of uWSGI's reports about itself, Homeport supports only stats-push": "alarm-metric carbon* "
    "enable-metrics metric* nagios rrdtool*",
    "it runs what is not the app": "autoload call-* cflags clock* dlopen exec-* file-write hook-* "
    "import lock-engine mount-[!c]* need-plugin* pcre-jit plugin* print-* py py-import pyargv "
    "pyimport *pymodule-alias pyrun pyshell* python python-import python-raw python-version "
    "python-worker-override shared-import shared-py* symcall* test umount-* worker-exec*",
    "the app speaks WSGI": "eval pecan pump web3 wsgi-lite",
    "of what uWSGI offers to apps, Homeport supports only cache2 and locks": "add-cache-item cache "
    "cache-* flock* ftok load-file-* persistent-ipcsem py-sharedarea queue* rpc-max sharedarea",
    "Homeport sets it": "enable-threads home lazy max-apps max-vars need-app no-site "
    "no-threads-wait optimize py-executable py-program* py-sys-executable pyhome "
    "single-interpreter start_response-nodelay venv virtualenv",
}
"""Why -> names, or patterns of names."""

_KEYS_OF_THE_APP = {
    "wsgi": "callable file module mount worker-mount wsgi wsgi-file",
    "source": "chdir chdir2 force-cwd",
    "the table env": "early-envdir env envdir mode unenv",
    "workers": "cheaper* processes workers",
    "threads": "threads",
    "max_requests": "max-requests",
    "max_body": "limit-post",
    "drain_timeout_s": "reload-mercy worker-reload-mercy",
}
"""Key of the app's table -> what it decides, whatever the server."""

_OTHER_NAMES = {
    "log-format": "logformat*",
    "procname-prefix": "procname procname-append procname-master procname-prefix-spaced",
    "pythonpath": "pp python-path",
    "stats-push": "stats-pusher-default-freq stats-pushers-default-freq",
    "thread-stacksize": "thread-stack-size threads-stack-size threads-stacksize",
    "wsgi-accept-buffer": "wsgi-accept-buffers",
    "wsgi-env-behaviour": "wsgi-env-behavior",
    "harakiri": "harakiri-* no-harakiri-*",
    "ignore-write-errors": "write-errors-*",
}
"""Setting -> others that say the same, or refine it."""

MOST_BUFFER = 65535
"""Bytes of a request's headers that uWSGI can take. Source: its documentation of buffer-size."""

SHORTEST_LIFE_S = 10
"""Default of min-worker-lifetime. Source: `uwsgi --help`."""

_Line = Annotated[str, Matching(r"[^\x00-\x1f]+", "one line of text")]
_Count = Annotated[Whole, Field(ge=1, le=1_000_000)]
_LifeSeconds = Annotated[Whole, Field(ge=1, le=31_536_000)]


class UwsgiSettings(ServerSettings):
    """What only uWSGI has: `[apps.<name>.uwsgi]`, by its own names, which have hyphens."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    sets_client: ClassVar[bool] = True

    refused: ClassVar[Mapping[str, str]] = {
        **{name: why for why, names in _REFUSED.items() for name in names.split()},
        **{
            name: f"{key} in [apps.<name>] decides it"
            for key, names in _KEYS_OF_THE_APP.items()
            for name in names.split()
        },
        **{
            name: f"use {key} in its place"
            for key, names in _OTHER_NAMES.items()
            for name in names.split()
        },
    }

    lazy_apps: Yes = Field(
        default=True,
        description="Each worker imports the app itself. false: it is imported once, which saves "
        "memory, but all workers share the connections that it opens during import.",
    )
    max_requests_delta: Annotated[Whole, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="By how many requests each worker outlives the one before it. Default: a "
        "quarter of max_requests.",
    )
    min_worker_lifetime: _LifeSeconds | None = Field(
        default=None,
        description=f"Minimum lifetime of a worker in seconds. Default: {SHORTEST_LIFE_S}.",
    )
    max_worker_lifetime: _LifeSeconds | None = Field(
        default=None, description="Seconds after which a worker is replaced. Default: never."
    )
    max_worker_lifetime_delta: _LifeSeconds | None = Field(
        default=None, description="By how many seconds each worker outlives the one before it."
    )
    reload_on_rss: _Count | None = Field(
        default=None,
        description="MiB of memory above which a worker is replaced after a request. Default: "
        "never.",
    )
    reload_on_as: _Count | None = Field(
        default=None, description="The same for its address space. Default: never."
    )
    harakiri: Annotated[Whole, Field(ge=1, le=86400)] | None = Field(
        default=None,
        description="Seconds after which a request is ended, together with its worker and all "
        "other requests of that worker. Default: never.",
    )
    buffer_size: Annotated[Whole, Field(ge=4096, le=MOST_BUFFER)] = Field(
        default=MOST_BUFFER, description="Bytes of a request's headers at most."
    )
    response_headers_limit: Annotated[Whole, Field(ge=1024, le=1 << 24)] | None = Field(
        default=None, description="Bytes of an answer's headers at most. Default: 65535."
    )
    thread_stacksize: Annotated[Whole, Field(ge=64, le=65536)] | None = Field(
        default=None, description="KiB of a thread's stack. Default: the system's."
    )
    thunder_lock: Yes | None = Field(
        default=None, description="Let only one worker at a time wait for requests. Default: false."
    )
    cpu_affinity: _Count | None = Field(
        default=None, description="Cores that each worker uses. Default: any."
    )
    disable_logging: Yes = Field(
        default=True, description="false: uWSGI logs each request too, to the journal."
    )
    log_format: _Line | None = Field(default=None, description="Format of these lines.")
    log_4xx: Yes | None = Field(default=None, description="Log requests that got a 4xx.")
    log_5xx: Yes | None = Field(default=None, description="Log requests that got a 5xx.")
    log_slow: _Count | None = Field(
        default=None, description="Log requests that took more milliseconds than this."
    )
    log_ioerror: Yes | None = Field(
        default=None, description="Log requests whose connection was interrupted."
    )
    ignore_sigpipe: Yes | None = Field(
        default=None, description="Do not log connections that were closed in the meantime."
    )
    ignore_write_errors: Yes | None = Field(
        default=None, description="Do not log answers that could not be sent."
    )
    disable_write_exception: Yes | None = Field(
        default=None, description="Do not raise an exception in the app for them either."
    )
    auto_procname: Yes | None = Field(
        default=None, description="Name the processes after what they do."
    )
    procname_prefix: _Line | None = Field(
        default=None, description="Prefix of the processes' names."
    )
    pythonpath: tuple[_Line, ...] = Field(
        default=(), description="Additional directories to import from."
    )
    py_call_osafterfork: Yes | None = Field(
        default=None, description="Let workers handle signals in Python."
    )
    py_call_uwsgi_fork_hooks: Yes | None = Field(
        default=None, description="Tell Python about forks, with lazy-apps = false."
    )
    wsgi_strict: Yes | None = Field(
        default=None, description="Follow PEP 3333 strictly, which is slower."
    )
    wsgi_accept_buffer: Yes | None = Field(
        default=None, description="Accept answers that are buffers, such as a bytearray."
    )
    wsgi_disable_file_wrapper: Yes | None = Field(
        default=None, description="Do not offer wsgi.file_wrapper."
    )
    wsgi_env_behaviour: Literal["cheat", "holy"] | None = Field(
        default=None,
        description="Whether each request gets a new environ (holy). Default: uWSGI's.",
    )
    cache2: tuple[_Line, ...] = Field(
        default=(), description='Caches that the workers share: ["name=mine,items=100"].'
    )
    locks: _Count | None = Field(
        default=None, description="Locks that the workers share. Default: 1."
    )
    stats_push: _Line | None = Field(
        default=None, description='Where metrics go: "statsd:127.0.0.1:8125,hello".'
    )

    def others(self) -> dict[str, Any]:
        """Return the settings that Homeport passes on to uWSGI unchanged: name -> value."""
        decided = {"lazy_apps", "max_requests_delta", "buffer_size", "disable_logging"}
        return self.model_dump(by_alias=True, exclude_defaults=True, exclude=decided)

    def contradictions(
        self, given: AbstractSet[str], interface: Interface
    ) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what keeps it from starting."""
        least = self.min_worker_lifetime or SHORTEST_LIFE_S
        if self.max_worker_lifetime and self.max_worker_lifetime <= least:
            yield (
                ("uwsgi", "max-worker-lifetime"),
                f"must be more than min-worker-lifetime, which is {least}",
            )
