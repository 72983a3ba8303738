"""Ways in which a host's state drifts or is broken, as shell scripts."""

from __future__ import annotations

NGINX = {
    "a configuration file was edited": "echo '# mine' >> /etc/nginx/nginx.conf",
    "a site was emptied": ": > /etc/nginx/homeport/sites/hello.conf",
    "a configuration file was deleted": "rm /etc/nginx/homeport/tls.conf",
    "a configuration file has another mode": "chmod 0600 /etc/nginx/sites-tls/hello.conf",
    "a configuration file has another owner": "chown www-data /etc/nginx/homeport/proxy.conf",
    "a configuration file became a directory": (
        "cd /etc/nginx/homeport/http; rm limits.conf; mkdir -p limits.conf/within"
    ),
    "a configuration file became a link": (
        "cd /etc/nginx/homeport/http; mv logs.conf /root/; ln -s /root/logs.conf logs.conf"
    ),
    "a directory of the configuration was deleted": "rm -r /etc/nginx/apps",
}

FILES = {
    "a file became a link": (
        "mv /etc/apt/apt.conf.d/52homeport-upgrades /root/;"
        "ln -s /root/52homeport-upgrades /etc/apt/apt.conf.d/"
    ),
    "a directory with its file was deleted": "rm -r /etc/systemd/journald.conf.d",
    "a hook may not be executed": (
        "chmod 0644 /etc/homeport/acme/renewal-hooks/deploy/10-homeport-reload-nginx"
    ),
    "a directory of hooks was deleted": "rm -r /etc/homeport/acme/renewal-hooks",
    "a directory may be written to by everybody": "chmod 0777 /srv/hello/shared",
    "a directory belongs to somebody else": "chown root:www-data /srv/hello/shared/instance",
    "a directory became a file": "rm -r /srv/hello/static; touch /srv/hello/static",
    "a directory became a link": (
        "mv /var/lib/homeport-acme /root/acme; ln -s /root/acme /var/lib/homeport-acme"
    ),
    "the cache that builds once shared is back": "mkdir -p /var/cache/homeport/uv",
    "the directory of the authority's questions was deleted": "rm -r /var/lib/homeport-acme",
    "the directory of the sockets has another mode": "chmod 0755 /run/homeport-sockets/hello",
    "the directory of the sockets belongs to somebody else": (
        "chown hello:hello /run/homeport-sockets/hello"
    ),
    "the description of the sockets' directory was deleted": (
        "rm /etc/tmpfiles.d/homeport.hello.conf"
    ),
}

PACKAGES = {
    "nginx was removed": "apt-get -qq -y remove nginx",
    "nginx was purged with all that it brought": (
        "apt-get -qq -y purge nginx nginx-common; apt-get -qq -y autoremove"
    ),
    "certbot was purged": "apt-get -qq -y purge python3-certbot",
    "a package of the base was removed": "apt-get -qq -y purge unattended-upgrades",
}
"""Run with what keeps apt and dpkg from asking or saying anything."""

UNITS = {
    "a service was stopped": "systemctl stop nginx",
    "a service was disabled": "systemctl disable -q nginx",
    "a service was stopped and masked": ("systemctl stop nginx; systemctl mask -q nginx"),
    "a service was stopped and masked until the next boot": (
        "systemctl stop nginx; systemctl mask -q --runtime nginx"
    ),
    "a service that runs was masked": "systemctl mask -q nginx",
    "a service is enabled until the next boot only": (
        "systemctl disable -q nginx; systemctl enable -q --runtime nginx"
    ),
    "a timer was stopped": "systemctl stop homeport-renewal@hello.timer",
    "a timer was disabled and masked": (
        "systemctl disable -q homeport-renewal@hello.timer;"
        "systemctl mask -q homeport-renewal@hello.timer"
    ),
    "the units that renew certificates were deleted": (
        "rm /etc/systemd/system/homeport-renewal@.*; systemctl daemon-reload"
    ),
    "what starts the app at boot was disabled": "systemctl disable -q hello-boot",
    "a drop-in was deleted": "rm /etc/systemd/system/nginx.service.d/homeport.conf",
    "a drop-in was deleted with its directory, and systemd knows": (
        "rm -r /etc/systemd/system/nginx.service.d; systemctl daemon-reload"
    ),
    "the app's boot unit was edited": (
        "echo '# mine' >> /etc/systemd/system/hello-boot.service; systemctl daemon-reload"
    ),
    "a unit was masked by a link in its place": (
        "ln -sf /dev/null /etc/systemd/system/hello-boot.service; systemctl daemon-reload"
    ),
}

ACCOUNTS = {
    "the app's user has lost its comment": "usermod --comment '' hello",
    "a user was deleted, and its files have nobody": "userdel homeport-build",
    "a user was deleted with what it owned": "userdel homeport-build; groupdel homeport-build || :",
}

CERTIFICATES = {
    "the certificate was deleted": "rm -r /etc/homeport/acme/live /etc/homeport/acme/archive",
    "the certificate's link leads nowhere": (
        "ln -sfn ../../archive/hello/fullchain7.pem /etc/homeport/acme/live/hello/fullchain.pem"
    ),
    "certbot has forgotten the certificate": "rm /etc/homeport/acme/renewal/hello.conf",
    "another certificate is in its place": (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90"
        " -subj /CN=other.lab -addext subjectAltName=DNS:other.lab"
        " -keyout /etc/homeport/acme/live/hello/privkey.pem"
        " -out /etc/homeport/acme/live/hello/fullchain.pem 2>/dev/null"
    ),
}

HOMEPORTS_OWN = {
    "a virtualenv was not completed": "rm /opt/homeport/uv/.ready",
    "a virtualenv was deleted": "rm -r /opt/homeport",
    "what was remembered is gone": "rm /var/lib/homeport/memory.json",
    "what was remembered cannot be read": "echo '{' > /var/lib/homeport/memory.json",
    "all of Homeport's own state is gone": "rm -r /var/lib/homeport /run/homeport",
}

DAMAGES: dict[str, str] = {
    **NGINX, **FILES, **PACKAGES, **UNITS, **ACCOUNTS, **CERTIFICATES, **HOMEPORTS_OWN,
}  # fmt: skip

TOGETHER = [
    script
    for name, script in DAMAGES.items()
    if name
    not in (
        # These undo, or stand in the way of, others.
        "nginx was removed",
        "nginx was purged with all that it brought",
        "the certificate was deleted",
        "a virtualenv was deleted",
        "what was remembered is gone",
        "all of Homeport's own state is gone",
    )
]
"""Many damages at once, none of which hides another."""
