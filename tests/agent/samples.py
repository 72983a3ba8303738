"""One sample or more of every resource type: what the conformance tests go over.

A new type without a sample fails a test that says so.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.agent.apps.manifest import MANIFEST
from provisioning.agent.layout import AppLayout
from provisioning.resources import (
    Absent,
    AppliedSettings,
    Certificate,
    Command,
    Directory,
    DiskQuota,
    EarlierCertificate,
    EarlierRenewal,
    File,
    FileSet,
    Group,
    Image,
    KeptSecrets,
    Link,
    LiveProcesses,
    LiveRelease,
    ManagedPython,
    MediaFolders,
    Neighbours,
    NoLeftoverPrograms,
    OldReleasesStopped,
    OneOff,
    OtherApps,
    PackageManager,
    Packages,
    Port,
    Preflight,
    Probe,
    ProcessCheck,
    Pruned,
    RegisteredApp,
    Release,
    ReleaseRunning,
    RemovedApp,
    Resource,
    Restored,
    RetiredServer,
    SelfSigned,
    ServedCertificates,
    Service,
    Settings,
    SharedFolders,
    StaticCopies,
    StaticFiles,
    Stopped,
    Superseded,
    Timer,
    TimerSchedules,
    Tmpfiles,
    Unit,
    UnusedPythons,
    User,
    Virtualenv,
)

RELEASE = "20260102T030405.000Z-abc1234"

PYTHON = os.path.realpath(sys.executable)
"""An interpreter that is root's: that of a virtual environment may lie where others write."""

CALENDARS = (
    "03:00",
    "3:5",
    "*:0/5",
    "*:*:0/10",
    "hourly",
    "daily UTC",
    "Mon",
    "Mon..Fri 06:30",
    "sat,sun 10:00 Europe/Berlin",
    "Mon,Wed..Fri *-*-* 03:00:30",
    "*-*-01 04:00",
    "*-02~01",
    "01-01 00:00",
    "2099-12-31",
    "*-1..6-1,15 8..18/2:30",
)
"""Times in the inventory's words that systemd of every Debian understands."""

EVERY_TYPE: tuple[Resource, ...] = (
    Absent("/etc/old"),
    TimerSchedules("hello", {"nightly": "03:00", "often": "*:0/5"}),
    Certificate("hello", ("hello.test", "www.hello.test"), "https://ca.test/dir", preflight=False),
    Command(
        "load data",
        ("load", "--all"),
        creates="/var/lib/data",
        unless=("test", "-e", "/x"),
        on=("file:/etc/x",),
        user="hello",
        env={"A": "1"},
        cwd="/srv",
        timeout_s=5,
    ),
    Directory("/srv/data", mode="0750", owner="hello", group="hello"),
    EarlierCertificate("hello", webroot="/var/lib/other"),
    EarlierRenewal(("hello", "other")),
    NoLeftoverPrograms("hello", label="before"),
    File("/etc/hello", "content\n", mode="0640", group="hello"),
    File("/etc/secret", b"\x00\xff", secret=True),
    FileSet(
        "nginx",
        "/etc/nginx",
        {"nginx.conf": "a", "conf.d/b.conf": b"b"},
        links={"sites/x": "../y"},
        purge=("conf.d",),
        validate=("nginx", "-t"),
        mode="0600",
    ),
    Group("hello", system=False),
    ReleaseRunning("hello", RELEASE, "/healthz", "hello.test", timeout_s=7),
    Link("/etc/localtime", "/usr/share/zoneinfo/UTC"),
    LiveRelease("hello", RELEASE, "/healthz", "hello.test", tls=False, by="me", rollback=True),
    LiveRelease("hello", "", "/healthz", "hello.test", tls=False, by="me", reverts=RELEASE),
    LiveProcesses("hello", label="before", health="/healthz", host="hello.test", timeout_s=7),
    Neighbours(
        "nginx",
        {"hello.test": "homeport/sites/hello.conf"},
        (80, 443),
        entry="sites-enabled/zz-homeport.conf",
        files={"a.conf": "a"},
        absent=("homeport/x.conf",),
        validate=("nginx", "-t"),
        notes=("nginx.conf stays",),
    ),
    OneOff("hello", RELEASE, "setup", ("flask", "init-db"), occasion="flask init-db"),
    OneOff("hello", RELEASE, "import", ("python", "-c", "import app"), ("User=hello",), "hint", 9),
    OtherApps(("hello", "other")),
    AppliedSettings("hello", {"static": "0123456789abcdef", "tls": "fedcba9876543210"}),
    Settings("/etc/x.d/homeport.conf", "ini", "# x\n", {"A": "1"}, ("/etc/x.conf",), override=True),
    RegisteredApp("hello", ("hello.test", "www.hello.test")),
    RemovedApp("hello", data=True, by="me", drain_timeout_s=3),
    Restored("20260102T030405Z"),
    OneOff(
        "hello",
        RELEASE,
        "after-switch-hook-1",
        ("/bin/sh", "-c", "true"),
        env={"HOMEPORT_STAGE": "after-switch"},
        occasion="feedbeef",
        required=False,
    ),
    PackageManager(),
    Packages("web", ("nginx", "openssl"), absent=("apache2",), unasked=("/var/www/page",)),
    Packages("caddy", ("caddy",), unstarted=("caddy.service",)),
    Port(80, "nginx", unit="nginx.service", until=("caddy.service",)),
    Preflight("hello", ("hello.test", "www.hello.test"), "https://acme.test/dir"),
    Probe("http://hello.test/x?y=1", status=204, address="127.0.0.2", timeout_s=1),
    Pruned("hello", keep=3),
    Release(
        app="hello",
        release=RELEASE,
        files={"app.py": "import flask\n", "bin/run": "#!/bin/sh\n"},
        executables=("bin/run",),
        links={"latest": "app.py"},
        shared=("uploads",),
        static={"/static/": "static"},
        runtime="/srv/hello/venvs/abc",
        python="/usr/bin/python3",
        settings={"server.py": "bind = 'x'\n"},
        env='{"KEY": "value"}',
        proposed='{"SECRET": "made"}',
        units={"hello.nightly.timer": "[Timer]\n"},
        about={"by": "me"},
    ),
    OldReleasesStopped("hello", drain_timeout_s=3, label="before"),
    RetiredServer("nginx.service", ("hello",), drop_ins=("nginx.service.d/homeport.conf",)),
    SelfSigned("hello", ("hello.test", "www.hello.test"), readers="caddy"),
    ServedCertificates("hello", ("hello.test",), "caddy.service", timeout_s=1),
    Service("caddy", instead_of=("nginx.service",), ports=(80, 443)),
    Service("nginx", reload_on=("file-set:nginx",), restart_on=("unit:x",), label="again"),
    SharedFolders("hello", ("instance", "var/uploads")),
    MediaFolders("hello", ("uploads", "var/media")),
    StaticCopies("hello"),
    StaticFiles("hello", RELEASE, replace=True),
    Superseded("hello", label="after"),
    Stopped("hello", by="ann", at_once=True, drain_timeout_s=5),
    KeptSecrets("hello", label="after"),
    DiskQuota("hello", 5 * 1024 * 1024),
    Timer("backup", "daily", 'echo "100%" $HOME', user="hello", description="Back up"),
    Tmpfiles("hello", "d /run/hello 0750 hello www-data -\n"),
    ProcessCheck("hello", RELEASE, {"process worker": "celery"}, settle_s=5, drain_timeout_s=7),
    Unit("hello@.service", "[Service]\nExecStart=/bin/true\n"),
    User("hello", groups=("adm", "www-data"), home="/srv/hello", shell="/bin/sh", system=False),
    Image(
        "/srv/hello/images/abc",
        "hello",
        {"Dockerfile": "FROM x\n", "app.py": "app = None\n"},
        executables=("app.py",),
        links={"link": "app.py"},
        bases={"x": "/var/lib/images/x.tar"},
        hosts=("git.example.com:8443",),
    ),
    UnusedPythons("after"),
    ManagedPython(
        "/opt/homeport/pythons/3.12-uv-0.13.9",
        "3.12",
        mirror="https://pythons.example.com",
        downloads='{"cpython-3.12.4": {}}',
    ),
    Virtualenv(
        "/srv/hello/venvs/abc",
        {"requirements.txt": "flask\n"},
        owner="hello",
        require_hashes=True,
        extra={"gunicorn": "gunicorn==27.0.1 --hash=sha256:abc"},
        hosts=("static.crates.io", "git.example.com:8443"),
    ),
)


@dataclass(frozen=True)
class Sample:
    """A resource that can be brought about on this machine, in a test's directory.

    Args:
        resource: What is to be tried.
        damages: What may have happened to it -> how to do it. Each is a difference.
        prepare: What must be there before the resource.
    """

    resource: Resource
    damages: Mapping[str, Callable[[], object]]
    prepare: Callable[[], object] = field(default=lambda: None)


def file_damages(path: Path, *, directory: bool = True) -> dict[str, Callable[[], object]]:
    """Return what may have happened to a file."""

    def replaced(make: Callable[[], object]) -> Callable[[], object]:
        def damage() -> None:
            path.unlink()
            make()

        return damage

    def full_directory() -> None:
        path.mkdir()
        (path / "inside").write_text("x")

    damages: dict[str, Callable[[], object]] = {
        "content": lambda: path.write_text("somebody else's\n"),
        "mode": lambda: path.chmod(0o777),
        "owner": lambda: os.chown(path, 12345, 0),
        "group": lambda: os.chown(path, 0, 12345),
        "deleted": lambda: path.unlink(),
        "emptied": lambda: path.write_bytes(b""),
        "a link in its place": replaced(lambda: path.symlink_to("/etc/hostname")),
        "a link to nowhere in its place": replaced(lambda: path.symlink_to("/nowhere/at/all")),
        "a fifo in its place": replaced(lambda: os.mkfifo(path)),
    }
    if directory:
        damages["a directory in its place"] = replaced(full_directory)
    return damages


def _file(root: Path) -> Sample:
    path = root / "a name with spaces é"
    return Sample(
        File(str(path), "first\nsecond\n", mode="0640", group="www-data"), file_damages(path)
    )


def _secret(root: Path) -> Sample:
    path = root / "secret"
    return Sample(File(str(path), b"\x00canary\xff", secret=True), file_damages(path))


def _directory(root: Path) -> Sample:
    path = root / "some" / "where"
    return Sample(
        Directory(str(path), mode="2750", owner="www-data", group="adm"),
        {
            "mode": lambda: path.chmod(0o700),
            "owner": lambda: os.chown(path, 12345, 0),
            "deleted": lambda: path.rmdir(),
            "a file in its place": lambda: (path.rmdir(), path.write_text("x")),
            "a link in its place": lambda: (path.rmdir(), path.symlink_to("/etc")),
            "a link to nowhere in its place": lambda: (path.rmdir(), path.symlink_to("/nowhere")),
        },
    )


def _link(root: Path) -> Sample:
    path = root / "link"
    return Sample(
        Link(str(path), "../some where"),
        {
            "turned": lambda: (path.unlink(), path.symlink_to("/etc")),
            "deleted": lambda: path.unlink(),
            "a file in its place": lambda: (path.unlink(), path.write_text("x")),
            "a directory in its place": lambda: (
                path.unlink(),
                path.mkdir(),
                (path / "x").write_text("x"),
            ),
        },
    )


def _absent(root: Path) -> Sample:
    path = root / "unwanted"
    return Sample(
        Absent(str(path)),
        {
            "a file": lambda: path.write_text("x"),
            "a link": lambda: path.symlink_to("/etc"),
            "a directory": lambda: (path / "in" / "side").mkdir(parents=True),
        },
        prepare=lambda: (path / "in" / "side").mkdir(parents=True),
    )


def _file_set(root: Path) -> Sample:
    etc = root / "etc"

    def prepare() -> None:
        (etc / "conf.d").mkdir(parents=True)
        (etc / "conf.d" / "theirs.conf").write_text("old")
        (etc / "kept").write_text("not ours")

    main, part, link = etc / "main.conf", etc / "conf.d" / "part.conf", etc / "sites" / "on"
    damages = {f"main: {name}": damage for name, damage in file_damages(main).items()}
    damages.update(
        {
            "a stranger": lambda: (etc / "conf.d" / "x y.conf").write_text("x"),
            "a directory of strangers": lambda: (etc / "conf.d" / "deep" / "er").mkdir(
                parents=True
            ),
            "a part deleted": part.unlink,
            "the whole purged directory deleted": lambda: shutil.rmtree(etc / "conf.d"),
            "the link turned": lambda: (link.unlink(), link.symlink_to("/etc")),
            "everything deleted": lambda: shutil.rmtree(etc),
        }
    )
    return Sample(
        FileSet(
            "set",
            str(etc),
            {"main.conf": "include conf.d/part.conf\n", "conf.d/part.conf": "yes\n"},
            links={"sites/on": "../main.conf"},
            purge=("conf.d",),
            validate=("grep", "-q", "include", f"{etc}/sites/on"),
        ),
        damages,
        prepare,
    )


def _file_set_without_root(root: Path) -> Sample:
    etc = root / "not" / "there"
    return Sample(
        FileSet("new", str(etc), {"a": "a\n"}, mode="0600", validate=("test", "-s", f"{etc}/a")),
        file_damages(etc / "a"),
    )


def _command(root: Path) -> Sample:
    made = root / "made"
    return Sample(
        Command("make it", ("touch", str(made)), creates=str(made)), {"deleted": made.unlink}
    )


def _unless(root: Path) -> Sample:
    made = root / "made"
    return Sample(
        Command("fill it", ("sh", "-c", f"echo x > {made}"), unless=("test", "-s", str(made))),
        {"emptied": lambda: made.write_text(""), "deleted": made.unlink},
    )


def _release(root: Path) -> Sample:
    layout = AppLayout("root")
    venv = Path(layout.venvs) / "abc"
    directory = Path(layout.release(RELEASE))

    def prepare() -> None:
        for path in (layout.releases, layout.env, layout.shared):
            shutil.rmtree(path, ignore_errors=True)
            Path(path).mkdir(parents=True)
        Path(layout.history).unlink(missing_ok=True)
        Path(layout.secrets).unlink(missing_ok=True)
        if not venv.exists():
            venv.mkdir(parents=True)

    return Sample(
        Release(
            app="root",
            release=RELEASE,
            files={
                "app.py": "x = 1\n",
                "pack age/mod.py": "y = 2\n",
                "uploads/first": "kept",
                "bin/run": "#!/bin/sh\n",
                "static/a.css": "a {}\n" * 400,
            },
            executables=("bin/run",),
            links={"latest": "app.py"},
            shared=("uploads", "instance/deep"),
            static={"/static/": "static"},
            runtime=str(venv),
            python=PYTHON,
            settings={"server.py": "bind = 'x'\n"},
            env='{"KEY": "va\\"lue"}',
            proposed='{"SECRET": "made"}',
            units={
                f"root@{RELEASE}.socket": "[Socket]\n",
                f"root@{RELEASE}.service": "[Service]\n",
                "root.nightly.timer": "[Timer]\n",
                f"root.worker.1@{RELEASE}.service": "x\n",
            },
            about={"by": "me"},
        ),
        {
            "deleted": lambda: shutil.rmtree(directory),
            "without its manifest": (directory / "manifest.json").unlink,
            "with half a manifest": lambda: (directory / "manifest.json").write_text('{"app":'),
        },
        prepare,
    )


def _shared_folders(root: Path) -> Sample:
    top = Path(AppLayout("root").shared)
    deep = top / "var" / "uploads"

    def prepare() -> None:
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir(parents=True)
        # What the live release has, and whether that is a folder, it says itself.
        layout = AppLayout("root")
        release = Path(layout.release(RELEASE))
        release.mkdir(parents=True, exist_ok=True)
        about = {"release": RELEASE, "shared": ["instance", "var/uploads"]}
        (release / "manifest.json").write_text(json.dumps(about))
        Path(layout.live_socket).unlink(missing_ok=True)
        Path(layout.live_socket).symlink_to(layout.socket(RELEASE))

    return Sample(
        SharedFolders("root", ("instance", "var/uploads")),
        {
            "deleted": deep.rmdir,
            "all deleted": lambda: shutil.rmtree(top / "var"),
            "mode": lambda: deep.chmod(0o777),
            "owner": lambda: os.chown(top / "var", 12345, 0),
            "group": lambda: os.chown(top / "instance", 0, 12345),
        },
        prepare,
    )


def _static_files(root: Path) -> Sample:
    layout = AppLayout("root")
    code, pool = Path(layout.code(RELEASE)), Path(layout.static)

    def prepare() -> None:
        shutil.rmtree(code, ignore_errors=True)
        shutil.rmtree(pool, ignore_errors=True)
        (code / "static" / "deep").mkdir(parents=True)
        (code / "static" / "a.css").write_text("a {}\n" * 400)
        (code / "static" / "deep" / "b.png").write_bytes(b"\x00\xff")
        manifest = json.dumps(
            {
                "static": {"/static/": "static"},
                "files": {"static/a.css": "", "static/deep/b.png": ""},
            }
        )
        Path(layout.release(RELEASE), MANIFEST).write_text(manifest)

    return Sample(
        StaticFiles("root", RELEASE, replace=True),
        {
            "content": lambda: (pool / "static" / "a.css").write_text("b {}"),
            "deleted": lambda: (pool / "static" / "a.css").unlink(),
            "all deleted": lambda: shutil.rmtree(pool),
        },
        prepare,
    )


HERE: Mapping[str, Callable[[Path], Sample]] = {
    "file": _file,
    "secret file": _secret,
    "directory": _directory,
    "link": _link,
    "absent": _absent,
    "file set": _file_set,
    "file set without a root": _file_set_without_root,
    "command that creates": _command,
    "command unless": _unless,
    "release": _release,
    "shared folders": _shared_folders,
    "static files": _static_files,
}
"""Name -> what makes a sample below a directory."""
