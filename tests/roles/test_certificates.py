import stat
import subprocess

import pytest

from provisioning.errors import ConfigurationError
from provisioning.roles import read_given_certificate
from tests.roles.samples import HELLO, compiled, inventory, text_of
from tests.roles.test_nginx import files

FILES = HELLO + '[tls]\nmethod = "files"\ncertificate = "tls/chain.pem"\nkey = "tls/key.pem"\n'


def make_pair(folder, name="", *, options=()):
    """Make a certificate and a key, where FILES has them."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         *(options or ("-nodes",)), "-days", "2", "-subj", "/CN=hello.example.com",
         "-keyout", folder / f"{name}key.pem", "-out", folder / f"{name}chain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def refusal(tmp_path, text=FILES):
    with pytest.raises(ConfigurationError) as caught:
        read_given_certificate(inventory(tmp_path, text))
    return str(caught.value)


# From an authority


def test_the_authority_is_asked_for_all_domains_in_one_certificate(tmp_path):
    text = (
        HELLO + '[tls]\nemail = "ops@example.com"\ndirectory_url = "staging"\npreflight = false\n'
    )
    certificate = compiled(tmp_path, text)["certificate:hello"]
    assert certificate.domains == ("hello.example.com", "www.hello.example.com")
    assert certificate.email == "ops@example.com"
    assert certificate.directory_url == "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert certificate.preflight is False


def test_challenges_are_answered_on_both_ports_before_anything_else_is_decided(tmp_path):
    resources = compiled(tmp_path, HELLO)
    made = files(resources)
    assert "include /etc/nginx/homeport/acme.conf;" in made["homeport/sites/hello.conf"]
    assert "include /etc/nginx/homeport/acme.con[f];" in made["sites-tls/hello.conf"]
    assert resources["directory:/var/lib/homeport-acme"].mode == "0755"
    assert "root /var/lib/homeport-acme;" in made["homeport/acme.conf"]


def test_a_renewal_reloads_nginx_without_testing_it_first(tmp_path):
    resources = compiled(tmp_path, HELLO)
    hook = resources["file:/etc/homeport/acme/renewal-hooks/deploy/10-homeport-reload-nginx"]
    commands = [line for line in text_of(hook).splitlines() if not line.startswith("#")]
    assert hook.mode == "0755"
    # `nginx -t` would fail in the renewal's sandbox, and the reload would never happen.
    assert commands == ["exec systemctl reload nginx.service"]
    assert resources["service:homeport-renewal@hello.timer"].enabled


def test_a_renewal_may_write_where_the_challenges_lie(tmp_path):
    text = text_of(compiled(tmp_path, HELLO)["unit:homeport-renewal@.service"])
    (paths,) = [line for line in text.splitlines() if line.startswith("ReadWritePaths=")]
    assert {"/etc/homeport/acme", "/var/lib/homeport-acme"} <= set(paths.partition("=")[2].split())


def test_nothing_of_certbot_that_others_use_is_touched(tmp_path):
    resources = compiled(tmp_path, HELLO)
    assert resources["packages:certbot"].names == ("python3-certbot",)
    made = [each for each in resources if not each.startswith("earlier-")]
    assert not [each for each in made if "letsencrypt" in each or "certbot.service" in each]
    assert not [each for each in made if "certbot.timer" in each]


ACME = "homeport/acme.conf"


@pytest.mark.parametrize("method", ["self-signed", "off"])
def test_certbot_is_there_only_for_an_authority(tmp_path, method):
    resources = compiled(tmp_path, f'{HELLO}[tls]\nmethod = "{method}"\n')
    made = [each for each in resources if not each.startswith("earlier-")]
    assert not [each for each in made if "certbot" in each or "acme" in each]
    # Apps that left the inventory may have an authority: its file is there, and no site reads it.
    others = {path: text for path, text in files(resources).items() if path != ACME}
    assert "acme" not in "".join(others.values())
    timer = resources["service:homeport-renewal@hello.timer"]
    assert (timer.running, timer.enabled) == (False, False)


# A person's own


def test_ones_own_certificate_serves_every_site_and_its_key_stays_secret(tmp_path):
    make_pair(tmp_path / "inventory/tls")
    text = FILES.replace("[tls]", '[apps.other]\nsource="."\nwsgi="a:b"\ndomains=["o.org"]\n[tls]')
    given = read_given_certificate(inventory(tmp_path, text))
    resources = compiled(tmp_path, text, given_certificate=given)
    key = resources["file:/etc/homeport/tls/given/privkey.pem"]
    assert key.content.secret
    assert key.mode == "0600"
    assert resources["directory:/etc/homeport/tls/given"].mode == "0700"
    for name in ("hello", "other"):
        text = files(resources)[f"sites-tls/{name}.conf"]
        assert "ssl_certificate /etc/homeport/tls/given/fullchain.pem;" in text
    assert "file:/etc/homeport/tls/given/fullchain.pem" in resources["service:nginx-tls"].reload_on
    assert "BEGIN" not in repr(given)[repr(given).index("key=") :]


def test_a_missing_file_is_named_with_the_key_to_correct(tmp_path):
    message = refusal(tmp_path)
    assert message.startswith(f"cannot read tls.certificate: {tmp_path}/inventory/tls/chain.pem")
    assert "correct tls.certificate in" in message


def test_a_key_of_another_certificate_is_refused(tmp_path):
    make_pair(tmp_path / "inventory/tls")
    make_pair(tmp_path / "inventory/tls", "other-")
    (tmp_path / "inventory/tls/other-key.pem").rename(tmp_path / "inventory/tls/key.pem")
    assert "they do not belong together" in refusal(tmp_path)


def test_a_key_with_a_passphrase_is_refused(tmp_path):
    make_pair(tmp_path / "inventory/tls", options=("-passout", "pass:secret"))
    assert "it has a passphrase" in refusal(tmp_path)


def test_what_is_not_pem_is_refused(tmp_path):
    make_pair(tmp_path / "inventory/tls")
    (tmp_path / "inventory/tls/chain.pem").write_text("not a certificate\n")
    assert "one of them is not PEM" in refusal(tmp_path)
    (tmp_path / "inventory/tls/chain.pem").write_bytes(b"\xff\xfe")
    assert "it is not PEM" in refusal(tmp_path)


def test_other_methods_read_nothing(tmp_path):
    assert read_given_certificate(inventory(tmp_path, HELLO)) is None


def test_compiling_without_the_files_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="were not read"):
        compiled(tmp_path, FILES)


def test_reading_changes_neither_file(tmp_path):
    make_pair(tmp_path / "inventory/tls")
    key = tmp_path / "inventory/tls/key.pem"
    before = key.read_bytes()
    read_given_certificate(inventory(tmp_path, FILES))
    assert key.read_bytes() == before
    assert stat.S_ISREG(key.stat().st_mode)
