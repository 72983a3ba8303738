"""Others' sites in the same nginx: they go on answering as before, or the run is refused first."""

from __future__ import annotations

import ssl

import pytest

from provisioning.lab import Lab, LabHost
from tests.e2e.project import Project
from tests.e2e.roads import lead_domains_to
from tests.e2e.site import Site
from tests.e2e.steps import deploy, deploy_change, provision, rollback
from tests.hosts_in_use.foreign_nginx import (
    ELSEWHERE,
    INSTALL,
    NGINX_CONF,
    NGINX_ORG,
    SITES,
    SITES_TLS,
    START,
    Kept,
    readers,
)
from tests.suites import FIRST_BOOKWORM

pytestmark = pytest.mark.lab


BY_PORT = {
    "own nginx.conf, HTTPS": (NGINX_CONF + SITES + SITES_TLS, True),
    "Debian's nginx.conf, no HTTPS": (SITES, False),
}


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(each, marks=pytest.mark.thorough) if number else each
        for number, each in enumerate(BY_PORT)
    ],
)
def test_others_sites_answer_as_before_beside_ours(
    bare_host, project: Project, lab: Lab, suite, what
):
    script, tls = BY_PORT[what]
    host = bare_host(suite)
    lead_domains_to(lab, host)
    stream = "" if "own" in what else STREAM
    host.shell(INSTALL + script + stream + START)
    before = Kept(host, tls)

    check = provision(project, host, "--check").must_succeed()
    assert "nginx serves other sites on this host" in check.output
    # The test of the configuration would have made it, for everybody to read.
    assert host.run("test", "-e", OUR_LOG, check=False).returncode == 1
    before.must_be_kept()
    with readers(host) as wrong:
        provision(project, host).must_succeed()
        before.must_be_kept()
        deploy(project, host)
        deploy_change(project, host)
        rollback(project, host)
        assert provision(project, host, "--json").must_succeed().changed(host.name) == []
    assert wrong == []
    assert host.shell(f"stat -c '%a %U %G' {OUR_LOG}").split() == ["640", "www-data", "adm"]
    before.must_be_kept()
    must_answer_by_its_own(lab, host, is_default=not tls)
    # Nor after a boot.
    before.host.reboot()
    assert before._answers() == before.answers
    assert Site(lab, host).get("/").status == 200
    # When the last app has gone, nothing of ours listens beside theirs, nor is read.
    project.fab("-H", host.name, "remove", "hello", "--yes").must_succeed()
    assert "homeport" not in host.shell("nginx -T 2>&1")
    assert before._answers() == before.answers


OUR_LOG = "/var/log/nginx/homeport-access.log"

STREAM = """
cat > /etc/nginx/modules-enabled/99-numbers.conf <<'END'
stream { server { listen 7000; proxy_pass 127.0.0.1:9000; } }
END
"""


def must_answer_by_its_own(lab: Lab, host: LabHost, *, is_default: bool) -> None:
    """Fail unless our site is as on a host of its own."""
    site = Site(lab, host)
    page = site.get("/", headers={"Accept-Encoding": "gzip"})
    assert page.status == 200
    assert page.headers["strict-transport-security"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["server"] == "nginx"
    assert "x-whole-host" not in page.headers
    moved = site.get("/x", tls=False)
    assert (moved.status, moved.headers["location"]) == (308, "https://hello.lab/x")
    assert site.get("/", method="POST", body=b"x" * 1_000_000).status < 500
    site.context.maximum_version = ssl.TLSVersion.TLSv1_3
    site.context.minimum_version = ssl.TLSVersion.TLSv1_3
    if is_default:
        assert site.get("/").status == 200
        with pytest.raises(ssl.SSLError):
            site.connection(server_name="unknown.example")
    # In a file of its own: theirs is in a format of theirs.
    assert '"site":"hello.lab"' in host.shell("cat /var/log/nginx/homeport-access.log")
    assert "hello.lab" not in host.shell("cat /var/log/nginx/access.log /var/log/blog/*")


SITE = "/etc/nginx/sites-enabled/theirs"

CLASHES = {
    "a server_name": (
        f"echo 'server {{ listen 80; server_name a.example WWW.hello.lab; }}' > {SITE}",
        [f"{SITE}:1: server_name www.hello.lab", "homeport/sites/hello.conf"],
    ),
    "a server_name with all below it": (
        f"echo 'server {{ server_name .hello.lab; }}' > {SITE}",
        [f"{SITE}:1: server_name .hello.lab"],
    ),
    "an address of its own": (
        f"printf 'server {{\\n  listen 127.0.0.1:80;\\n}}' > {SITE}",
        [f"{SITE}:2: listens on 127.0.0.1, port 80"],
    ),
    "the proxy protocol": (
        f"echo 'server {{ listen 80 proxy_protocol; }}' > {SITE}",
        [f"{SITE}:1: port 80 accepts the PROXY protocol"],
    ),
    "IPv4 by an IPv6 socket": (
        f"echo 'server {{ listen [::]:443 ssl ipv6only=off; }}' > {SITE}",
        [f"{SITE}:1: accepts IPv4 on an IPv6 socket"],
    ),
    "a stream": (
        "echo 'stream { server { listen 443; return x; } }' > /etc/nginx/modules-enabled/99-s.conf",
        ["/etc/nginx/modules-enabled/99-s.conf:1: stream listens on port 443 already"],
    ),
    "a server that comes after ours": (
        "echo 'server { listen 80; }' > /etc/nginx/sites-enabled/zzz; rm /etc/nginx/sites-enabled/"
        "{blog,api,whoever}",
        ["/etc/nginx/sites-enabled/zzz:1: this server comes after Homeport's"],
    ),
    "an upstream": (
        "echo 'upstream homeport_app_hello { server 127.0.0.1:1; }' > /etc/nginx/conf.d/up.conf",
        ['duplicate upstream "homeport_app_hello"', "/etc/nginx/homeport/sites/hello.conf:"],
    ),
    "a log format": (
        "echo \"log_format homeport '$host';\" > /etc/nginx/conf.d/log.conf",
        ['duplicate "log_format" name "homeport"', "/etc/nginx/homeport/http/logs.conf:"],
    ),
    "nothing is included": (
        "sed -i.kept -E '/(conf.d|sites-enabled)/s/^( *)include/\\1#/' /etc/nginx/nginx.conf",
        ["/etc/nginx/nginx.conf:10: http includes neither"],
    ),
    "workers who cannot reach apps": (
        "useradd --system other; sed -i.kept 's/user www-data/user other/' /etc/nginx/nginx.conf",
        ["/etc/nginx/nginx.conf:1: nginx's workers run as other", "usermod --append"],
    ),
    "a configuration that is broken already": (
        f"echo 'serve {{ }}' > {SITE}",
        ['unknown directive "serve"', f"{SITE}:1"],
    ),
}
"""What is in the way -> how it comes there, and what is said of it."""

CHECKED = ("a server_name", "an upstream")
"""Those of which a check is asked too: one that is read, one that nginx says."""

STATE = (
    "find /etc /srv /opt /home -xdev -not -path '/etc/nginx/*' -printf '%p %y %m %u %T@ %l\\n' "
    "| sort"
)


@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_what_leaves_no_room_is_told_with_its_lines_before_any_change(
    bare_host, project: Project, lab: Lab, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    # With a Python, so that none is borrowed for each run.
    host.shell(
        INSTALL + "apt-get install -qq -y python3 >/dev/null 2>&1" + NGINX_CONF + SITES + START
    )
    wrong = {}
    for what, (come, said) in CLASHES.items():
        host.shell(come_to(come))
        before = host.shell(STATE)
        for arguments in ((), ("--check",)) if what in CHECKED else ((),):
            ended = provision(project, host, *arguments)
            missing = [words for words in said if words not in " ".join(ended.output.split())]
            if ended.code != 1 or missing or ended.finished(host.name, "changed"):
                wrong[what] = (ended.code, missing, ended.output[-3000:])
        after = host.shell(STATE)
        if after != before:
            wrong[f"{what}: state"] = set(after.splitlines()) ^ set(before.splitlines())
        host.shell("rm -r /etc/nginx; mv /root/nginx /etc/nginx")
    assert wrong == {}
    provision(project, host).must_succeed()


def come_to(script: str) -> str:
    """Return a script that puts something in the way, with all of nginx's kept aside."""
    return f"cp -a /etc/nginx /root/nginx\nbash -ec '{_quoted(script)}'"


def _quoted(script: str) -> str:
    return script.replace("'", "'\\''")


@pytest.mark.thorough
@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_the_layout_of_nginx_orgs_packages_is_told_what_it_lacks_and_then_works(
    bare_host, project: Project, lab: Lab, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    host.shell(INSTALL + NGINX_ORG + START)
    before = Kept(host, stream=False)
    refused = provision(project, host)
    assert refused.code == 1
    assert "usermod --append --groups www-data nginx" in refused.output
    assert refused.finished(host.name, "changed") == []
    before.must_be_kept()

    host.shell("usermod --append --groups www-data nginx")
    provision(project, host).must_succeed()
    deploy(project, host)
    deploy_change(project, host)
    rollback(project, host)
    before.must_be_kept()
    must_answer_by_its_own(lab, host, is_default=True)


@pytest.mark.thorough
@pytest.mark.parametrize("suite", FIRST_BOOKWORM)
def test_an_nginx_with_its_temporary_files_elsewhere_is_never_dead(
    bare_host, project: Project, lab: Lab, suite
):
    host = bare_host(suite)
    lead_domains_to(lab, host)
    host.shell(INSTALL + ELSEWHERE + START)
    provision(project, host).must_succeed()
    deploy(project, host)
    assert host.run("systemctl", "is-active", "nginx", check=False).stdout == "active\n"
    assert Site(lab, host).get("/", method="POST", body=b"x" * 1_000_000).status < 500


IN_HAND = """
systemctl stop nginx
nginx
"""


def test_an_nginx_that_is_not_of_its_unit_is_told_before_any_change(
    bare_host, project: Project, lab: Lab
):
    host = bare_host("bookworm")
    lead_domains_to(lab, host)
    host.shell(INSTALL + IN_HAND)
    before = host.shell(STATE)
    refused = provision(project, host)
    assert refused.code == 1
    assert "port:80" in refused.output
    assert "a nginx that is not nginx.service" in refused.output
    assert host.shell(STATE) == before
