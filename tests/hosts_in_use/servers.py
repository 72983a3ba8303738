"""Servers that others run on a host, with certificates, data and timers of their own."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.lab import LabHost
from tests.e2e.listing import Listing, listing_of


@dataclass(frozen=True)
class Server:
    """What somebody else has set up.

    Args:
        make: Shell commands that set it up.
        paths: Files and directories of it that nobody may touch.
        units: Its units, which nobody may start anew.
        asks: A shell command that asks it for something.
        answer: What it answers.
    """

    make: str
    paths: tuple[str, ...]
    units: tuple[str, ...]
    asks: str
    answer: str


_CERTIFICATE = """
mkdir -p {directory}
openssl req -x509 -newkey rsa:2048 -nodes -days 90 -set_serial {serial} -subj /CN={name} \
    -addext subjectAltName=DNS:{name} \
    -keyout {directory}/privkey.pem -out {directory}/fullchain.pem 2>/dev/null
chmod 0600 {directory}/privkey.pem
"""

_ASKS_FOR_SERIAL = (
    "openssl s_client {how} </dev/null 2>/dev/null | openssl x509 -noout -serial | tail -n 1"
)

PAGE_OF_NGINX = "index.nginx-debian.html"
"""What installing nginx puts into /var/www/html. Where a run is cut off it stays until the next."""

SERVERS = {
    "PostgreSQL with a certificate of its own": Server(
        make="apt-get -qq -y install postgresql >/dev/null 2>&1\n"
        + _CERTIFICATE.format(directory="/etc/ssl/database", name="database.lab", serial=4660)
        + """
chown -R postgres: /etc/ssl/database
cd /etc/postgresql/*/main
sed -i "s#^ssl_cert_file.*#ssl_cert_file = '/etc/ssl/database/fullchain.pem'#;
        s#^ssl_key_file.*#ssl_key_file = '/etc/ssl/database/privkey.pem'#" postgresql.conf
systemctl restart postgresql
cd /; su postgres -c 'psql -q' <<'END'
create table notes (text text);
insert into notes values ('kept');
END
""",
        paths=("/etc/postgresql", "/etc/postgresql-common", "/etc/ssl/database"),
        units=("postgresql@*.service",),
        asks=f"cd /; su postgres -c \"psql -Atc 'select text from notes'\"; "
        f"{_ASKS_FOR_SERIAL.format(how='-starttls postgres -connect localhost:5432')}",
        answer="kept\nserial=1234\n",
    ),
    "Postfix and Dovecot with a certificate of certbot's": Server(
        make="DEBIAN_FRONTEND=noninteractive apt-get -qq -y install postfix dovecot-imapd "
        ">/dev/null 2>&1\n"
        + _CERTIFICATE.format(
            directory="/etc/letsencrypt/archive/mail.lab", name="mail.lab", serial=22136
        )
        + """
mkdir -p /etc/letsencrypt/live/mail.lab /etc/letsencrypt/renewal
for name in privkey fullchain; do
    mv /etc/letsencrypt/archive/mail.lab/$name.pem /etc/letsencrypt/archive/mail.lab/${name}1.pem
    ln -s ../../archive/mail.lab/${name}1.pem /etc/letsencrypt/live/mail.lab/$name.pem
done
printf 'archive_dir = /etc/letsencrypt/archive/mail.lab\\n[renewalparams]\\n' \
    > /etc/letsencrypt/renewal/mail.lab.conf
postconf -e smtpd_tls_cert_file=/etc/letsencrypt/live/mail.lab/fullchain.pem \
    smtpd_tls_key_file=/etc/letsencrypt/live/mail.lab/privkey.pem smtpd_tls_security_level=may \
    inet_interfaces=all
printf 'ssl = yes\\n%s = </etc/letsencrypt/live/mail.lab/fullchain.pem\\n%s = <%s\\n' \
    ssl_cert ssl_key /etc/letsencrypt/live/mail.lab/privkey.pem > /etc/dovecot/conf.d/99-mine.conf
if dovecot --version | grep -q '^2.4'; then
    sed -i 's/ssl_cert = </ssl_server_cert_file = /; s/ssl_key = </ssl_server_key_file = /' \
        /etc/dovecot/conf.d/99-mine.conf
fi
systemctl restart postfix dovecot
""",
        paths=("/etc/postfix", "/etc/dovecot", "/etc/letsencrypt", "/etc/aliases"),
        units=("postfix*.service", "dovecot.service"),
        asks=f"{_ASKS_FOR_SERIAL.format(how='-starttls smtp -connect localhost:25')}; "
        f"{_ASKS_FOR_SERIAL.format(how='-connect localhost:993')}",
        answer="serial=5678\nserial=5678\n",
    ),
    "Apache on a port of its own": Server(
        make="""
mkdir -p /etc/apache2 /var/www/html
echo 'Listen 8080' > /etc/apache2/ports.conf
apt-get -qq -y -o Dpkg::Options::=--force-confold install apache2 >/dev/null 2>&1
sed -i 's/\\*:80>/*:8080>/' /etc/apache2/sites-available/000-default.conf
echo theirs > /var/www/html/theirs.txt
systemctl restart apache2
""",
        paths=("/etc/apache2", "/var/www/html/theirs.txt"),
        units=("apache2.service",),
        asks="python3 -c \"import urllib.request as r; "
        "print(r.urlopen('http://localhost:8080/theirs.txt').read().decode(), end='')\"; "
        f"ls /var/www/html | grep -v {PAGE_OF_NGINX}",
        answer="theirs\nindex.html\ntheirs.txt\n",
    ),
    "certbot from snap": Server(
        make="""
mkdir -p /snap/bin && printf '#!/bin/sh\\necho certbot of snap\\n' > /snap/bin/certbot
chmod +x /snap/bin/certbot && ln -s /snap/bin/certbot /usr/local/bin/certbot
printf '[Service]\\nType=oneshot\\nExecStart=/snap/bin/certbot renew\\n' \
    > /etc/systemd/system/snap.certbot.renew.service
printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' \
    > /etc/systemd/system/snap.certbot.renew.timer
systemctl daemon-reload; systemctl enable -q --now snap.certbot.renew.timer
""",
        paths=(
            "/etc/systemd/system/snap.certbot.renew.service",
            "/etc/systemd/system/snap.certbot.renew.timer",
            "/usr/local/bin/certbot",
        ),
        units=("snap.certbot.renew.timer",),
        asks="certbot renew",
        answer="certbot of snap\n",
    ),
}  # fmt: skip
"""Snap's own store is nowhere in the lab: what it puts on a host is made by hand."""


def as_they_are(host: LabHost) -> Listing:
    """Return all of the servers as it is: files, units with their processes, and answers."""
    paths = [path for server in SERVERS.values() for path in server.paths]
    found = {
        path: entry
        for path, entry in listing_of(host).items()
        if any(path == each or path.startswith(f"{each}/") for each in paths)
    }
    for name, server in SERVERS.items():
        units = " ".join(f"'{unit}'" for unit in server.units)
        found[f"units of {name}"] = host.shell(
            f"systemctl show -p Id,MainPID,ActiveState,UnitFileState {units}"
        )
        found[f"answer of {name}"] = host.shell(server.asks)
    return found
