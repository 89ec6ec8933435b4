"""A cluster's profile, which is written in librdkafka's words, in kafka-python's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reliability.kafka import ports, tls

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
        settings["ssl_context"] = tls.context(profile)
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


def _text(profile: Profile, name: str, default: str = "") -> str:
    value = profile.get(name, default)
    return str(value).lower() if isinstance(value, bool) else str(value)
