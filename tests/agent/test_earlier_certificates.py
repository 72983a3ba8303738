"""What an earlier Homeport has among the certificates of others, and what of it comes over."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning.agent import layout
from provisioning.agent.debian.certbot import names_in
from provisioning.agent.machine.overlay import Overlay
from provisioning.agent.machine.system import System
from provisioning.agent.resource import Resource, differences
from provisioning.agent.resources import earlier_renewal
from provisioning.agent.resources.certificate import Certificate
from provisioning.agent.resources.earlier_certificate import EarlierCertificate
from provisioning.agent.resources.earlier_renewal import EarlierRenewal
from tests.agent.test_certificate import RENEWAL, SERVER, WEBROOT, write_account

OURS = "# Made by Homeport from templates/certbot/x.j2; ...\n"


@pytest.fixture
def earlier(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return certbot's own place, with the certificate `hello` of an earlier Homeport."""
    for name in ("ACME", "EARLIER_ACME"):
        monkeypatch.setattr(layout, name, str(root / name.lower()))
    place = root / "earlier_acme"
    for name in ("DROP_IN", "HOOK", "WEB_SERVER"):
        monkeypatch.setattr(earlier_renewal, name, str(root / name.lower() / "x"))
    make_lineage(place, "hello", "of-hello")
    return place


def make_lineage(place: Path, label: str, account: str, *, hooks: str = "") -> None:
    live, archive = place / "live" / label, place / "archive" / label
    for path in (live, archive):
        path.mkdir(parents=True)
        path.parent.chmod(0o700)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "90", "-subj", f"/CN={label}.test", "-addext",
         f"subjectAltName=DNS:{label}.test", "-keyout", archive / "privkey3.pem",
         "-out", archive / "fullchain3.pem"], check=True, capture_output=True,
    )  # fmt: skip
    for name in ("cert3.pem", "chain3.pem"):
        shutil.copy(archive / "fullchain3.pem", archive / name)
    for name in ("cert", "chain", "fullchain", "privkey"):
        (live / f"{name}.pem").symlink_to(f"../../archive/{label}/{name}3.pem")
    write_account(place, account, "2026-01-01T00:00:00Z")
    (place / "renewal").mkdir(exist_ok=True)
    (place / "renewal" / f"{label}.conf").write_text(
        RENEWAL.format(place=place, label=label, account=account) + hooks
    )


def apply(system: System, resource: Resource) -> None:
    change = differences(resource.desired(), resource.actual(system))
    assert change
    resource.apply(system, change)


def is_done(resource: Resource) -> bool:
    return not differences(resource.desired(), resource.actual(System()))


def certificate() -> Certificate:
    return Certificate("hello", ("hello.test",), SERVER)


def test_a_good_certificate_comes_over_with_its_account_and_none_is_asked_for(
    earlier: Path, root: Path
) -> None:
    apply(System(), EarlierCertificate("hello"))
    assert is_done(EarlierCertificate("hello"))
    assert is_done(certificate())
    here = root / "acme"
    assert (here / "accounts/authority.test/dir/of-hello/private_key.json").is_file()
    settings = (here / "renewal/hello.conf").read_text()
    assert f"fullchain = {here}/live/hello/fullchain.pem" in settings
    assert str(earlier) not in settings
    # Where it was it is until the web server has the copy.
    assert (earlier / "renewal/hello.conf").is_file()


def test_a_check_sees_the_certificate_that_would_have_come_over(earlier: Path, root: Path) -> None:
    overlay = Overlay()
    apply(overlay, EarlierCertificate("hello"))
    assert not differences(certificate().desired(), certificate().actual(overlay))
    assert not (root / "acme").exists()


def test_what_was_ours_leads_to_where_it_is_now(earlier: Path) -> None:
    make_lineage(earlier, "mail", "of-mail")
    (earlier / "renewal/mail.conf").write_text("authenticator = manual\n")
    apply(System(), EarlierCertificate("hello"))
    resource = EarlierRenewal(("hello", "mail"))
    apply(System(), resource)
    assert is_done(resource)
    assert names_in(System(), str(earlier / "live/hello/fullchain.pem")) == ("hello.test",)
    assert [each.name for each in (earlier / "renewal").iterdir()] == ["mail.conf"]
    assert [each.name for each in (earlier / "archive").iterdir()] == ["mail"]


@pytest.mark.parametrize("key", ["renew_hook", "pre_hook", "post_hook"])
def test_one_that_others_have_a_hook_for_stays_besides(earlier: Path, root: Path, key: str) -> None:
    conf = earlier / "renewal/hello.conf"
    conf.write_text(conf.read_text().replace("[[", f"{key} = cp it /etc/dovecot\n[["))
    before = conf.read_text()
    system = System()
    apply(system, EarlierCertificate("hello"))
    assert key in system.notes[0]
    assert key not in (root / "acme/renewal/hello.conf").read_text()
    assert is_done(EarlierRenewal(("hello",)))
    assert conf.read_text() == before


@pytest.mark.parametrize(
    ("path", "text"),
    [("renewal-hooks/deploy/mine", "#!/bin/sh\n"), ("cli.ini", "a = b\ndeploy-hook = x\n")],
)
def test_where_a_hook_runs_after_all_renewals_it_stays_besides(
    earlier: Path, path: str, text: str
) -> None:
    file = write(str(earlier / path), text)
    write(str(earlier / "renewal-hooks/deploy/10-homeport-reload-nginx"), OURS)
    apply(System(), EarlierCertificate("hello"))
    assert is_done(EarlierRenewal(("hello",)))
    file.unlink()
    assert not is_done(EarlierRenewal(("hello",)))


def test_one_that_others_may_read_stays_besides(earlier: Path) -> None:
    (earlier / "live").chmod(0o755)
    apply(System(), EarlierCertificate("hello"))
    assert is_done(EarlierRenewal(("hello",)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("authenticator = webroot", "authenticator = nginx"),
        (f"webroot_path = {WEBROOT},", "webroot_path = /var/www,"),
        (f"webroot_path = {WEBROOT},", f"webroot_path = {WEBROOT}, /var/www,"),
    ],
)
def test_one_of_the_same_name_that_is_not_ours_is_left(earlier: Path, old: str, new: str) -> None:
    conf = earlier / "renewal/hello.conf"
    assert old in conf.read_text()
    conf.write_text(conf.read_text().replace(old, new))
    assert is_done(EarlierCertificate("hello"))
    assert is_done(EarlierRenewal(("hello",)))


@pytest.mark.parametrize("damage", ["live/hello/privkey.pem", "accounts"])
def test_one_that_certbot_could_not_go_on_with_is_not_taken(earlier: Path, damage: str) -> None:
    path = earlier / damage
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert is_done(EarlierCertificate("hello"))


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_bounds_of_everybodys_renewals_go_if_they_are_ours(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(System, "act", lambda _, argv, **options: done.append(tuple(argv)))
    drop_in = write(earlier_renewal.DROP_IN, OURS)
    hook = write(earlier_renewal.HOOK, f"#!/bin/sh\n{OURS}")
    apply(System(), EarlierRenewal())
    assert done == [("systemctl", "daemon-reload")]
    assert not drop_in.parent.exists()
    assert not hook.exists()


def test_those_that_a_person_has_made_stay(earlier: Path) -> None:
    write(earlier_renewal.DROP_IN, "[Service]\n")
    write(earlier_renewal.HOOK, "#!/bin/sh\n")
    assert is_done(EarlierRenewal())


def test_the_hook_stays_while_the_web_server_has_a_certificate_of_others(
    earlier: Path, root: Path
) -> None:
    make_lineage(earlier, "blog", "of-blog")
    (earlier / "renewal/blog.conf").write_text("authenticator = nginx\n")
    write(earlier_renewal.HOOK, OURS)
    site = write(
        f"{earlier_renewal.WEB_SERVER}/local.d/blog.conf",
        f"server {{\n  ssl_certificate {earlier}/live/blog/fullchain.pem;\n}}\n",
    )
    assert is_done(EarlierRenewal())
    site.write_text(f"ssl_certificate {earlier}/live/hello/fullchain.pem;\n")
    assert not is_done(EarlierRenewal())
