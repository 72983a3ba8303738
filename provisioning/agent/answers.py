"""What an agent answers to queries: a named tuple for each, known to both sides.

They travel as plain values, by name (`plain`). The controller holds what comes against the types of
their fields before it makes these of it: protocol/answers.py.

Not dataclasses: to make the class of one takes eight times as long, in each run on both sides.
"""

from __future__ import annotations

from typing import Annotated, Any, Dict, Mapping, NamedTuple, Optional, Tuple

ReleaseId = Annotated[str, "release"]
"""A release's id, or "": never a path."""

Commit = Annotated[str, "commit"]

RuntimePath = Annotated[str, "runtime"]
"""What a release runs on: "<folder>/<name>" below the app's directory, or ""."""

Interpreter = Annotated[str, "interpreter"]
"""The path of a Python on the host."""

Mode = Annotated[str, "mode"]
"""Permission bits as text: "0640"."""

BUILT, GATED, LIVE, RETIRED = "built", "gated", "live", "retired"
FAILED, ROLLED_BACK, STOPPED = "failed", "rolled_back", "stopped"
MIGRATED = "migrated"
"""What happens to releases: see `HistoryEvent`."""

MIGRATES_FIRST = "first"
"""Of a release whose migration runs before it is imported for the first time."""


def plain(value: Any) -> Any:
    """Return an answer as it travels."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


class HistoryEvent(NamedTuple):
    """Something that happened to a release of an app.

    Args:
        event: "built"; "gated", it runs and answers; "live"; "retired", it was stopped because
            another is live; "failed", see `at_state`; "rolled_back", another was made live in its
            place; "stopped", by a person; "migrated", its database was asked what it has, before
            and after.
        release: Its id.
        at: When, in seconds since the epoch.
        by: By whom, as "user@machine".
        before: The release that was live before it.
        to: The one that was made live in its place.
        rollback_from: The one that was live until a person went back to it.
        at_state: The step at which it failed: "setup", "import", "migrate", "start", "processes".
        commit, dirty, migrates, renews: See `ReleaseInfo`.
        migrations: The names of those that the database had afterwards and not before.
    """

    event: str
    release: ReleaseId
    at: float = 0.0
    by: str = ""
    before: ReleaseId = ""
    to: ReleaseId = ""
    rollback_from: ReleaseId = ""
    at_state: str = ""
    commit: Commit = ""
    dirty: str = ""
    migrates: str = ""
    renews: ReleaseId = ""
    migrations: Tuple[str, ...] = ()

    def line(self) -> Dict[str, Any]:
        """Return it as it is kept: what says nothing is left out."""
        return {name: value for name, value in self._asdict().items() if value}

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> HistoryEvent:
        """Return what was kept, also by another version of this program.

        Raises:
            TypeError: it does not say what happened, or to which release.
        """
        event = cls(**{name: value for name, value in line.items() if name in cls._fields})
        return event._replace(migrations=tuple(event.migrations))


class ReleaseInfo(NamedTuple):
    """A release that is there, as its manifest says.

    Args:
        release: Its id.
        built: When, in seconds since the epoch.
        by: By whom, as "user@machine".
        commit: Of which commit, "" for none.
        dirty: Whether it has changes that are in no commit: "yes" or "".
        migrates: Whether its app migrates the database: "yes", `MIGRATES_FIRST` or "".
        renews: The release whose code it has, "" for its own.
        runtime: The path of what it runs on, below the app's directory: "venvs/<name>".
        env: The name of its revision of the environment.
        python: The host's interpreter that its code was compiled with.
        static: URL -> folder of its static files; None where the manifest does not say.
        secrets: Names of its secrets; None where the manifest does not say.
        shared: Its folders that survive releases.
        words: What only the host knows of what it runs on: see apps/runtimes/surroundings.py.
    """

    release: ReleaseId
    built: float = 0.0
    by: str = ""
    commit: Commit = ""
    dirty: str = ""
    migrates: str = ""
    renews: ReleaseId = ""
    runtime: RuntimePath = ""
    env: ReleaseId = ""
    python: Optional[Interpreter] = None
    static: Optional[Mapping[str, str]] = None
    secrets: Optional[Tuple[str, ...]] = None
    shared: Tuple[str, ...] = ()
    words: Mapping[str, str] = {}


class AppState(NamedTuple):
    """What the host has of an app.

    Args:
        live: The release that visitors see, "" for none.
        previous: The one before it that is still there, "" for none.
        stopped: The one that a person has stopped, "" for none.
        provisioned: Whether the host is provisioned for the app.
        releases: Those that were built to the end, oldest first.
        lost: Release -> what it was built for and the host no longer has, as "Python 3.11".
        lacks: Release -> names of its parts that are gone; whole ones are left out.
        history: What happened last, oldest first.
        secrets: Name of a generated secret -> salted digest of its value.
        applied: Setting that the host was provisioned with -> digest of its value.
    """

    live: ReleaseId
    previous: ReleaseId
    stopped: ReleaseId
    provisioned: bool
    releases: Tuple[ReleaseInfo, ...]
    lost: Mapping[str, str]
    lacks: Mapping[str, Tuple[str, ...]]
    history: Tuple[HistoryEvent, ...]
    secrets: Mapping[str, str]
    applied: Mapping[str, str]


class ProcessStatus(NamedTuple):
    """How many instances of a process run, how many should, and how often they were restarted."""

    running: int = 0
    wanted: int = 0
    restarts: int = 0


class TimerStatus(NamedTuple):
    """A timer.

    Args:
        next: When it runs next, as systemd writes it; "" if it does not.
        running: Whether its command runs right now.
        failed: Whether its last run has failed.
    """

    next: str = ""
    running: bool = False
    failed: bool = False


class RunStatus(NamedTuple):
    """A run that is or was.

    Args:
        run, who, what, began: See `RunInfo` in runs/messages/.
        at: The resource that it was at last.
        ended: "done", "failed", "stopped", or "" for one that was cut off or goes on.
    """

    run: str
    who: str
    what: str
    began: float
    at: str
    ended: str


class AppStatus(NamedTuple):
    """How an app is doing.

    Args:
        live, stopped: See `AppState`.
        since: When the live release became so, in seconds since the epoch; 0 if nobody knows.
        by: Who made it so.
        health, site: What the release, and the site, answer: a status such as "200", or why not.
        running: Units of its web servers that run.
        at_boot: Whether it starts at boot.
        restarts: How often systemd has restarted the live one.
        memory_bytes: What the live one has.
        certificate_days: How long its certificate is good for; None for none.
        disk_free_percent: Of the file system of its releases.
        maintenance: Whether visitors get the maintenance page.
        processes, timers: Name -> how it is doing.
        runs: The last ones on the host, the newest first.
        pending: Sentences: what was cut off, and what the next command will put in order.
        applied: See `AppState`.
    """

    live: ReleaseId
    stopped: ReleaseId
    since: float
    by: str
    health: str
    site: str
    running: Tuple[str, ...]
    at_boot: bool
    restarts: int
    memory_bytes: int
    certificate_days: Optional[int]
    disk_free_percent: int
    maintenance: bool
    processes: Mapping[str, ProcessStatus]
    timers: Mapping[str, TimerStatus]
    runs: Tuple[RunStatus, ...]
    pending: Tuple[str, ...]
    applied: Mapping[str, str]


class LogEntry(NamedTuple):
    """An entry of the journal.

    Args:
        at: When, in seconds since the epoch.
        unit: The unit that it is about.
        priority: As in syslog(3).
        text: What was logged.
    """

    at: float
    unit: str
    priority: int
    text: str


class LogPage(NamedTuple):
    """A page of what apps have logged.

    Args:
        entries: Oldest first.
        cursor: Where the next page begins, or "".
        more: Whether it is there already.
        now: Everything until then, by the host's clock, is in this page or those before it.
    """

    entries: Tuple[LogEntry, ...]
    cursor: str
    more: bool
    now: float


class OwnedApp(NamedTuple):
    """An app in the record: whose it is, and the names it is served under."""

    owner: str
    domains: Tuple[str, ...] = ()


class OwnedThing(NamedTuple):
    """A thing in the record: the projects that it was made for, and since when (epoch)."""

    owners: Tuple[str, ...]
    since: float


class Owned(NamedTuple):
    """What Homeport made on a host.

    Args:
        apps: Name -> whose it is.
        things: Id -> for whom.
        adopted: Time in the name of a copy -> ids of the things that were handed over.
    """

    apps: Mapping[str, OwnedApp]
    things: Mapping[str, OwnedThing]
    adopted: Mapping[str, Tuple[str, ...]]


class Listener(NamedTuple):
    """A port on which a program waits for others.

    Args:
        protocol: "tcp" or "udp".
        address: Such as "0.0.0.0", "::" or "127.0.0.1".
        port: Its number.
        program: The name of the process, as the process itself gives it; "" if it is not known.
        user: The user that has opened it.
    """

    protocol: str
    address: str
    port: int
    program: str
    user: str


class FileSystem(NamedTuple):
    """How much of a file system is free, in percent; of inodes None where they are not counted."""

    path: str
    free_percent: int
    free_inodes_percent: Optional[int]


class Updates(NamedTuple):
    """Updates of Debian packages.

    Args:
        pending: Names of installed packages that apt would update.
        security: Those of them that come from an archive of security updates.
        lists_at: When the package lists were last fetched, in seconds since the epoch; 0: never.
        automatic: Whether security updates are installed automatically.
        reboot: Whether an installed update waits for a reboot.
    """

    pending: Tuple[str, ...]
    security: Tuple[str, ...]
    lists_at: float
    automatic: bool
    reboot: bool


class Logs(NamedTuple):
    """Where logs go, and whether they stay bounded.

    Args:
        persistent: Whether the journal survives a reboot.
        journal_bytes: Its size.
        rotates: Whether logrotate runs regularly.
        large: Path -> bytes of files below /var/log that are too large for a rotated log.
    """

    persistent: bool
    journal_bytes: int
    rotates: bool
    large: Mapping[str, int]


class SecretTraits(NamedTuple):
    """What may be said of a secret without saying it.

    Args:
        chars: How many characters it has.
        distinct: How many different ones.
        digest: Its SHA-256, salted by the controller.
        in_code: Files of the release that contain it, relative to its code.
    """

    chars: int
    distinct: int
    digest: str
    in_code: Tuple[str, ...]


class FileAccess(NamedTuple):
    """Whose a file or directory is, and its permission bits as text, such as "0640"."""

    owner: str
    group: str
    mode: Mode


class Renewal(NamedTuple):
    """How the renewal of a certificate is doing.

    Args:
        timer: The state of its timer: "active".
        result: How its last run ended: "success"; "" if it has not run since the boot.
    """

    timer: str
    result: str


class AppExamination(NamedTuple):
    """What a host has of an app, for `fab doctor`.

    Args:
        live: The release that visitors see, "" for none.
        whole: Releases to which a rollback is possible: all parts are there.
        damaged: Releases of which a part is missing.
        health: What the release answers on its own socket: a status such as "200", or why not.
        health_ms: How long that took.
        exposure: systemd's score of the live release's sandbox, 0.0 to 10.0; None if not known.
        user: The user that it runs as.
        programs: The command lines of its processes, as far as they name programs and modules.
        unit_variables: Names of variables that its unit sets itself.
        variables: Names of the variables in its environment file.
        secrets: Variable -> traits, of those variables whose names or origin say they are secret.
        access: Path -> whose it is, of everything that must not be open to others.
        code: Whose the code of the live release is; None for none.
        static: URLs of a few static files.
        sources: Names of a few files of its code.
        renewal: Of its certificate; None where none is set up.
    """

    live: ReleaseId
    whole: Tuple[ReleaseId, ...]
    damaged: Tuple[ReleaseId, ...]
    health: str
    health_ms: int
    exposure: Optional[float]
    user: str
    programs: Tuple[str, ...]
    unit_variables: Tuple[str, ...]
    variables: Tuple[str, ...]
    secrets: Mapping[str, SecretTraits]
    access: Mapping[str, FileAccess]
    code: Optional[FileAccess]
    static: Tuple[str, ...]
    sources: Tuple[str, ...]
    renewal: Optional[Renewal]


class Examination(NamedTuple):
    """What `fab doctor` wants to know of a host.

    Args:
        container: The container technology, or "".
        managed: Whether Homeport has provisioned it.
        clock: "yes" or "no": whether it is synchronised; "" if not known.
        memory_mb, available_mb: All of the memory, and what programs could still get, in MiB.
        file_systems: Those that matter.
        listeners: All ports.
        failed_units: Names.
        updates, logs: None where that cannot be asked.
        apps: Name -> what there is of it, for each app that was asked about and is there.
    """

    container: str
    managed: bool
    clock: str
    memory_mb: int
    available_mb: int
    file_systems: Tuple[FileSystem, ...]
    listeners: Tuple[Listener, ...]
    failed_units: Tuple[str, ...]
    updates: Optional[Updates]
    logs: Logs
    apps: Mapping[str, AppExamination]
