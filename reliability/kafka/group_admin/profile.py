"""A cluster's profile, which is written in librdkafka's words, in kafka-python's."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any

from reliability.kafka import ports

Profile = Mapping[str, object]

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_TRANSLATED = frozenset(
    {
        "security.protocol",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "sasl.password",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
    }
)
_DECIDES_WHO_TALKS = ("sasl.", "ssl.", "security.", "enable.sasl.", "enable.ssl.", "https.")
"""A property that begins so says how one gets in: ignoring one could mean to talk to, or as, somebody else."""


def translated(profile: Profile) -> dict[str, Any]:
    """Return kafka-python's settings for a profile; raise ``ports.Untranslatable``.

    Properties that only tune (buffers, timeouts, logs) are left out: this client has its own.
    """
    for name in profile:
        if name.startswith(_DECIDES_WHO_TALKS) and name not in _TRANSLATED:
            raise ports.Untranslatable(name, "the client that asks about groups does not know this property")
    protocol = _text(profile, "security.protocol", "plaintext").upper()
    if protocol not in _PROTOCOLS:
        raise ports.Untranslatable("security.protocol", f"{protocol} is none of {', '.join(_PROTOCOLS)}")
    settings: dict[str, Any] = {"bootstrap_servers": _servers(profile), "security_protocol": protocol}
    if protocol.startswith("SASL"):
        settings |= _sasl(profile)
    if protocol.endswith("SSL"):
        settings["ssl_context"] = _ssl_context(profile)
    return settings


def _servers(profile: Profile) -> list[str]:
    name = "bootstrap.servers" if "bootstrap.servers" in profile else "metadata.broker.list"
    servers = [server.strip() for server in _text(profile, name).split(",") if server.strip()]
    if not servers:
        raise ports.Untranslatable("bootstrap.servers", "no server is named")
    return servers


def _sasl(profile: Profile) -> dict[str, Any]:
    name = "sasl.mechanism" if "sasl.mechanism" in profile else "sasl.mechanisms"
    mechanism = _text(profile, name, "GSSAPI").upper()  # librdkafka's default
    if mechanism not in _MECHANISMS:
        raise ports.Untranslatable(name, f"{mechanism} is none of {', '.join(_MECHANISMS)}")
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": _text(profile, "sasl.username"),
        "sasl_plain_password": _text(profile, "sasl.password"),
    }


def _ssl_context(profile: Profile) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    algorithm = _text(profile, "ssl.endpoint.identification.algorithm", "https").lower()
    if algorithm not in ("https", "none"):
        raise ports.Untranslatable("ssl.endpoint.identification.algorithm", f"{algorithm} is neither https nor none")
    verified = _text(profile, "enable.ssl.certificate.verification", "true").lower() == "true"
    context.check_hostname = verified and algorithm == "https"
    if not verified:
        context.verify_mode = ssl.CERT_NONE
    _trust(context, profile)
    certificate = _text(profile, "ssl.certificate.location")
    if certificate:
        key, password = _text(profile, "ssl.key.location"), _text(profile, "ssl.key.password")
        try:
            # An empty password, not None: OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, key or None, password)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ports.Untranslatable("ssl.certificate.location", f"{certificate}: {error}") from error
    return context


def _trust(context: ssl.SSLContext, profile: Profile) -> None:
    """Load the authorities to trust: those named, else the machine's own."""
    pem, location = _text(profile, "ssl.ca.pem"), _text(profile, "ssl.ca.location")
    try:
        if pem:
            context.load_verify_locations(cadata=pem)
        elif location and location != "probe":
            folder = os.path.isdir(location)
            context.load_verify_locations(cafile=None if folder else location, capath=location if folder else None)
        else:
            context.load_default_certs()
    except (OSError, ValueError) as error:
        name = "ssl.ca.pem" if pem else "ssl.ca.location"
        raise ports.Untranslatable(name, f"{'' if pem else location + ': '}{error}") from error


def _text(profile: Profile, name: str, default: str = "") -> str:
    value = profile.get(name, default)
    return str(value).lower() if isinstance(value, bool) else str(value)
