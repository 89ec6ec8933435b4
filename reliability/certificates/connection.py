"""Looking at the certificate that a server shows: the beginning of a TLS connection, and nothing after it."""

from __future__ import annotations

import ssl
import struct

from reliability.kernel import certificates, dialling

_SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""PostgreSQL speaks in the clear until it is asked for TLS."""


def shown(
    host: str, port: int, *, context: ssl.SSLContext, asks_first: bool, within_s: float
) -> certificates.Certificate:
    """Return the certificate, whoever signed it and whenever it ends; raise ``OSError`` or ``ValueError``.

    ``asks_first``: as PostgreSQL wants it. The context is made to trust everybody: nothing is sent but what begins TLS
    (and the console's own certificate, where the server wants one).
    """
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with dialling.connected(host, port, within_s=within_s) as connection:
        if asks_first:
            connection.sendall(_SSL_REQUEST)
            if connection.recv(1) != b"S":
                raise OSError("the server speaks no TLS here")
        with context.wrap_socket(connection, server_hostname=host) as secured:
            encoded = secured.getpeercert(binary_form=True)
    if not encoded:
        raise OSError("the server showed no certificate")
    return certificates.of_der(encoded)
