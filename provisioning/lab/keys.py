"""The lab's own keys: one for its users, one set per host, and a certificate authority."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.lab.files import give_to_invoker
from provisioning.lab.processes import call

_LIFETIME = datetime.timedelta(days=3650)
# Clocks of machines differ; a certificate is valid from a day ago.
_SLACK = datetime.timedelta(days=1)


def make_user_key(path: Path, comment: str) -> None:
    """Make the ssh key that opens every host of the lab, unless it is there."""
    if not path.exists():
        call(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
            purpose="make the lab's ssh key",
        )
        give_to_invoker(path)
        give_to_invoker(path.with_suffix(".pub"))


def make_host_keys(root: Path) -> None:
    """Make a host's ssh keys below its `/etc/ssh`, of the kinds that Debian makes.

    Args:
        root: What is or becomes the host's "/".
    """
    (root / "etc/ssh").mkdir(parents=True, exist_ok=True)
    call(["ssh-keygen", "-q", "-A", "-f", str(root)], purpose="make the host's ssh keys")


def known_hosts_lines(names: str, root: Path) -> list[str]:
    """Return a host's lines of known_hosts.

    Args:
        names: Its names and addresses, with commas between.
        root: Where `make_host_keys` made its keys.
    """
    keys = sorted((root / "etc/ssh").glob("ssh_host_*_key.pub"))
    return [" ".join([names, *key.read_text().split()[:2]]) for key in keys]


def make_authority(directory: Path, name: str) -> None:
    """Make a certificate authority: `ca.pem` and `ca.key`, unless they are there."""
    if (directory / "ca.pem").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(directory / "ca.key", key)
    (directory / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def make_certificate(authority: Path, directory: Path, address: str, name: str) -> None:
    """Make a server certificate: `cert.pem` and `key.pem`.

    Args:
        authority: Directory of the authority that signs it.
        directory: Where the two files go.
        address: The IP address that it is valid for.
        name: The host name that it is valid for, besides localhost.
    """
    directory.mkdir(parents=True, exist_ok=True)
    issuer = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    issuer_key = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName(
        [
            x509.IPAddress(ipaddress.ip_address(address)),
            x509.DNSName(name),
            x509.DNSName("localhost"),
        ]
    )
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        _builder(subject, issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    _write_key(directory / "key.pem", key)
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
