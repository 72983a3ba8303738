"""certbot in use: what others have it renew goes on as before, and ours is renewed apart."""

from __future__ import annotations

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import provision
from tests.hosts_in_use import certbot_users as certbot
from tests.suites import FIRST_BOOKWORM, FIRST_TRIXIE

pytestmark = pytest.mark.lab

OURS = "/etc/homeport/acme"
RENEW = "systemctl start homeport-renewal@hello.service"
MAKE_DUE = f"sed -i 's/^#* *renew_before_expiry.*/{certbot.DUE}/' {OURS}/renewal/hello.conf"


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_what_others_renew_is_renewed_as_before_and_ours_apart(
    lab: Lab, project: Project, bare_host, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    certbot.has_certificates(lab, host)
    certbot.renews(host)
    before = certbot.belongings(host)

    provision(project, host).must_succeed()
    assert certbot.belongings(host) == before
    # Whoever stops nginx for a moment has always done so; our renewal has nothing of it.
    certbot.renews(host)

    host.shell("rm -f /root/renewed /root/vpn")
    before, number = certbot.belongings(host), certbot.serial(host, "hello", OURS)
    host.shell(f"{MAKE_DUE}; {RENEW}")
    assert certbot.serial(host, "hello", OURS) != number
    assert certbot.belongings(host) == before
    host.shell("test ! -e /root/renewed; test ! -e /root/vpn")
    key = f"openssl pkey -noout -text -in {OURS}/live/hello/privkey.pem"
    assert "prime256v1" in host.shell(key), "a setting for others' certificates holds for ours"
    assert _served(host) == certbot.serial(host, "hello", OURS)

    _sites_of_others_are_renewed(lab, project, host)


SITE = r"""
mkdir -p /var/www/NAME /etc/nginx/local.d
cat > /etc/nginx/local.d/NAME.conf <<'END'
server {
    listen 80;
    server_name NAME.lab;
    root /var/www/NAME;
}
END
nginx -t -q && systemctl reload nginx
account=$(ls -t /etc/letsencrypt/accounts/*/dir | head -n 1)
certbot certonly -q -n --server SERVER --account $account --preferred-challenges http \
    -d NAME.lab WAY
sed -i 's/^# renew_before_expiry.*/DUE/' /etc/letsencrypt/renewal/NAME.lab.conf
"""


def _sites_of_others_are_renewed(lab: Lab, project: Project, host: LabHost) -> None:
    """By a folder that nginx serves, and by certbot's own changes of nginx's configuration."""
    host.shell(f"{certbot.INSTALL} python3-certbot-nginx")
    for name, way in (("blog", "--webroot -w /var/www/blog"), ("shop", "--nginx")):
        lab.set_domain(f"{name}.lab", host.name)
        script = SITE.replace("NAME", name).replace("WAY", way).replace("DUE", certbot.DUE)
        host.shell(script.replace("SERVER", lab.acme.directory_url))
    provision(project, host).must_succeed()
    certbot.renews(host, (*certbot.MINE, "blog.lab", "shop.lab"))
    assert Site(lab, host).get("/").status == 503
    assert provision(project, host, "--check", "--exit-code").code == 0


def _served(host: LabHost) -> str:
    return host.shell(
        "echo | openssl s_client -connect 127.0.0.1:443 -servername hello.lab 2>/dev/null |"
        " openssl x509 -noout -serial"
    ).strip()


EARLIER = rf"""
apt-get update -qq && {certbot.INSTALL} certbot
mkdir -p /etc/letsencrypt/renewal-hooks/deploy /etc/systemd/system/certbot.service.d
systemctl disable --quiet --now homeport-renewal@hello.timer
rm /etc/systemd/system/homeport-renewal@.* /opt/homeport/certbot
mv {OURS}/accounts {OURS}/archive {OURS}/live {OURS}/renewal /etc/letsencrypt/
sed -i 's#{OURS}#/etc/letsencrypt#' /etc/letsencrypt/renewal/hello.conf \
    /etc/nginx/sites-tls/hello.conf
rm -r {OURS} /var/lib/homeport/certbot /var/log/homeport-certbot
cat > /etc/letsencrypt/renewal-hooks/deploy/10-homeport-reload-nginx <<'END'
#!/bin/sh
# Made by Homeport from templates/certbot/reload-nginx.j2; ...
exec systemctl reload nginx
END
chmod +x /etc/letsencrypt/renewal-hooks/deploy/10-homeport-reload-nginx
cat > /etc/systemd/system/certbot.service.d/homeport.conf <<'END'
# Made by Homeport from templates/certbot/service.conf.j2; ...
[Service]
ProtectHome=yes
ProtectSystem=strict
ReadWritePaths=/etc/letsencrypt /var/lib/homeport-acme -/var/lib/letsencrypt -/var/log/letsencrypt
END
systemctl daemon-reload
systemctl reload nginx
"""
"""Makes of a host what an earlier Homeport would have left there."""


@pytest.mark.thorough
@pytest.mark.parametrize("suite", FIRST_TRIXIE)
def test_a_host_from_before_comes_over_without_another_certificate(
    lab: Lab, project: Project, provisioned_host, suite
):
    host = provisioned_host(suite)
    provision(project, host).must_succeed()
    number = certbot.serial(host, "hello", OURS)
    host.shell(EARLIER)
    certbot.has_certificates(lab, host)
    asked = certbot.orders(lab)

    foretold = provision(project, host, "--check", "--json").must_succeed()
    done = provision(project, host, "--json").must_succeed()
    assert done.changed(host.name) == foretold.finished(host.name, "changed")
    assert "certificate:hello" not in done.changed(host.name)
    assert certbot.orders(lab) == asked
    # A hook of a person's runs after all renewals, and may be for this one.
    assert "renewal-hooks/deploy/mine" in done.output
    assert "homeport" not in host.shell("systemctl cat certbot.service").lower()
    host.shell("test ! -e /etc/letsencrypt/renewal-hooks/deploy/10-homeport-reload-nginx")
    everything = "sed -i 's/^# renew_before_expiry.*/{}/' /etc/letsencrypt/renewal/*.conf"
    host.shell(everything.format(certbot.DUE))
    certbot.renews(host, (*certbot.MINE, "hello"))
    assert certbot.serial(host, "hello", OURS) == number == _served(host)

    asked = certbot.orders(lab)
    host.shell("mv /etc/letsencrypt/renewal-hooks/deploy/mine /root/")
    provision(project, host).must_succeed()
    assert certbot.orders(lab) == asked
    assert certbot.serial(host, "hello", OURS) == number == _served(host)
    # Whoever reads it where it was goes on.
    assert certbot.serial(host, "hello") == number
    assert host.shell("ls /etc/letsencrypt/renewal").split() == [f"{x}.conf" for x in certbot.MINE]
    host.shell("mv /root/mine /etc/letsencrypt/renewal-hooks/deploy/")
    host.shell(f"{MAKE_DUE}; {RENEW}")
    assert number != certbot.serial(host, "hello", OURS) == certbot.serial(host, "hello")
    certbot.renews(host)
    assert provision(project, host, "--check", "--exit-code").code == 0


@pytest.mark.thorough
def test_other_ways_to_a_certificate_leave_no_timer_and_come_back_without_another_one(
    lab: Lab, project: Project, provisioned_host
):
    host = provisioned_host()
    provision(project, host).must_succeed()
    asked, acme = certbot.orders(lab), project.inventory.read_text()
    timers = "systemctl list-timers --all --no-legend 'homeport*'"
    assert "homeport-renewal@hello.timer" in host.shell(timers)
    project.inventory.write_text(acme.partition("[tls]")[0] + '[tls]\nmethod = "self-signed"\n')
    provision(project, host).must_succeed()
    assert host.shell(timers).strip() == ""
    host.reboot()
    assert host.shell(timers).strip() == ""
    project.inventory.write_text(acme)
    provision(project, host).must_succeed()
    assert "homeport-renewal@hello.timer" in host.shell(timers)
    assert certbot.orders(lab) == asked
    status = project.fab("-H", host.name, "status", "--wide").must_succeed().output
    assert "89 days" in status


OTHER_PROGRAM = r"""
mkdir -p /opt/certbot/bin /etc/letsencrypt/renewal /usr/local/lib/python3.11/dist-packages/certbot
echo 'raise SystemExit("of pip")' > /usr/local/lib/python3.11/dist-packages/certbot/__init__.py
printf '#!/bin/sh\necho of pip\n' > /opt/certbot/bin/certbot
chmod +x /opt/certbot/bin/certbot
ln -s /opt/certbot/bin/certbot /usr/bin/certbot
printf 'version = 3.1.0\n[renewalparams]\nauthenticator = dns-cloud\n' \
    > /etc/letsencrypt/renewal/x.conf
printf 'authenticator = dns-cloud\n' > /etc/letsencrypt/cli.ini
"""
"""certbot as its authors have people install it by pip; a snap's has its link there too."""


@pytest.mark.thorough
def test_a_certbot_that_debian_did_not_bring_stays_the_hosts_own(
    lab: Lab, project: Project, bare_host
):
    host = bare_host()
    lead_domains_to(lab, host)
    host.shell(OTHER_PROGRAM)
    before = host.shell("find /etc/letsencrypt /opt/certbot -type f -exec sha256sum {} +")
    provision(project, host).must_succeed()
    assert host.shell("certbot").strip() == "of pip"
    assert host.shell("find /etc/letsencrypt /opt/certbot -type f -exec sha256sum {} +") == before
    assert host.shell("systemctl list-unit-files --no-legend 'certbot*' || true").strip() == ""
    host.shell(f"{MAKE_DUE}; {RENEW}")
    assert _served(host) == certbot.serial(host, "hello", OURS)
