"""Hosts on which people have certbot renew certificates of their own, as shell scripts."""

from __future__ import annotations

import re

from provisioning.lab import Lab, LabHost

INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends"

DUE = "renew_before_expiry = 3000 days"
"""A line of a renewal's configuration, with which each try renews."""

HOOKS = r"""
mkdir -p /root/.secrets /etc/dovecot /etc/letsencrypt
cat > /root/.secrets/dns.py <<'END'
import json, os, urllib.request
name = f"_acme-challenge.{os.environ['CERTBOT_DOMAIN']}."
for action in ("clear-txt", "set-txt"):
    body = {"host": name, "value": os.environ["CERTBOT_VALIDATION"]}
    urllib.request.urlopen(f"http://GATEWAY:8055/{action}", data=json.dumps(body).encode())
END
cat > /usr/local/sbin/to-dovecot <<'END'
#!/bin/sh -e
cp $RENEWED_LINEAGE/fullchain.pem $RENEWED_LINEAGE/privkey.pem /etc/dovecot/
systemctl reload imap.service
END
chmod +x /usr/local/sbin/to-dovecot
cat > /etc/systemd/system/imap.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/sh -c "echo reloaded >> /root/imap"
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --quiet --now imap.service
# What a person says for all certificates of the host: no certbot of ours may go by it.
printf 'max-log-backups = 0\nkey-type = rsa\n' > /etc/letsencrypt/cli.ini
"""

ISSUE = r"""
certbot="certbot certonly -q -n --agree-tos -m me@example.com --server SERVER"
$certbot --manual --preferred-challenges dns --manual-auth-hook "python3 /root/.secrets/dns.py" \
    --deploy-hook /usr/local/sbin/to-dovecot -d mail.example.lab
$certbot --standalone --preferred-challenges http -d vpn.lab \
    --pre-hook "echo pre >> /root/vpn; systemctl stop nginx || true" \
    --post-hook "echo post >> /root/vpn; systemctl start nginx || true" \
    --deploy-hook "mkdir -p /srv/vpn && cp \$RENEWED_LINEAGE/cert.pem /srv/vpn/"
# Another account, and a certificate of its own: whoever asks must say for whom.
accounts=$(echo /etc/letsencrypt/accounts/*/dir)
mv $accounts /root/first
$certbot --manual --preferred-challenges dns --manual-auth-hook "python3 /root/.secrets/dns.py" \
    -d other.example.lab
mv /root/first/* $accounts/
mkdir -p /etc/letsencrypt/renewal-hooks/post
cat > /etc/letsencrypt/renewal-hooks/deploy/mine <<'END'
#!/bin/sh
basename $RENEWED_LINEAGE >> /root/renewed
END
chmod +x /etc/letsencrypt/renewal-hooks/deploy/mine
sed -i 's/^# renew_before_expiry.*/DUE/' /etc/letsencrypt/renewal/*.conf
"""

MINE = ("mail.example.lab", "other.example.lab", "vpn.lab")


def has_certificates(lab: Lab, host: LabHost) -> None:
    """Have certificates by DNS and with a server of certbot's own, with hooks and accounts."""
    lab.set_domain("vpn.lab", host.name)
    host.shell(f"apt-get update -qq && {INSTALL} certbot")
    host.shell(HOOKS.replace("GATEWAY", lab.gateway))
    host.shell(ISSUE.replace("SERVER", lab.acme.directory_url).replace("DUE", DUE))


def renews(host: LabHost, names: tuple[str, ...] = MINE) -> None:
    """Have Debian's certbot renew everything, and see that each hook did what it is for."""
    before = {name: serial(host, name) for name in names}
    host.shell("rm -f /root/renewed /root/imap /root/vpn; rm -rf /etc/dovecot/* /srv/vpn")
    said = host.shell(
        "systemctl start certbot.service ||"
        " grep -h -A30 'Failed to renew' /var/log/letsencrypt/*.log"
    )
    assert host.shell("systemctl show --value -p Result certbot.service").strip() == "success", said
    assert host.shell("sort /root/renewed").split() == sorted(names)
    for name in names:
        assert serial(host, name) != before[name], f"{name} was not renewed"
    host.shell(
        "cmp /etc/dovecot/fullchain.pem /etc/letsencrypt/live/mail.example.lab/fullchain.pem"
    )
    host.shell("cmp /srv/vpn/cert.pem /etc/letsencrypt/live/vpn.lab/cert.pem")
    assert host.shell("cat /root/imap /root/vpn").split() == ["reloaded", "pre", "post"]


def serial(host: LabHost, name: str, place: str = "/etc/letsencrypt") -> str:
    """Return the number of the certificate that is there."""
    return host.shell(f"openssl x509 -noout -serial -in {place}/live/{name}/cert.pem").strip()


def belongings(host: LabHost) -> str:
    """Return all that certbot has, and how it is run, as one text."""
    return host.shell(
        "cd /etc/letsencrypt; find . -printf '%p %y %m %u:%g %l\\n' | sort;"
        "find . -type f -exec sha256sum {} + | sort;"
        "systemctl cat certbot.service certbot.timer;"
        "systemctl is-enabled certbot.timer; systemctl is-active certbot.timer;"
        "sha256sum $(command -v certbot)"
    )


def orders(lab: Lab) -> int:
    """Return how often the authority was asked for a certificate."""
    return len(re.findall("POST /order-plz", (lab.paths.acme / "pebble.log").read_text()))
