"""One Python web app: where it is, how it runs, and what is in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import Field

from provisioning.inventory.models.app_servers import APP_SERVERS, ServerSettings
from provisioning.inventory.models.base import Model
from provisioning.inventory.models.hooks import Hook
from provisioning.inventory.models.media import AnyMedia
from provisioning.inventory.models.processes import AnyProcess, Timer
from provisioning.inventory.models.runtimes import RUNTIMES
from provisioning.inventory.models.web_servers import WEB_SERVERS
from provisioning.inventory.types.fields import (
    AnyCommand,
    AppName,
    BatchOfHosts,
    BuildHosts,
    ClientVerify,
    Csp,
    Distribution,
    Distributions,
    Domains,
    DurationOrOff,
    DurationText,
    EntryPoint,
    ExtraGroups,
    HeaderName,
    HeaderValue,
    HostNames,
    HostPath,
    ImageName,
    LocalPath,
    LogFiles,
    NetworkAccess,
    Networks,
    OtherDomains,
    Packages,
    ProcessName,
    Python,
    PythonMirror,
    RateOrOff,
    RateText,
    RelativePath,
    RelativePaths,
    Relaxation,
    Seconds,
    SizeText,
    SnippetPath,
    Statuses,
    UrlFolder,
    UrlPath,
    UrlPaths,
    UrlPrefix,
    VariableName,
    VisitorName,
    Whole,
    WholeOrOff,
    Yes,
)
from provisioning.inventory.types.interface import Interface
from provisioning.inventory.types.sources import AnySource, LocalSource
from provisioning.inventory.types.units import Batch, Duration, Rate, Size

S = TypeVar("S", bound=ServerSettings)


class App(Model):
    """A Python web app and its site: `[apps.<name>]`."""

    name: AppName = Field(description="The name in the table's header.")
    settings: ServerSettings | None = Field(
        default=None, description="The table of its app server, as `server_settings` returns it."
    )

    # What it is
    source: LocalPath = Field(
        description="The app's folder, relative to the inventory. What git tracks there is "
        "deployed; all of it, less ignored files, where there is no git."
    )
    include: RelativePaths = Field(
        default=(),
        description="Files and folders of the source to deploy although git does not track them: "
        "what a before-build hook builds.",
    )
    hosts: HostNames = Field(default=(), description="Groups or hosts it runs on. Default: all.")
    wsgi: EntryPoint | None = Field(
        default=None,
        description='What to serve, if it is a WSGI app (Flask, Django): "module:name" or '
        '"module:factory()".',
    )
    asgi: EntryPoint | None = Field(
        default=None,
        description="The same, in place of wsgi, if it is an ASGI app (FastAPI, Starlette, Quart).",
    )
    requirements: RelativePath = Field(
        default="requirements.txt",
        description="Lock file in the source: requirements.txt, pylock.toml, or uv.lock with "
        "pyproject.toml. Its hashes are checked where it has any.",
    )
    extras: Distributions = Field(
        default=(),
        description="Extras of the project to install: of uv.lock, pylock.toml or pyproject.toml.",
    )
    dependency_groups: Distributions = Field(
        default=(),
        description="Dependency groups of the project to install besides those that uv installs "
        "by default; dev is left out unless it is named.",
    )
    workspace_member: Distribution | None = Field(
        default=None,
        description="The member of the uv workspace that is the app. Default: the project beside "
        "uv.lock.",
    )
    install_project: bool = Field(
        default=True,
        description="Install the project of uv.lock or pyproject.toml itself, if it has a build "
        "backend: with its metadata and scripts. Releases with other code then have a virtualenv "
        "each.",
    )
    packages: Packages = Field(default=(), description="Debian packages that the app needs.")
    build_hosts: BuildHosts = Field(
        default=(),
        description="Hosts that a build of the app's packages may reach in addition to the "
        "package index and those that the lock file names, such as "
        '"static.crates.io" or "git.example.com:8443".',
    )
    build_secrets: Mapping[VariableName, LocalSource] = Field(
        default={},
        description="Variables that only builds of the app's packages have, and where their values "
        "come from: credentials of a private index, such as UV_INDEX_<NAME>_PASSWORD, or what "
        "${NAME} stands for in a requirements file. NETRC is the content of a netrc file.",
    )
    python: Python = Field(
        default="python3",
        description="Its Python: python3 is Debian's own. A version, such as 3.12, is Debian's own "
        "where that has it, else one that uv downloads. python3.12 or a path is one that is on the "
        "host already.",
    )
    python_mirror: PythonMirror | None = Field(
        default=None,
        description="URL from which uv downloads a Python, laid out like the releases of "
        "python-build-standalone. Default: uv's own source.",
    )
    python_downloads: LocalPath | None = Field(
        default=None,
        description="File with the Pythons that may be downloaded, each with its URL and SHA-256, "
        "in the form of uv's python-downloads-json-url; relative to the inventory. Default: those "
        "that uv itself knows.",
    )

    # How it runs
    runtime: str = Field(
        default=next(iter(RUNTIMES)),
        description="What it runs on. virtualenv: the host's Python, with the packages that "
        "`requirements` names. container: an image, which the host builds from `dockerfile`.",
    )
    dockerfile: RelativePath = Field(
        default="Dockerfile",
        description="How a container's image is built: a file in the source, which is what it is "
        "built from.",
    )
    base_images: Mapping[ImageName, HostPath] = Field(
        default={},
        description="Images that the Dockerfile builds on and no registry has: name to a file on "
        "the host, a tar of a file system or what `podman save` and `docker save` write.",
    )
    server: str = Field(
        default=next(iter(APP_SERVERS)),
        description="App server. Settings that only this server has go into a table with its "
        "name: [apps.<name>.gunicorn].",
    )
    workers: Annotated[Whole, Field(ge=0, le=256)] = Field(
        default=0, description="Worker processes. 0: 2 x cores + 1, bounded by memory."
    )
    threads: Annotated[Whole, Field(ge=1, le=256)] = Field(
        default=4,
        description="Threads in each worker, where workers have threads: those of a WSGI app. A "
        "stream or a websocket occupies one for as long as it lasts.",
    )
    max_requests: Annotated[Whole, Field(ge=0, le=100_000_000)] = Field(
        default=2000,
        description="Requests after which a worker is replaced, which limits the memory that a "
        "leak can take. 0: never.",
    )
    timeout_s: Seconds = Field(
        default=30, description="Seconds after which a silent worker is replaced."
    )
    memory_max: SizeText | None = Field(
        default=None,
        description="Maximum memory of one release's web server, and of each of its processes, "
        'such as "512m". Default: three quarters of the host\'s.',
    )
    disk_max: SizeText | None = Field(
        default=None,
        description='Maximum disk space of the app, such as "5g". The file system of /srv must '
        "count usage by user (mount option usrquota). Default: no limit.",
    )
    groups: ExtraGroups = Field(
        default=(),
        description="Groups of the host that the app's user is in besides its own, such as redis "
        "for that server's socket: one that is there, or that one of `packages` brings.",
    )
    network: NetworkAccess = Field(
        default="full",
        description="What the app may connect to: full, local (this host only), none (unix "
        "sockets only).",
    )
    relax: tuple[Relaxation, ...] = Field(
        default=(),
        description="What the sandbox permits in addition. dbus: the system's D-Bus. jit: memory "
        "both writable and executable (numba, PyPy). netlink: the kernel's list of network "
        "interfaces (getifaddrs). proc: the whole of /proc "
        "(psutil).",
    )
    env: Mapping[VariableName, str] = Field(
        default={}, description="Its environment. Not for secrets: everyone can read this file."
    )
    debug: Yes = Field(
        default=False,
        description="Permit a release whose Django or Flask debug mode is on. Without it, such a "
        "release is refused: its error pages show the inside of the app.",
    )
    env_file: LocalPath | None = Field(
        default=None,
        description="File with more variables, NAME=value in each line, such as "
        '"../.env.production"; relative to the inventory. Values whose names look secret are '
        "masked like secrets.",
    )
    secrets: Mapping[VariableName, AnySource] = Field(
        default={}, description="Variables whose values are secret, and where these come from."
    )
    shared: RelativePaths = Field(
        default=(),
        description="Folders that survive releases and are writable by the app; everything else "
        "of a release is read-only to it. A path at which git tracks a file is that file: it is "
        "the beginning, and what the app makes of it stays.",
    )
    shared_files: RelativePaths = Field(
        default=(),
        description="The same for files that git does not track, such as a SQLite database that "
        "`migrate` makes: the app makes them.",
    )
    log_files: LogFiles = Field(
        default=(),
        description="Log files that the app writes below its shared folders, such as "
        '"logs/*.log". Every ten minutes those that have grown beyond log_files_max begin anew.',
    )
    log_files_max: SizeText = Field(
        default=Size.parse("10m"), description="Size from which on a log file begins anew."
    )
    log_files_kept: Annotated[Whole, Field(ge=1, le=100)] = Field(
        default=5, description="Earlier ones of each log file that are kept, compressed."
    )
    build: tuple[AnyCommand, ...] = Field(
        default=(),
        description="Commands that complete a release's code on each host, such as "
        '"python manage.py collectstatic --noinput": run by the build user in the virtualenv, '
        "before static files are published.",
    )
    setup: AnyCommand | None = Field(
        default=None,
        description="Command that is run once in the app's life, on one host, in its first "
        "release before the app is imported: what makes the database of an app that has no "
        "migrations. Never where a release of the app has been live.",
    )
    migrate: AnyCommand | None = Field(
        default=None,
        description="Command that brings the database up to date, run once per deploy in the "
        "new release before it goes live.",
    )
    migrate_first: Yes = Field(
        default=False,
        description="Run migrate before the app is imported for the first time: for apps that "
        "read their database while they are imported. A release that cannot be imported has "
        "then migrated it.",
    )
    migrate_state: AnyCommand | None = Field(
        default=None,
        description="Command that prints which migrations the database has, one in each line. What "
        "it prints anew after `migrate` is what that deploy has migrated. Default: Django, "
        "Flask-Migrate and Alembic are asked in their own way.",
    )
    migrate_compatible: Yes = Field(
        default=False,
        description="The previous release works with the migrated database too, so that a "
        "rollback across a migration needs no --force.",
    )

    # What runs in addition
    processes: Mapping[ProcessName, AnyProcess] = Field(
        default={},
        description="Programs that run as long as their release is live, such as job workers: a "
        "command, or a table.",
    )
    timers: Mapping[ProcessName, Timer] = Field(
        default={}, description="Commands that run at set times, in the live release."
    )

    # What stands before it
    domains: Domains = Field(description="Names under which it is reached, the main one first.")
    redirect: OtherDomains = Field(
        default=(),
        description="Other names, which lead to the main domain: the web server answers each of "
        "their URLs with a redirect (308) to the same path and query there.",
    )
    prefix: UrlPrefix = Field(
        default="/",
        description='Path below which the app is reached, such as "/shop/". Apps with different '
        "prefixes may share their domains. The app's own paths (health, static, its routes) "
        "do not contain it.",
    )
    web_server: str = Field(
        default=next(iter(WEB_SERVERS)),
        description="Web server. All apps of a host have the same one. caddy gets its certificates "
        "itself and has no rate limits.",
    )
    health: UrlPath = Field(
        default="/healthz",
        description="Path that answers 200 when the app can serve. A release that does not "
        "answer so never sees a visitor.",
    )
    health_status: Statuses = Field(
        default=(200,),
        description="What it answers instead of 200, such as 204: one status, or several.",
    )
    health_timeout_s: Annotated[Whole, Field(ge=1, le=300)] = Field(
        default=10, description="Seconds that one answer of it may take."
    )
    health_from: Networks = Field(
        default=(),
        description="Networks of load balancers and monitors. What they ask of the health path is "
        "no visit: it is not logged, counted or turned away by maintenance.",
    )
    health_any_host: Yes = Field(
        default=False,
        description="Answer those of health_from under any name, over HTTP on port 80.",
    )
    static: Mapping[UrlFolder, RelativePath] = Field(
        default={},
        description="Folders that the web server serves itself: URL path to folder in the source.",
    )
    media: Mapping[UrlFolder, AnyMedia] = Field(
        default={},
        description="Shared folders of which the web server serves what the app writes, such as "
        "uploads: URL path to folder, or a table. No link is followed, and what could run in a "
        "browser is downloaded.",
    )
    static_max_age: DurationText = Field(
        default=Duration.parse("1h"),
        description="How long browsers keep static files. 365d where their names change with "
        "their content.",
    )
    rate_limit: RateOrOff = Field(
        default=Rate.parse("20r/s"),
        description="Requests that one visitor's address may make, static files apart; or off. "
        "A web server without rate limits refuses it, and has none by default.",
    )
    burst: Annotated[Whole, Field(ge=0, le=10_000)] = Field(
        default=200,
        description="Requests above the rate that are still answered at once: a page with what it "
        "loads from the app.",
    )
    connection_limit: WholeOrOff = Field(
        default=50,
        description="Requests of one visitor's address that the app may be working on at the same "
        "time, or off. Counted apart from rate_limit.",
    )
    limits: Mapping[UrlPath, RateText] = Field(
        default={},
        description='Rates of single paths in addition, such as "/login" = "5r/m": that many '
        "requests of one visitor's address at once, and no more in a second or minute. A path with "
        "a slash at its end stands for all below it.",
    )
    streams: UrlPaths = Field(
        default=(),
        description="Paths of the app that are streams (server-sent events, websockets, long "
        "downloads): passed on unbuffered, and quiet for up to an hour. A slash at the end stands "
        "for all below. Those of an ASGI app are recognised without it.",
    )
    dot_paths: UrlPaths = Field(
        default=(),
        description='Paths with a part that begins with a dot, such as "/.well/", that visitors '
        "may see, of the app or of its static files. All others but /.well-known/ are answered "
        "with 404.",
    )
    max_body: SizeText = Field(
        default=Size.parse("10m"), description="Largest request body, such as an upload."
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Networks of a load balancer or CDN whose X-Forwarded-For is believed.",
    )
    basic_auth: Mapping[VisitorName, LocalSource] = Field(
        default={},
        description="Users who may see the app, and where their passwords come from (HTTP Basic "
        "authentication). The health path asks for no password.",
    )
    basic_auth_except: UrlPaths = Field(
        default=(),
        description="Paths of the app at which no password is asked; one with a slash at its end "
        "stands for all below it.",
    )
    client_ca: LocalPath | None = Field(
        default=None,
        description="File with the certificates, as PEM, of the authorities whose client "
        "certificates visitors may show; relative to the inventory.",
    )
    client_verify: ClientVerify = Field(
        default="required",
        description="required: who shows no valid client certificate gets 403, except at the "
        "health path. optional: the app decides, by the header SSL-Client-Verify.",
    )
    snippet: SnippetPath | None = Field(
        default=None,
        description="File with settings of your own, in the web server's language and relative to "
        "the inventory. With nginx they stand in the app's server, or in the location of its "
        "prefix.",
    )
    csp: Csp = Field(
        default="report-only",
        description="Content-Security-Policy where the app sends none: strict, report-only, off, "
        "or a policy of your own.",
    )
    headers: Mapping[HeaderName, HeaderValue] = Field(
        default={},
        description="Headers of answers for which the app sends none, such as "
        'Cross-Origin-Resource-Policy = "cross-origin"; "off" leaves out one that Homeport sets.',
    )
    static_headers: Mapping[HeaderName, HeaderValue] = Field(
        default={}, description="The same for static files only; it comes before `headers`."
    )
    hsts: DurationOrOff = Field(
        default=Duration.parse("730d"),
        description="How long browsers insist on HTTPS, or off. Start with 5m when unsure: it "
        "cannot be taken back.",
    )
    hsts_subdomains: Yes = Field(
        default=False, description="Insist on HTTPS for all subdomains too."
    )
    hsts_preload: Yes = Field(
        default=False,
        description="Consent to the HSTS list that is built into browsers; hard to undo.",
    )

    # How it is deployed
    keep_releases: Annotated[Whole, Field(ge=2, le=100)] = Field(
        default=5, description="Releases that stay on the host, the live one among them."
    )
    start_timeout_s: Seconds = Field(
        default=60, description="Seconds in which a new release must become healthy."
    )
    drain_timeout_s: Seconds = Field(
        default=30, description="Seconds that the old release gets to finish its requests."
    )
    batch: BatchOfHosts = Field(
        default=Batch(percent=100),
        description="Hosts that go live with a new release at the same time, when all are ready: "
        'a number, or a share such as "25%".',
    )
    pause_s: Annotated[Whole, Field(ge=0, le=3600)] = Field(
        default=0, description="Seconds between two batches."
    )
    hooks: tuple[Hook, ...] = Field(
        default=(), description="What to run before and after the steps of a deploy, in order."
    )

    @property
    def interface(self) -> Interface:
        """Return how a server calls the app."""
        return "asgi" if self.asgi is not None else "wsgi"

    @property
    def entry_point(self) -> str:
        """Return what a server imports: "module:name" or "module:factory()"."""
        return self.asgi or self.wsgi or ""

    @property
    def python_version(self) -> str:
        """Return the version of Python that is wanted, "" where an interpreter is named."""
        return self.python if self.python[0].isdigit() else ""

    @property
    def served_by(self) -> str:
        """Return the app server's file in roles/app_servers/: what its runtime brings, if any."""
        return RUNTIMES[self.runtime] or self.server

    @property
    def lock_file(self) -> str:
        """Return the lock file of what Homeport installs for the app, "" if that is nothing."""
        return self.requirements if self.served_by == self.server else ""

    @property
    def all_shared(self) -> tuple[str, ...]:
        """All paths of the source that survive releases, of folders and of files."""
        return (*self.shared, *self.shared_files)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that lead to the app's site, the main one first."""
        return (*self.domains, *self.redirect)

    @property
    def script_name(self) -> str:
        """The prefix as apps are told it: without the slash at its end. Source: PEP 3333."""
        return self.prefix.removesuffix("/")

    def at(self, path: str) -> str:
        """Return where visitors find one of the app's own URL paths: below its prefix."""
        return self.prefix + path.removeprefix("/")

    def server_settings(self, kind: type[S]) -> S:
        """Return the table of its app server, or all defaults where there is none.

        Args:
            kind: What the table of this server is.
        """
        return self.settings if isinstance(self.settings, kind) else kind()
