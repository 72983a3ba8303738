"""What was seen of a host and of an app there: the facts from which checks make their findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioning.roles import web_server

if TYPE_CHECKING:
    from provisioning.agent.answers import AppExamination, Examination
    from provisioning.agent.machine.http import Answer
    from provisioning.inventory.models.app import App
    from provisioning.inventory.models.tls import Tls
    from provisioning.roles.web_servers import WebServer


@dataclass(frozen=True)
class Drift:
    """What `fab provision --check` says.

    Args:
        ids: The resources that it would change, or at which it would fail.
        error: Why it could not be carried out, or "".
    """

    ids: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class HostSeen:
    """What was seen of a host.

    Args:
        name: The host's name.
        ssh_port: The port at which the controller has reached it.
        examination: What its agent says.
        drift: None where the inventory does not have the host.
    """

    name: str
    ssh_port: int
    examination: Examination
    drift: Drift | None = None


@dataclass(frozen=True)
class Cookies:
    """How the framework of an app sets the cookie of a session.

    Args:
        name: Its name.
        secure, httponly, samesite: Its attributes.
    """

    name: str
    secure: bool
    httponly: bool
    samesite: str


@dataclass(frozen=True)
class SecretKey:
    """What an app says of the key that signs its sessions.

    Args:
        chars, distinct: How many characters it has, and how many different ones.
        variable: The variable of the environment that holds it, or "".
    """

    chars: int
    distinct: int
    variable: str


@dataclass(frozen=True)
class Proxied:
    """What an app takes for true of a request that came through the web server.

    Args:
        scheme, host, client: Of the request.
        url: An external URL that the app makes.
    """

    scheme: str
    host: str
    client: str
    url: str


@dataclass(frozen=True)
class AppSays:
    """What an app says of itself. None: it did not say.

    Args:
        error: Why it could not be asked, or "".
        framework: "flask", "django", or "" for another one.
        debug: Whether its debug mode is on.
        leaks: Whether its error page shows its inside.
        secret_key, cookies, proxied: See there.
        static_url: Where it would serve static files itself, "" for nowhere.
        warnings: What `manage.py check --deploy` says; None where that is not there.
        log_files: Files that it writes logs to without a bound.
        health: The status of its health path; 0 where it raised an error.
        health_without_database: The same, with database and network out of its reach; None where
            it has none, or could not be asked.
    """

    error: str = ""
    framework: str = ""
    debug: bool | None = None
    leaks: bool | None = None
    secret_key: SecretKey | None = None
    cookies: Cookies | None = None
    proxied: Proxied | None = None
    static_url: str = ""
    warnings: tuple[str, ...] | None = None
    log_files: tuple[str, ...] = ()
    health: int | None = None
    health_without_database: int | None = None


@dataclass(frozen=True)
class CertificateSeen:
    """A certificate as a visitor gets it.

    Args:
        error: Why a browser would not trust it, or "".
        days_left: Until it ends; None where there is none.
    """

    error: str
    days_left: int | None = None


@dataclass(frozen=True)
class RateSeen:
    """What came of many requests at once.

    Args:
        sent: How many were sent.
        refused: How many of them were answered with 429.
        reason: Why they say nothing, or "".
    """

    sent: int = 0
    refused: int = 0
    reason: str = ""


@dataclass(frozen=True)
class SiteSeen:
    """What a visitor gets, asked for from the controller, through the web server.

    Args:
        error: Why the controller cannot reach the site, or "".
        plain: Name -> what port 80 answers to "/".
        home: What "/" answers.
        health: What the health path answers.
        health_ms: How long that took.
        missing: What a path that does not exist answers.
        forged: What "/" answers to forged X-Forwarded-* headers.
        exposed: Paths that must not be readable, and are.
        static: URL of a static file -> what it answers.
        certificates: Name -> its certificate; empty where there is no HTTPS.
        rate: What came of many requests.
    """

    error: str = ""
    plain: Mapping[str, Answer] = field(default_factory=dict)
    home: Answer | None = None
    health: Answer | None = None
    health_ms: int = 0
    missing: Answer | None = None
    forged: Answer | None = None
    exposed: tuple[str, ...] = ()
    static: Mapping[str, Answer] = field(default_factory=dict)
    certificates: Mapping[str, CertificateSeen] = field(default_factory=dict)
    rate: RateSeen = RateSeen()


@dataclass(frozen=True)
class History:
    """Where values of secrets stand in the history of an app's source.

    Args:
        places: Variable -> objects or files of the source that hold its value.
        searched: How many objects were searched.
        error: Why it could not be searched to its end, or "".
    """

    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    searched: int = 0
    error: str = ""


@dataclass(frozen=True)
class AppSeen:
    """What was seen of an app on a host.

    Args:
        app: What the inventory says of it.
        tls: Where certificates come from.
        host: What was seen of the host.
        examination: What the host has of it; None for nothing.
        says: What it says of itself.
        site: What a visitor gets.
        history: Of its source.
        sets_client: Whether its app server tells the app the visitor's address.
        dry_run: What a renewal of its certificate as a test said: "" for well; None: not tried.
    """

    app: App
    tls: Tls
    host: HostSeen
    examination: AppExamination | None
    says: AppSays
    site: SiteSeen
    history: History
    sets_client: bool = False
    dry_run: str | None = None

    @property
    def web(self) -> WebServer:
        """The web server that the inventory says."""
        return web_server(self.app.web_server)

    @property
    def absent(self) -> str:
        """Why nothing of it can be seen on the host; "" if a release is live."""
        if self.examination is None:
            return f"Homeport has not set up {self.app.name} on this host"
        return "" if self.examination.live else f"no release of {self.app.name} is live"
