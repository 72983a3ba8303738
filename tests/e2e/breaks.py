"""What can be wrong at a host in production: how it comes, and the line of `fab doctor` for it."""

from __future__ import annotations

from dataclasses import dataclass

LIVE = "LIVE=$(basename $(readlink /srv/hello/live.sock) .sock)"
RELOAD = "systemctl reload nginx"
APP_CONF, SITE_CONF = "/etc/nginx/apps/hello.conf", "/etc/nginx/homeport/sites/hello.conf"
DRIFT = ("provision-check",)


@dataclass(frozen=True)
class Break:
    """One way in which a host is broken.

    Args:
        check: The line that must tell it.
        words: What its evidence says.
        script: What breaks the host, for its shell; "" for none.
        undo: What mends it, for its shell; "provision" for a provision.
        edits: What is changed in the app's source before a deploy: file, old and new text.
        verdict: What the line says.
        also: Other lines that tell it too.
    """

    check: str
    words: str
    script: str = ""
    undo: str = ""
    edits: tuple[tuple[str, str, str], ...] = ()
    verdict: str = "fail"
    also: tuple[str, ...] = ()


def _listening(port: int, *options: str) -> str:
    wait = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; done"
    unit = "systemd-run --quiet --unit=intruder --property=WorkingDirectory=/usr/share/doc"
    return (
        f"{unit} {' '.join(options)} python3 -m http.server {port} --bind 0.0.0.0 && "
        f"bash -c '{wait}'"
    )


def _in_nginx(path: str, sed: str, check: str, words: str, verdict: str = "fail") -> Break:
    # It must differ: an expression that matches nothing breaks nothing.
    script = (
        f"cp {path} /run/before && sed -i '{sed}' {path} && ! cmp -s {path} /run/before && {RELOAD}"
    )
    return Break(check, words, script, "provision", verdict=verdict, also=DRIFT)


ON_THE_HOST = {
    "a port is open": Break(
        "open-ports", "0.0.0.0:8099/tcp", _listening(8099), "systemctl stop intruder"
    ),
    "the app opens a port": Break(
        "app-socket",
        "hello listens on 0.0.0.0:8098",
        _listening(8098, "--property=User=hello"),
        "systemctl stop intruder",
        also=("open-ports",),
    ),
    "a development server": Break(
        "app-server",
        "runserver",
        f"{LIVE}; setsid python3 -c 'import time; time.sleep(600)' runserver "
        "</dev/null >/dev/null 2>&1 & pid=$!; echo $pid >/run/intruder.pid; "
        f"{LIVE}; echo $pid >/sys/fs/cgroup$(systemctl show -P ControlGroup hello@$LIVE.service)"
        "/cgroup.procs",
        "kill $(cat /run/intruder.pid)",
    ),
    "a certificate that nobody trusts": Break(
        "certificate",
        "self-signed",
        "cp -a /etc/homeport/acme /root/acme && cd /etc/homeport/acme/live/hello && "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 "
        "-subj /CN=hello.lab -addext subjectAltName=DNS:hello.lab,DNS:www.hello.lab "
        f"-keyout privkey.pem -out fullchain.pem 2>/dev/null && {RELOAD}",
        f"rm -rf /etc/homeport/acme && mv /root/acme /etc/homeport/acme && {RELOAD}",
        also=DRIFT,
    ),
    "no renewal": Break(
        "renewal",
        "its timer is inactive",
        "systemctl stop homeport-renewal@hello.timer",
        "systemctl start homeport-renewal@hello.timer",
        also=DRIFT,
    ),
    "a renewal that fails": Break(
        "renewal",
        "exit-code",
        "cd /run/systemd/system && mkdir homeport-renewal@hello.service.d && "
        "printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' "
        ">homeport-renewal@hello.service.d/x.conf && systemctl daemon-reload && "
        "! systemctl start homeport-renewal@hello.service",
        "rm -r /run/systemd/system/homeport-renewal@hello.service.d; systemctl daemon-reload; "
        "systemctl reset-failed homeport-renewal@hello.service",
        also=("failed-units",),
    ),
    "no HSTS": _in_nginx(
        SITE_CONF, 's/"on" "max-age=[^"]*"/"on" ""/', "hsts", "no such header", "warn"
    ),
    "no redirect": _in_nginx(SITE_CONF, "s/return 308 .*/return 200 hello;/", "https", "200"),
    "the repository is served": Break(
        "exposed-files",
        "/.git/HEAD",
        "mkdir /srv/leak && echo 'ref: refs/heads/main' >/srv/leak/HEAD && "
        f"sed -i '1i location ^~ /.git/ {{ alias /srv/leak/; }}' {APP_CONF} && {RELOAD}",
        "provision",
        also=DRIFT,
    ),
    "no caching": _in_nginx(
        APP_CONF,
        "/add_header Cache-Control $homeport_cache/d",
        "static-files",
        "no caching header",
        "warn",
    ),
    "no rate limit": _in_nginx(
        APP_CONF,
        "/limit_req zone=homeport_app_hello /d; /limit_conn homeport_visitors/d",
        "rate-limit",
        "all answered",
    ),
    "a sick health path": _in_nginx(
        APP_CONF, "s#location = /healthz {#&\\n    return 500;#", "health", "answers 500"
    ),
    "no sandbox": Break(
        "sandbox",
        "of 10",
        f"{LIVE}; cd /run/systemd/system && mkdir hello@$LIVE.service.d && printf '[Service]\\n"
        "ProtectSystem=no\\nPrivateDevices=no\\nSystemCallFilter=\\nCapabilityBoundingSet=~\\n"
        "RestrictAddressFamilies=\\nRestrictNamespaces=no\\nProtectHome=no\\nProtectProc=default\\n"
        "NoNewPrivileges=no\\nProtectKernelTunables=no\\nProtectKernelModules=no\\n' "
        ">hello@$LIVE.service.d/x.conf && systemctl daemon-reload",
        f"{LIVE}; rm -r /run/systemd/system/hello@$LIVE.service.d; systemctl daemon-reload",
    ),
    "an open file with secrets": Break(
        "secrets-in-files",
        "/srv/hello/secrets.json is 0644",
        "chmod 0644 /srv/hello/secrets.json",
        "chmod 0600 /srv/hello/secrets.json",
    ),
    "a secret in the code": Break(
        "secrets-in-source",
        "SECRET_KEY is in leak.json",
        f"{LIVE}; cp /srv/hello/secrets.json /srv/hello/releases/$LIVE/code/leak.json",
        f"{LIVE}; rm /srv/hello/releases/$LIVE/code/leak.json",
    ),
    "an earlier release is damaged": Break(
        "rollback",
        "is missing",
        "cd /srv/hello/releases && mv $(ls | head -1)/server.py /root/server.py",
        "cd /srv/hello/releases && mv /root/server.py $(ls | head -1)/server.py",
        verdict="warn",
    ),
    "an endless log": Break(
        "logs", "/var/log/huge.log", "truncate -s 600M /var/log/huge.log", "rm /var/log/huge.log"
    ),
    "a full disk": Break(
        "disk",
        "of /boot",
        "mount -t tmpfs -o size=1m none /boot && head -c 1040000 /dev/zero >/boot/x",
        "umount /boot",
    ),
    "a failed unit": Break(
        "failed-units",
        "broken.service",
        "systemd-run --quiet --unit=broken --wait false || true",
        "systemctl reset-failed broken.service",
    ),
    "a reboot is due": Break(
        "updates",
        "waits for a reboot",
        "touch /run/reboot-required",
        "rm /run/reboot-required",
        verdict="warn",
    ),
    "no automatic updates": Break(
        "updates",
        "not installed automatically",
        "echo 'APT::Periodic::Unattended-Upgrade \"0\";' >/etc/apt/apt.conf.d/99-by-hand",
        "rm /etc/apt/apt.conf.d/99-by-hand",
        verdict="warn",
        also=DRIFT,
    ),
    "a change by hand": Break(
        "provision-check",
        "file-set:nginx",
        "echo '# by hand' >>/etc/nginx/homeport/server.conf",
        "provision",
    ),
}
"""Undone before the next one comes."""

IN_THE_APP = {
    "debug mode": Break(
        "debug-mode",
        "debug mode is on",
        edits=(("app/__init__.py", "    return app\n", "    app.debug = True\n    return app\n"),),
    ),
    "a key in the code": Break(
        "secret-key",
        "not the value of any variable",
        edits=(
            ("app/settings.py", '"SECRET_KEY": secret_key', '"SECRET_KEY": "x1y2z3a4b5c6" * 4'),
        ),
    ),
    "no ProxyFix": Break(
        "forwarded-headers",
        "takes nobody for the visitor",
        edits=(("app/__init__.py", "x_for=1", "x_for=0"),),
    ),
    "cookies for other sites": Break(
        "cookies",
        "lacks SameSite",
        edits=(
            (
                "app/settings.py",
                '"SESSION_COOKIE_SAMESITE": "Lax"',
                '"SESSION_COOKIE_SAMESITE": None',
            ),
        ),
    ),
    "a log of its own": Break(
        "log-files",
        "own.log",
        edits=(
            (
                "app/__init__.py",
                "    return app\n",
                "    import logging\n    logging.getLogger('own').addHandler(logging.FileHandler("
                "os.path.join(app.instance_path, 'own.log')))\n    return app\n",
            ),
        ),
        verdict="warn",
    ),
    "a health path that lies": Break(
        "honest-health",
        "answers 200",
        edits=(("app/pages.py", "well = database.is_reachable()", "well = True"),),
        verdict="warn",
    ),
}
"""Each is deployed, and replaced by the next."""
