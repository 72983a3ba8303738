"""The certificate that a visitor gets, and whether a browser would trust it."""

from __future__ import annotations

import socket
import ssl
import time

from provisioning.doctor.seen import CertificateSeen

TIMEOUT_S = 10.0


def certificate_of(address: str, name: str, authority: str = "") -> CertificateSeen:
    """Return what is to say of the certificate of a name.

    Args:
        address: Where to connect to.
        name: The name that is asked for, and that must be in it.
        authority: PEM of an authority that is trusted besides the usual ones, or "".
    """
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority)
    try:
        with (
            socket.create_connection((address, 443), TIMEOUT_S) as connected,
            context.wrap_socket(connected, server_hostname=name) as secured,
        ):
            found = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return CertificateSeen(error.verify_message or str(error))
    except OSError as error:
        return CertificateSeen(str(error) or type(error).__name__)
    ends = ssl.cert_time_to_seconds(str(found["notAfter"]))
    return CertificateSeen("", max(0, int((ends - time.time()) // 86400)))
