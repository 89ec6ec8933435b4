"""TLS as a cluster's profile, which is written in librdkafka's words, wants it, for those who are not librdkafka."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping

from reliability.kafka import ports, reaching, troubles

Profile = Mapping[str, object]
UNREACHABLE = "cannot be reached"


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
    """Return why the first server that can be reached does not let us in, in a sentence without its end; "" if unknown.

    librdkafka says of any certificate that it could not be verified, and of much else that its transport failed; this
    says what is wrong. Only a handshake is made: nothing secret is sent.
    """
    wants_tls = _text(profile, "security.protocol").upper().endswith("SSL")
    try:
        made = context(profile) if wants_tls else _trusting()
    except ports.Untranslatable as error:
        return str(error)
    servers = [server.strip() for server in _text(profile, "bootstrap.servers").split(",") if server.strip()]
    connection, host, lost = reaching.first(servers, within_s=within_s)
    if connection is not None:
        with connection:
            return _of_handshake(made, connection, host, wants_tls=wants_tls, profile=profile)
    return "; ".join(f"{server} {UNREACHABLE}: {reason}" for server, reason in lost.items())


def _of_handshake(
    made: ssl.SSLContext, connection: socket.socket, host: str, *, wants_tls: bool, profile: Profile
) -> str:
    try:
        with made.wrap_socket(connection, server_hostname=host):
            pass
    except TimeoutError:
        return "the server takes connections and does not answer" if wants_tls else ""
    except ssl.SSLError as error:
        return troubles.said(str(error)) if wants_tls else ""
    except (OSError, ValueError):
        return ""  # what the client itself says of it is all that is known
    if not wants_tls:
        return troubles.WANTS_TLS
    return "" if "SASL" in _text(profile, "security.protocol").upper() else troubles.MAY_WANT_LOGIN


def _trusting() -> ssl.SSLContext:
    """A context that believes everybody, for a look at whether TLS is spoken."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
