import hashlib
import re
from dataclasses import replace

import pytest

from provisioning.agent.facts import Facts
from provisioning.errors import ConfigurationError
from provisioning.render import render
from provisioning.roles.web_servers.capabilities import Capabilities
from tests.roles.samples import BOOKWORM, HELLO, TRIXIE, compiled

SELF_SIGNED = HELLO + '[tls]\nmethod = "self-signed"\n'


def files(resources):
    """Return every file of nginx, of both sets."""
    sets = [each for each in resources.values() if each.kind == "file-set"]
    return {path: blob.data.decode() for each in sets for path, blob in each.files.items()}


def nginx(tmp_path, text=HELLO, facts=BOOKWORM):
    return files(compiled(tmp_path, text, facts))


# What the host can do


@pytest.mark.parametrize(
    ("version", "openssl", "can"),
    [
        ("1.22.1", "3.0.19", (False, False, False, False)),
        ("1.24.0", "3.0.13", (False, False, True, False)),
        ("1.26.3", "3.5.7", (True, True, True, False)),
        ("1.29.7", "3.5.7", (True, True, True, True)),
        ("", "", (False, False, False, False)),
    ],
)
def test_what_can_be_asked_for_follows_from_versions(version, openssl, can):
    assert Capabilities.of(Facts(nginx=version, openssl=openssl)) == Capabilities(*can)


@pytest.mark.parametrize("beside", ["", "sites-enabled/zz-homeport.conf"])
@pytest.mark.parametrize("is_there", [True, False])
def test_brotli_is_served_where_nginx_has_its_module(tmp_path, is_there, beside):
    facts = replace(BOOKWORM, nginx_brotli=is_there, nginx_beside=beside)
    made = compiled(tmp_path, HELLO + 'static = { "/s/" = "s" }\n', facts)
    assert ("    brotli_static on;\n" in files(made)["apps/hello.conf"]) is is_there
    found = made.get("packages:brotli")
    assert ({*found.names} if found else set()) == ({"brotli"} if is_there else set())


def test_the_distributions_name_decides_nothing():
    facts = Facts(nginx="1.26.3", openssl="3.5.7")
    assert Capabilities.of(replace(facts, debian="12", codename="bookworm")) == (
        Capabilities.of(replace(facts, debian="13", codename="trixie"))
    )


def test_an_nginx_that_cannot_refuse_unknown_names_is_refused_itself(tmp_path):
    with pytest.raises(ConfigurationError, match=r"cannot configure nginx 1\.18\.0"):
        nginx(tmp_path, facts=replace(BOOKWORM, nginx="1.18.0"))


@pytest.mark.parametrize(("facts", "directive"), [(BOOKWORM, False), (TRIXIE, True)])
def test_http2_is_written_as_the_hosts_nginx_reads_it(tmp_path, facts, directive):
    made = nginx(tmp_path, facts=facts)
    for path in ("sites-tls/hello.conf", "homeport/sites/00-default-tls.conf"):
        assert ("http2 on;" in made[path]) is directive
        assert ("ssl http2" in made[path]) is not directive


@pytest.mark.parametrize(("ipv6", "listens"), [(True, 4), (False, 0)])
def test_ipv6_is_listened_on_only_where_the_kernel_has_it(tmp_path, ipv6, listens):
    made = nginx(tmp_path, facts=replace(BOOKWORM, ipv6=ipv6))
    assert "".join(made.values()).count("listen [::]:") == listens


def test_upstream_keepalive_is_off_in_every_version(tmp_path):
    old = nginx(tmp_path / "old")["homeport/sites/hello.conf"]
    new = nginx(tmp_path / "new", facts=replace(BOOKWORM, nginx="1.29.7"))
    # The directive takes no 0 before the version that needs it.
    assert "keepalive" not in old
    assert "keepalive 0;" in new["homeport/sites/hello.conf"]


# Which files are ours


def test_nothing_is_purged_of_what_others_put_beside_it(tmp_path):
    resources = compiled(tmp_path, HELLO)
    assert not resources["file-set:nginx"].purge
    assert not resources["file-set:nginx-tls"].purge


def test_what_an_earlier_homeport_wrote_elsewhere_goes(tmp_path):
    absent = compiled(tmp_path, HELLO)["file-set:nginx"].absent
    assert {"conf.d/limits.conf", "sites-enabled/hello.conf"} <= set(absent)


def test_debians_modules_and_the_persons_own_directory_are_included(tmp_path):
    resources = compiled(tmp_path, HELLO)
    text = files(resources)["nginx.conf"]
    for folder in ("modules-enabled", "local.d"):
        assert f"include /etc/nginx/{folder}/*.conf;" in text


def test_without_https_what_there_was_of_it_is_taken_away(tmp_path):
    resources = compiled(tmp_path, HELLO + '[tls]\nmethod = "off"\n')
    tls = resources["file-set:nginx-tls"]
    assert tls.files == {}
    assert {"sites-tls/hello.conf", "homeport/tls-asking.conf"} <= {*tls.absent}
    assert "homeport/sites/00-default-tls.conf" in resources["file-set:nginx"].absent
    assert resources["service:nginx-tls"].reload_on == ("file-set:nginx-tls",)
    assert "port:443" not in resources
    assert "listen 443" not in "".join(files(resources).values())


def test_a_site_that_goes_away_does_not_break_the_first_stage(tmp_path):
    """The second set still has its server while the first is tested without the rest."""
    made = nginx(tmp_path)["sites-tls/hello.conf"]
    includes = [line.split()[1] for line in made.splitlines() if line.strip().startswith("include")]
    assert includes
    # nginx takes a pattern that matches nothing, but not the name of a missing file.
    assert all(each.endswith("con[f];") for each in includes)
    assert "proxy_pass" not in made


def test_nginx_reloads_for_files_and_restarts_only_for_its_package_and_sandbox(tmp_path):
    service = compiled(tmp_path, HELLO)["service:nginx"]
    assert service.reload_on == ("file-set:nginx",)
    assert service.restart_on == ("packages:nginx", "unit:nginx.service.d/homeport.conf")


def test_nginx_reloads_once_its_certificate_is_there(tmp_path):
    service = compiled(tmp_path, HELLO)["service:nginx-tls"]
    assert service.unit == "nginx.service"
    assert service.reload_on == ("file-set:nginx-tls", "certificate:hello")


def test_every_set_is_tested_by_nginx_itself(tmp_path):
    resources = compiled(tmp_path, HELLO)
    for each in ("file-set:nginx", "file-set:nginx-tls"):
        assert resources[each].validate[:2] == ("nginx", "-t")


def test_what_rotates_the_logs_is_there_on_a_minimal_host_too(tmp_path):
    assert "logrotate" in compiled(tmp_path, HELLO)["packages:base"].names


# Settings


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ("", "limit_req zone=homeport_app_hello burst=200 nodelay;"),
        ("burst = 0\n", "limit_req zone=homeport_app_hello;"),
        ('rate_limit = "off"\n', None),
        (
            'limits = { "/login" = "5r/m" }\n',
            "limit_req zone=homeport_app_hello_1 burst=4 nodelay;",
        ),
    ],
)
def test_the_rate_limit_is_what_was_asked_for(tmp_path, settings, limit):
    text = nginx(tmp_path, HELLO + settings)["apps/hello.conf"]
    assert (limit in text) if limit else ("limit_req" not in text)


def test_the_number_of_requests_at_once_is_limited_apart_from_their_rate(tmp_path):
    made = nginx(tmp_path, HELLO + 'rate_limit = "off"\n')["apps/hello.conf"]
    assert "limit_conn homeport_visitors 50;" in made
    made = nginx(tmp_path, HELLO + 'connection_limit = "off"\n')["apps/hello.conf"]
    assert "limit_conn" not in made
    assert "limit_req zone=homeport_app_hello" in made


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ("", '"on" "max-age=63072000";'),
        ('hsts = "5m"\n', '"on" "max-age=300";'),
        (
            "hsts_subdomains = true\nhsts_preload = true\n",
            '"on" "max-age=63072000; includeSubDomains; preload";',
        ),
        ('hsts = "off"\n', None),
    ],
)
def test_hsts_is_what_was_asked_for(tmp_path, settings, value):
    text = nginx(tmp_path, HELLO + settings)["homeport/sites/hello.conf"]
    assert (value in text) if value else ("max-age" not in text)


def test_no_hsts_for_a_certificate_that_browsers_warn_of(tmp_path):
    assert "max-age" not in nginx(tmp_path, SELF_SIGNED)["homeport/sites/hello.conf"]


@pytest.mark.parametrize(
    ("csp", "enforced", "reported"),
    [
        ("strict", "default-src 'none'", None),
        ("report-only", None, "default-src 'none'"),
        ("default-src 'self'", "default-src 'self'", None),
        ("off", None, None),
    ],
)
def test_the_content_security_policy_is_what_was_asked_for(tmp_path, csp, enforced, reported):
    made = nginx(tmp_path, HELLO + f'csp = "{csp}"\n')
    body = made["homeport/sites/hello.conf"].partition("$homeport_csp_hello {")[2].partition("}")[0]
    added = re.findall(r"add_header (Content-\S+) \$homeport_csp", made["apps/hello.conf"])
    names = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")
    for name, wanted in zip(names, (enforced, reported), strict=True):
        assert (name in added) is bool(wanted)
        assert not wanted or f'"" "{wanted}' in body


def test_a_name_with_a_hyphen_makes_a_variable_that_nginx_takes(tmp_path):
    text = HELLO.replace("apps.hello", "apps.my-app") + 'static = { "/static/" = "static" }\n'
    assert "$homeport_cache_my_app" in nginx(tmp_path, text)["homeport/sites/my-app.conf"]


# Names that only lead to another


def test_without_https_names_redirect_on_port_80_and_by_a_trusted_proxys_scheme(tmp_path):
    keys = 'redirect = ["example.org"]\ntrusted_proxies = ["192.0.2.0/24"]\n'
    made = nginx(tmp_path, HELLO + keys + '[tls]\nmethod = "off"\n')
    site, redirect = made["homeport/sites/hello.conf"], made["homeport/redirects/hello.conf"]
    assert "server_name hello.example.com www.hello.example.com;" in site
    assert "server_name example.org;" in site
    assert "return 308 $homeport_forwarded_proto://hello.example.com$request_uri;" in redirect
    assert "set_real_ip_from 192.0.2.0/24;" in redirect


def test_a_redirect_that_is_no_longer_asked_for_goes(tmp_path):
    resources = compiled(tmp_path, HELLO)
    assert "homeport/redirects/hello.conf" in resources["file-set:nginx"].absent
    assert "homeport/redirects/hello.conf" not in nginx(tmp_path)


def test_certificates_and_the_check_for_others_sites_know_names_that_redirect(tmp_path):
    resources = compiled(tmp_path, HELLO + 'redirect = ["example.org"]\n')
    names = ("hello.example.com", "www.hello.example.com", "example.org")
    assert resources["certificate:hello"].domains == names
    assert tuple(resources["neighbours:nginx"].names) == names
    assert resources["registered-app:hello"].domains == tuple(sorted(names))


def test_what_nginx_restarts_with_is_what_hosts_have():
    """A restart refuses visitors for a moment: not for another word in a comment.

    The digest is that of the drop-in of all hosts so far. Change it if nginx has to restart.
    """
    drop_in = render("nginx/service.conf.j2").encode()
    assert hashlib.sha256(drop_in).hexdigest() == (
        "7e5c8ee504b21b3ea15f51c824591bd15c8c28e402c38419646211c4a76b6f78"
    )
