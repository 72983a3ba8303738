"""TLS handshakes with this host's own web server."""

from __future__ import annotations

import socket
from typing import Optional

TIMEOUT_S = 5.0


def served_certificate(name: str, address: str = "127.0.0.1", port: int = 443) -> Optional[bytes]:
    """Return the certificate (DER) that a server shows for a name; None where it shows none.

    Whether anybody trusts it is not looked at.
    """
    # As in http.py: most agents need neither.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((address, port), TIMEOUT_S) as connected:
            connected.settimeout(TIMEOUT_S)
            with context.wrap_socket(connected, server_hostname=name) as secure:
                return secure.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
