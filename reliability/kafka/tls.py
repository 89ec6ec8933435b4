"""TLS as a cluster's profile, which is written in librdkafka's words, wants it, for those who are not librdkafka."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping

from reliability.kafka import ports, troubles

Profile = Mapping[str, object]


def context(profile: Profile) -> ssl.SSLContext:
    """Return a client's context; raise ``ports.Untranslatable`` for what it cannot do or cannot read."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    algorithm = _text(profile, "ssl.endpoint.identification.algorithm", "https").lower()
    if algorithm not in ("https", "none"):
        raise ports.Untranslatable("ssl.endpoint.identification.algorithm", f"{algorithm} is neither https nor none")
    verified = _text(profile, "enable.ssl.certificate.verification", "true").lower() == "true"
    made.check_hostname = verified and algorithm == "https"
    if not verified:
        made.verify_mode = ssl.CERT_NONE
    _trust(made, profile)
    certificate = _text(profile, "ssl.certificate.location")
    if certificate:
        key, password = _text(profile, "ssl.key.location"), _text(profile, "ssl.key.password")
        try:
            # An empty password, not None: OpenSSL would ask for one on the terminal.
            made.load_cert_chain(certificate, key or None, password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ports.Untranslatable("ssl.certificate.location", f"{certificate}: {error}") from error
    return made


def _trust(made: ssl.SSLContext, profile: Profile) -> None:
    """Load the authorities to trust: those named, else the machine's own."""
    pem, location = _text(profile, "ssl.ca.pem"), _text(profile, "ssl.ca.location")
    try:
        if pem:
            made.load_verify_locations(cadata=pem)
        elif location and location != "probe":
            folder = os.path.isdir(location)
            made.load_verify_locations(cafile=None if folder else location, capath=location if folder else None)
        else:
            made.load_default_certs()
    except (OSError, ValueError) as error:
        name = "ssl.ca.pem" if pem else "ssl.ca.location"
        raise ports.Untranslatable(name, f"{'' if pem else location + ': '}{error}") from error


def _text(profile: Profile, name: str, default: str = "") -> str:
    value = profile.get(name, default)
    return str(value).lower() if isinstance(value, bool) else str(value)


def why_not(profile: Profile, *, within_s: float) -> str:
    """Return why TLS with the first server that can be reached fails, in a sentence without its end; "" if it does not.

    librdkafka says of any certificate that it could not be verified; this says what is wrong with it. Only a handshake
    is made: nothing secret is sent.
    """
    if not str(profile.get("security.protocol", "")).upper().endswith("SSL"):
        return ""
    try:
        made = context(profile)
    except ports.Untranslatable as error:
        return str(error)
    servers = [server.strip().rpartition(":") for server in str(profile.get("bootstrap.servers", "")).split(",")]
    for host, _, port in servers:
        name = host.strip("[]")
        try:
            with (
                socket.create_connection((name, int(port)), timeout=within_s / len(servers)) as connection,
                made.wrap_socket(connection, server_hostname=name),
            ):
                return ""
        except ssl.SSLError as error:
            return troubles.said(str(error))
        except (OSError, ValueError):
            continue  # another server may be there; that this one is not is told by the client
    return ""
